"""assemble: what goes in, what stays out, and that others can open the result."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from augment.assembling.write import shard_count
from augment.engine import Engine
from augment.errors import UserError
from augment.images import decode
from augment.job import Job
from augment.schema import balanced_schema, manifest_schema, table, verdict_schema
from augment.shards import read_table, write_bucketed, write_json
from augment.stages.assemble import run
from tests.unit.gate_rows import (
    LABELS,
    face,
    failed_face,
    masked,
    not_made,
    write_candidates,
    write_faces,
    write_plan,
    write_topup,
)

MASKED_WOMEN, MASKED_MEN = "female · mask yes", "male · mask yes"


def job_in(folder: Path, **settings: Any) -> Job:
    return Job(
        stage="assemble",
        key=None,
        params={"assemble": settings, "generators": {"mask": {"kind": "mask"}}},
        seed=7,
        inputs={
            "aligned": folder / "aligned",
            "candidates": folder / "candidates",
            "verdicts": folder / "verdicts",
            "topup": folder / "topup",
            "audit.json": folder / "audit.json",
            "plan.json": folder / "plan.json",
        },
        outputs={"balanced": folder / "balanced"},
        engine=Engine("inline", cache=folder / "cache", progress=False),
    )


def write_verdicts(
    folder: Path, candidates: list[dict[str, Any]], refused: dict[str, str] | None = None
) -> None:
    """All pass, but those in ``refused`` (id -> reason)."""
    rows = verdict_rows(candidates, refused)
    write_json(folder / "verdicts" / "summary.json", {"passes": {"generator": {}}})
    write_bucketed(folder / "verdicts", table(rows, verdict_schema()), 4)


def verdict_rows(
    candidates: list[dict[str, Any]], refused: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    rows = []
    for candidate in candidates:
        made = candidate["status"] == "ok"
        common = {"id": candidate["id"], "generator": "mask"}
        rows.append({**common, "check": "made", "passed": made, "reason": candidate["reason"]})
        if made:
            reason = (refused or {}).get(candidate["id"], "")
            rows.append({**common, "check": "label", "score": 0.5, "threshold": 0.25,
                         "passed": not reason, "reason": reason})  # fmt: skip
    return rows


@pytest.fixture
def people() -> list[dict[str, Any]]:
    train = [face(f"s/{n:02d}", gender="male" if n % 4 == 0 else "female") for n in range(24)]
    held_out = [face(f"v/{n}", "validation") for n in range(3)]
    tests = [face(f"t/{n}", "test", gender="male", mask="yes") for n in range(5)]
    return [*train, *held_out, *tests, failed_face("f/0"), failed_face("f/1")]


@pytest.fixture
def folder(tmp_path: Path, people: list[dict[str, Any]]) -> Path:
    """Four masked women and one masked man are ordered; more candidates than that passed."""
    write_faces(tmp_path, people)
    women = [masked(people[n]) for n in (1, 2, 3, 5, 6, 7)]
    men = [masked(people[0]), masked(people[4])]
    women = [{**row, "seed": 10 - number} for number, row in enumerate(women)]
    broken = not_made(masked(people[8]), "no mouth was found")
    write_candidates(tmp_path, "mask", [*women, *men, broken])
    write_verdicts(tmp_path, [*women, *men, broken], {men[0]["id"]: "mask should be yes"})
    wanted = {(MASKED_WOMEN, "mask"): 4, (MASKED_MEN, "mask"): 3}
    write_plan(tmp_path, wanted)
    write_topup(tmp_path, wanted)
    return tmp_path


def manifest(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "balanced" / "manifest.parquet").to_pylist()
    return rows


def test_real_faces_and_the_ordered_number_of_candidates(folder: Path) -> None:
    run(job_in(folder))
    rows = manifest(folder)
    assert Counter((row["split"], row["synthetic"]) for row in rows) == {
        ("train", False): 24,
        ("train", True): 5,
        ("validation", False): 3,
        ("test", False): 5,
    }
    made = [row for row in rows if row["synthetic"]]
    assert Counter(row["bin"] for row in made) == {MASKED_WOMEN: 4, MASKED_MEN: 1}
    # First come, first served by seed: 5, 6, 7, 8 of 5..10.
    assert sorted(row["seed"] for row in made if row["bin"] == MASKED_WOMEN) == [5, 6, 7, 8]


def test_rows_in_are_rows_out_and_set_aside(folder: Path) -> None:
    run(job_in(folder))
    aside = pq.read_table(folder / "balanced" / "set_aside.parquet").to_pylist()
    reasons = {row["id"]: (row["status"], row["reason"]) for row in aside}
    assert len(manifest(folder)) + len(aside) == 34 + 9
    assert reasons["f/0"] == ("align_failed", "no face was found")
    assert Counter(status for status, _ in reasons.values()) == {
        "align_failed": 2,
        "generate_failed": 1,
        "rejected": 1,
        "surplus": 2,
    }
    assert ("rejected", "label: mask should be yes") in reasons.values()
    assert ("surplus", f"{MASKED_WOMEN} already has the 4 faces wanted of it") in reasons.values()


def test_top_ups_fill_what_the_first_orders_left_open(
    folder: Path, people: list[dict[str, Any]]
) -> None:
    men = [masked(people[n], 1) for n in (0, 4, 8)]
    refused = {men[2]["id"]: "mask should be yes"}
    missing = [{"bin": MASKED_MEN, "n": 37, "reason": "k children per parent"}]
    write_topup(
        folder, {(MASKED_WOMEN, "mask"): 5, (MASKED_MEN, "mask"): 3}, men,
        verdict_rows(men, refused), {"mask": {"candidates": 12, "passed": 9}}, missing,
    )  # fmt: skip
    run(job_in(folder))
    made = Counter(row["bin"] for row in manifest(folder) if row["synthetic"])
    assert made == {MASKED_WOMEN: 5, MASKED_MEN: 3}
    content = json.loads((folder / "balanced" / "manifest.json").read_text())
    assert content["rows"]["in"] == 43 + 3
    assert content["still_missing"] == missing
    card = (folder / "balanced" / "README.md").read_text()
    assert "| mask | 8 | 12 | 9 | none |" in card
    assert f"| {MASKED_MEN} | 40 | 0 | 3 | k children per parent (37) |" in card


def test_where_a_synthetic_face_comes_from(folder: Path, people: list[dict[str, Any]]) -> None:
    run(job_in(folder))
    row = next(row for row in manifest(folder) if row["parents"] == ["s/07"])
    assert row["order"] == row["id"]
    assert (row["source"], row["generator"], row["weights"]) == ("s", "mask", "ab" * 32)
    assert (row["person"], row["age"]) == (people[7]["person"], 25.0)
    assert row["label_origin"]["mask"] == "ordered"
    assert row["label_origin"]["gender"] == "given"
    assert row["checks"] == [
        {"check": "made", "score": None, "threshold": None, "passed": True},
        {"check": "label", "score": 0.5, "threshold": 0.25, "passed": True},
    ]


def test_a_restored_face_stands_for_its_small_one(
    folder: Path, people: list[dict[str, Any]]
) -> None:
    tiny = {"status": "small", "reason": "fewer than 48 pixels across (align.smallest)"}
    small = [{**face(f"small/{n}"), **tiny} for n in range(2)]
    write_faces(folder, [*people, *small])
    restored = [masked(row) for row in small]
    write_candidates(folder, "mask", restored)
    write_verdicts(folder, restored)
    run(job_in(folder))
    rows = {row["id"]: row for row in manifest(folder)}
    assert rows[restored[0]["id"]]["parents"] == ["small/0"]
    assert rows[restored[0]["id"]]["person"] == small[0]["person"]
    assert not {"small/0", "small/1"} & set(rows)
    aside = pq.read_table(folder / "balanced" / "set_aside.parquet").to_pylist()
    assert {row["id"]: row["status"] for row in aside}["small/0"] == "small"


def test_restored_faces_that_were_ordered_to_spare_go_before_made_ones(
    folder: Path, people: list[dict[str, Any]]
) -> None:
    tiny = {"status": "small", "reason": "fewer than 48 pixels across (align.smallest)"}
    small = [{**face(f"small/{n}"), **tiny} for n in range(4)]
    write_faces(folder, [*people, *small])
    restored = [masked(row) | {"generator": "restore"} for row in small]
    made = [masked(people[n]) for n in (1, 2, 3, 5)]
    write_candidates(folder, "mask", made)
    write_candidates(folder, "restore", restored)
    write_verdicts(folder, [*made, *restored], {restored[0]["id"]: "not like the small one"})
    wanted = {(MASKED_WOMEN, "mask"): 3, (MASKED_WOMEN, "restore"): 1}
    write_plan(folder, wanted)
    write_topup(folder, wanted)
    write_candidates(folder / "topup", "restore", [])
    job = job_in(folder)
    job.params["generators"]["restore"] = {"kind": "superres"}  # type: ignore[index]
    run(job)
    taken = Counter(row["generator"] for row in manifest(folder) if row["synthetic"])
    assert taken == {"restore": 3, "mask": 1}
    aside = pq.read_table(folder / "balanced" / "set_aside.parquet").to_pylist()
    surplus = [row["reason"] for row in aside if row["status"] == "surplus"]
    assert len(surplus) == 3
    assert all("already has the 1 faces" in reason for reason in surplus)


def test_held_out_faces_are_real_and_untouched(folder: Path, people: list[dict[str, Any]]) -> None:
    run(job_in(folder))
    pictures = {row["id"]: row["image"]["bytes"] for row in people if row["image"]}
    for split in ("validation", "test"):
        paths = list((folder / "balanced" / "data").glob(f"{split}-*"))
        rows = [row for path in paths for row in pq.read_table(path).to_pylist()]
        assert not any(row["synthetic"] for row in rows)
        assert all(row["image"]["bytes"] == pictures[row["id"]] for row in rows)


def test_a_child_of_a_held_out_face_stays_out(folder: Path, people: list[dict[str, Any]]) -> None:
    child = masked(people[1], parents=["t/0"])
    write_candidates(folder, "mask", [child])
    write_verdicts(folder, [child])
    run(job_in(folder))
    aside = pq.read_table(folder / "balanced" / "set_aside.parquet").to_pylist()
    row = next(row for row in aside if row["id"] == child["id"])
    assert row["reason"] == "its parent (t/0) is not a usable face of the train split"


def test_shards_hold_the_schema_and_mix_rows(folder: Path) -> None:
    run(job_in(folder))
    shards = sorted((folder / "balanced" / "data").iterdir())
    assert [path.name for path in shards] == [
        f"{split}-00000-of-00001.parquet" for split in ("test", "train", "validation")
    ]
    train = pq.read_table(shards[1])
    assert train.schema.names == balanced_schema(LABELS).names
    assert train.schema.metadata == balanced_schema(LABELS).metadata
    ids = train.column("id").to_pylist()
    assert ids != sorted(ids)
    # Synthetic faces, whose ids all sort behind, stand among the real ones.
    synthetic = train.column("synthetic").to_pylist()
    assert synthetic not in (sorted(synthetic), sorted(synthetic, reverse=True))


def test_manifest_json_agrees_with_the_files(folder: Path) -> None:
    run(job_in(folder, title="My faces", contact="me@example.org"))
    root = folder / "balanced"
    content = json.loads((root / "manifest.json").read_text())
    rows = manifest(folder)
    assert content["rows"]["in"] == 43
    assert content["rows"]["out"] == len(rows)
    for shard in content["shards"]:
        assert pq.read_metadata(root / shard["file"]).num_rows == shard["rows"]
    census = {row["bin"]: (row["before"], row["after"]) for row in content["census"]}
    assert census[MASKED_WOMEN] == (0, 4)
    assert census["male · mask no"] == (6, 6)
    assert content["evenness"]["before"] < content["evenness"]["after"]
    assert content["generators"] == {"mask": 5}
    assert content["classes"]["gender"] == ["female", "male"]
    assert content["classes"]["skin_tone"] == ["3"]
    assert pq.read_schema(root / "manifest.parquet").names == manifest_schema(LABELS).names
    assert read_table(root, ["id"]).num_rows == len(rows)  # the marker lists all shards
    card = (root / "README.md").read_text()
    assert "5 of 29 train faces (17%), made from 5 real train faces" in card
    assert "Contact: me@example.org" in card
    people = {row["person"] for row in rows if not row["synthetic"]}
    assert f"Who is in it.** {len(people)} people" in card


def test_croissant_describes_what_is_there(folder: Path) -> None:
    run(job_in(folder, title="My faces"))
    root = folder / "balanced"
    content = json.loads((root / "croissant.json").read_text())
    assert content["name"] == "My faces"
    files = {part["@id"]: list(root.glob(part["includes"])) for part in content["distribution"]}
    assert all(files.values())
    for records in content["recordSet"]:
        for field in records["field"]:
            shards = files[field["source"]["fileSet"]["@id"]]
            assert field["source"]["extract"]["column"] in pq.read_schema(shards[0]).names
        columns = [field["name"] for field in records["field"]]
        assert columns == balanced_schema(LABELS).names
    sources = {part["name"]: part["license"] for part in content["prov:wasDerivedFrom"]}
    real = [row for row in manifest(folder) if not row["synthetic"]]
    assert set(sources) == {row["source"] for row in real}
    assert set(sources["s"]) == {row["licence"] for row in real if row["source"] == "s"}
    assert "mask (5)" in content["rai:dataManipulationProtocol"]


def test_same_bytes_again_and_with_other_shards(folder: Path, tmp_path: Path) -> None:
    run(job_in(folder))
    root = folder / "balanced"
    before = {path.relative_to(root): path.read_bytes() for path in root.rglob("*.*")}
    rows = read_table(folder / "candidates" / "mask").to_pylist()
    write_candidates(folder, "mask", rows[::-1], shards=3)
    run(job_in(folder))
    after = {path.relative_to(root): path.read_bytes() for path in root.rglob("*.*")}
    assert after == before


def test_many_shards(folder: Path) -> None:
    run(job_in(folder, rows_per_shard=8))
    names = {path.name for path in (folder / "balanced" / "data").iterdir()}
    assert {f"train-{n:05d}-of-00004.parquet" for n in range(4)} < names
    rows = read_table(folder / "balanced", ["id"]).column("id").to_pylist()
    assert sorted(rows) == sorted(row["id"] for row in manifest(folder))


@pytest.mark.parametrize(("rows", "wanted"), [(1, 1), (10, 1), (11, 2), (25, 3), (35, 4), (99, 12)])
def test_shard_count_divides_the_buckets(rows: int, wanted: int) -> None:
    assert shard_count(rows, buckets=12, rows_per_shard=10) == wanted


def test_no_candidates(folder: Path) -> None:
    write_candidates(folder, "mask", [])
    write_verdicts(folder, [])
    run(job_in(folder))
    assert not any(row["synthetic"] for row in manifest(folder))
    assert "None: no candidate was needed" in (folder / "balanced" / "README.md").read_text()


def test_no_usable_face(tmp_path: Path) -> None:
    write_faces(tmp_path, [failed_face("f/0")])
    write_candidates(tmp_path, "mask", [])
    write_verdicts(tmp_path, [])
    write_plan(tmp_path, {})
    write_topup(tmp_path, {})
    with pytest.raises(UserError, match="no usable face"):
        run(job_in(tmp_path))


def test_hugging_face_datasets_opens_it(
    folder: Path, people: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    datasets = pytest.importorskip("datasets", reason="the extra 'datasets' is not installed")
    run(job_in(folder))
    root = folder / "balanced"
    found = datasets.load_dataset(str(root), cache_dir=str(tmp_path / "hf"))
    assert {split: part.num_rows for split, part in found.items()} == {
        "train": 29,
        "validation": 3,
        "test": 5,
    }
    item = next(row for row in found["train"] if row["id"] == "s/07")
    expected = decode(people[7]["image"]["bytes"])
    np.testing.assert_allclose(np.asarray(item["image"]), expected, atol=2)  # another decoder
    files = datasets.load_dataset(
        "parquet", data_files=str(root / "data" / "test-*.parquet"), cache_dir=str(tmp_path / "hf2")
    )
    assert files["train"][0]["image"].size == (32, 32)
