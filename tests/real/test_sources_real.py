"""The sources on real data sets: no row is lost, and what is wrong with the sets is found."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augment.engine import Engine
from augment.images import decode
from augment.job import Job
from augment.shards import read_table
from augment.sources import celebamask_hq
from augment.stages import ingest
from augment.vocabulary import AGE_GROUPS, parse_age_groups

DATA = Path(os.environ.get("FACES_DATA", Path(__file__).parents[3] / "shared" / "data"))
LONDON = {
    "kind": "folder",
    "root": "london_hr",
    "table": "labels.csv",
    "columns": {
        "file": "file", "person": "person", "age": "age", "gender": "gender",
        "ethnicity": "ethnicity", "smiling": "expression",
    },
    "words": {"smiling": {"neutral": "no", "smiling": "yes"}},
}  # fmt: skip


def index_of(folder: Path, key: str, entry: dict[str, Any]) -> list[dict[str, Any]]:
    if not (DATA / entry["root"]).is_dir():
        pytest.skip(f"needs the real data set {entry['root']} below {DATA} (or FACES_DATA)")
    section = {"data": str(DATA), "sources": {key: entry}}
    engine = Engine("pool", workers=2, cache=folder / "cache", progress=False)
    job = Job("ingest", None, {"ingest": section}, 7, {}, {"index": folder / "index"}, engine)
    ingest.run(job)
    rows: list[dict[str, Any]] = read_table(folder / "index").to_pylist()
    check_splits(rows)
    return rows


def check_splits(rows: list[dict[str, Any]]) -> None:
    of_group: dict[str, set[tuple[str, str | None]]] = {}
    of_person: dict[str, set[str]] = {}
    for row in rows:
        of_group.setdefault(row["group"], set()).add((row["split"], row["half"]))
        if row["person"] is not None:
            of_person.setdefault(row["person"], set()).add(row["split"])
    assert {len(places) for places in of_group.values()} == {1}
    assert all(len(splits) == 1 for splits in of_person.values())


def simple(name: str) -> dict[str, str]:
    return {"kind": name, "root": name}


def statuses(rows: list[dict[str, Any]]) -> dict[str, int]:
    return dict(Counter(row["status"] for row in rows))


def test_fairface(tmp_path: Path) -> None:
    rows = index_of(tmp_path, "fairface", simple("fairface"))
    files = list((DATA / "fairface").rglob("*.jpg"))
    assert len(rows) == len(files)
    assert statuses(rows)["ok"] >= 0.999 * len(rows)
    for label in ("age_group", "gender", "ethnicity"):
        assert "unknown" not in {row[label] for row in rows}
    assert {row["age_group"] for row in rows} == set(AGE_GROUPS)
    repeated = [row for row in rows if "same file" in row["note"]]
    assert repeated  # it holds exact duplicates
    assert max(Counter(row["group"] for row in rows).values()) <= 5


def test_utkface(tmp_path: Path) -> None:
    rows = index_of(tmp_path, "utkface", simple("utkface"))
    assert len(rows) == len(list((DATA / "utkface").glob("*.jpg")))
    aside = [row for row in rows if row["status"] != "ok"]
    assert aside
    assert all("the same file as" in row["reason"] for row in aside)
    for label in ("age", "gender", "ethnicity"):
        assert any(label in row["reason"] for row in aside)
    (gap,) = (row for row in rows if "lacks gender or race" in row["note"])
    assert (gap["gender"], gap["ethnicity"], gap["status"]) == ("unknown", "unknown", "ok")
    assert all(row["age"] is not None for row in rows)


def test_celeba(tmp_path: Path) -> None:
    rows = index_of(tmp_path, "celeba", simple("celeba"))
    assert statuses(rows) == {"ok": len(list((DATA / "celeba/img_align_celeba").glob("*.jpg")))}
    assert set(rows[0]["label_origin"]) >= {"glasses", "beard", "hat", "mouth_open", "young"}
    assert {row["split"] for row in rows} == {"train", "validation", "test"}
    assert all(row["person"] for row in rows)
    assert {row["beard"] for row in rows if row["gender"] == "female"} <= {"yes", "no"}
    bearded = Counter(row["gender"] for row in rows if row["beard"] == "yes")
    assert bearded["male"] > 20 * bearded["female"]  # "No_Beard" was turned round


def test_celebamask_hq(tmp_path: Path) -> None:
    rows = index_of(tmp_path, "celebamask_hq", simple("celebamask_hq"))
    assert statuses(rows) == {"ok": len(list((DATA / "celebamask_hq/CelebA-HQ-img").glob("*")))}
    config = celebamask_hq.Config(root="celebamask_hq")
    source = celebamask_hq.Source(config, DATA, parse_age_groups(AGE_GROUPS), 7)
    skin_share, left_minus_right = [], []
    for row in rows[:20]:
        parsing = source.parsing(row["uri"])
        assert parsing is not None
        assert parsing.shape == (row["height"], row["width"])
        skin_share.append(float((parsing == 1).mean()))
        eyes = [np.nonzero(parsing == part)[1] for part in (4, 5)]
        if all(len(eye) for eye in eyes):
            left_minus_right.append(eyes[0].mean() - eyes[1].mean())
    assert 0.1 < np.mean(skin_share) < 0.5
    assert min(left_minus_right) > 0  # l_eye is the person's own left: the picture's right


def test_lfw(tmp_path: Path) -> None:
    rows = index_of(tmp_path, "lfw", simple("lfw"))
    assert statuses(rows) == {"ok": len(list((DATA / "lfw/lfw-deepfunneled").rglob("*.jpg")))}
    assert all(row["person"] for row in rows)
    assert {row["gender"] for row in rows} >= {"female", "male"}


def test_a_folder_with_a_table(tmp_path: Path) -> None:
    rows = index_of(tmp_path, "london", LONDON)
    assert statuses(rows) == {"ok": 66}
    assert all(row["age"] is not None and row["person"] for row in rows)
    assert Counter(row["smiling"] for row in rows)["yes"] > 10
    unknown = [row for row in rows if row["ethnicity"] == "unknown"]
    assert all("west_asian" in row["note"] for row in unknown)
    assert decode((DATA / "london_hr" / rows[0]["uri"]).read_bytes()).shape[2] == 3
