"""`augment export`: three layouts, hostile ids, and targets that must not be harmed."""

import csv
import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image as PillowImage

from augment.errors import UserError
from augment.exporting import Wanted, export, layouts
from augment.exporting.export import FORMATS
from augment.exporting.names import safe_names
from augment.schema import balanced_schema, manifest_schema, table
from augment.shards import write_json, write_table
from tests.unit.gate_rows import LABELS, face, masked

HOSTILE = (
    "s/../../etc/passwd", "s/..", "s//", "s/a.jpg", "s/A.JPG", "s/a.png", "s/b c.jpg", "s/b:c.jpg",
    "s/\x00nul", "s/new\nline.jpg", "s/Zoë.jpg", "s/" + "long" * 99, "s/=cmd|x", "s/con",
)  # fmt: skip


def rows_of(people: list[dict[str, Any]], made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for row in (*people, *made):
        synthetic = "parents" in row
        digest = hashlib.sha256(row["image"]["bytes"]).hexdigest()
        rows.append({
            "parents": [], "steps": [], "generator": "", "split": "train", "source_sha256": "",
            **row, "synthetic": synthetic, "sha256": digest, "bin": "female · mask yes",
            "checks": [{"check": "label", "score": 0.1, "threshold": None, "passed": True}],
        } if synthetic else {
            "parents": [], "steps": [], "generator": "", **row, "synthetic": False,
            "sha256": digest, "checks": None, "age": None if row["split"] == "test" else 25.5,
        })  # fmt: skip
    return rows


def write_balanced(folder: Path, rows: list[dict[str, Any]], shards: int = 2) -> Path:
    """A finished data/balanced of these rows; some made faces, some held-out ones."""
    ordered = sorted(rows, key=lambda row: str(row["id"]))
    write_table(folder / "manifest.parquet", table(ordered, manifest_schema(LABELS)))
    for split in {row["split"] for row in rows}:
        own = [row for row in rows if row["split"] == split]
        for number in range(shards):
            path = folder / "data" / f"{split}-{number:05d}-of-{shards:05d}.parquet"
            write_table(path, table(own[number::shards], balanced_schema(LABELS)))
    write_json(folder / "manifest.json", {"rows": {"out": len(rows)}})
    write_json(folder / "_complete.json", {"shards": []})
    return folder


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    people = [face(f"s/{n}.jpg") for n in range(5)]
    people += [face(row_id) for row_id in HOSTILE]
    people += [face("s/v", "validation"), face("s/t1", "test"), face("s/t2", "test")]
    return rows_of(people, [masked(people[0]), masked(people[1])])


@pytest.fixture(scope="module")
def balanced(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_balanced(tmp_path_factory.mktemp("balanced"), rows)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def read(folder: Path, layout: str) -> dict[str, tuple[dict[str, Any], bytes]]:
    """id -> (its labels and provenance, its picture), as each layout's readers find them."""
    found: dict[str, tuple[dict[str, Any], bytes]] = {}
    if layout == "imagefolder":
        for metadata in folder.glob("*/metadata.jsonl"):
            for line in metadata.read_text().splitlines():
                row = json.loads(line)
                assert row["split"] == metadata.parent.name
                found[row["id"]] = row, (metadata.parent / row["file_name"]).read_bytes()
    elif layout == "csv":
        with (folder / "manifest.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                row["synthetic"] = {"True": True, "False": False}[row["synthetic"]]
                found[row["id"]] = row, (folder / row["file"]).read_bytes()
    else:
        for path in sorted(folder.glob("*.tar")):
            with tarfile.open(path) as tar:
                content = {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]
            names = [name.partition(".")[0] for name in content]
            assert names[::2] == names[1::2]  # a picture and its labels, side by side
            for name in names[::2]:
                row = json.loads(content[f"{name}.json"])
                assert path.name.startswith(row["split"])
                found[row["id"]] = row, content[f"{name}.jpg"]
    return found


@pytest.mark.parametrize("layout", FORMATS)
def test_every_face_comes_with_its_labels_and_provenance(
    balanced: Path, rows: list[dict[str, Any]], tmp_path: Path, layout: Any
) -> None:
    counts = export(balanced, tmp_path / "out", Wanted(layout))
    assert counts == {"train": 21, "validation": 1, "test": 2}
    found = read(tmp_path / "out", layout)
    assert len(found) == len(rows) == 24
    for row in rows:
        told, picture = found[row["id"]]
        assert picture == row["image"]["bytes"]
        assert hashlib.sha256(picture).hexdigest() == told["sha256"]
        for name in ("gender", "age_group", "mask", "person", "licence", "split", "synthetic"):
            assert told[name] == (row[name] if row.get(name) is not None else "")
        assert json.loads(told["parents"]) == row["parents"]
        assert set(manifest_schema(LABELS).names) <= set(told)
        age = row.get("age")
        assert told["age"] == ("" if age is None else f"{age:g}")
    made, _ = found[rows[-1]["id"]]
    assert (made["generator"], json.loads(made["steps"])) == ("mask", ["mask put on"])
    checks = json.loads(made["checks"])
    assert checks == [{"check": "label", "score": 0.1, "threshold": None, "passed": True}]
    marker = json.loads((tmp_path / "out/_complete.json").read_text())
    assert (marker["export"], marker["faces"]) == (layout, counts)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("layout", FORMATS)
def test_the_same_faces_give_the_same_bytes(balanced: Path, tmp_path: Path, layout: Any) -> None:
    for name in ("one", "two"):
        export(balanced, tmp_path / name, Wanted(layout))
    assert files(tmp_path / "one") == files(tmp_path / "two")


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Wanted("csv", ("test",)), {"test": 2}),
        (Wanted("csv", ("train", "validation"), "real"), {"train": 19, "validation": 1}),
        (Wanted("csv", (), "synthetic"), {"train": 2}),
    ],
)
def test_some_faces_only(
    balanced: Path, tmp_path: Path, wanted: Wanted, count: dict[str, int]
) -> None:
    assert export(balanced, tmp_path / "out", wanted) == count
    assert len(read(tmp_path / "out", "csv")) == sum(count.values())


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted("csv", ("tset",)), "no split 'tset'"),
        (Wanted("csv", ("test",), "synthetic"), "there is no synthetic face in test"),
    ],
)
def test_no_such_face(balanced: Path, tmp_path: Path, wanted: Wanted, words: str) -> None:
    with pytest.raises(UserError, match=words):
        export(balanced, tmp_path / "out", wanted)
    assert list(tmp_path.iterdir()) == []


def test_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="dvc repro assemble"):
        export(tmp_path, tmp_path / "out", Wanted("csv"))


@pytest.mark.parametrize("layout", ["imagefolder", "csv"])
def test_hostile_ids_stay_inside(balanced: Path, tmp_path: Path, layout: Any) -> None:
    export(balanced, tmp_path / "deep/er/out", Wanted(layout))
    outside = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert all((tmp_path / "deep/er/out") in path.parents for path in outside)
    assert len({str(path).lower() for path in outside}) == len(outside)


def test_names_are_safe_and_no_two_are_alike() -> None:
    names = safe_names(HOSTILE)
    assert len({name.lower() for name in names}) == len(HOSTILE)
    assert all(name and len(name) <= 130 for name in names)
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    assert set("".join(names)) <= allowed
    assert safe_names(["drawn/000041", "s/photo 1.JPG"]) == ["drawn_000041", "s_photo_1"]
    # An id that looks like the name that another one gets.
    first = safe_names(["s/a", "s:a"])
    assert len(set(safe_names(["s/a", "s:a", *first]))) == 4


def test_a_new_tar_after_so_many_bytes(balanced: Path, tmp_path: Path) -> None:
    export(balanced, tmp_path / "out", Wanted("webdataset", ("train",), tar_mb=0.01))
    tars = sorted((tmp_path / "out").glob("*.tar"))
    assert [path.name for path in tars] == [f"train-{n:06d}.tar" for n in range(len(tars))]
    assert len(tars) > 2
    assert len(read(tmp_path / "out", "webdataset")) == 21
    with tarfile.open(tars[0]) as tar:
        assert {(m.mtime, m.uid, m.uname, m.mode) for m in tar} == {(0, 0, "", 0o644)}


def test_a_target_that_is_not_ours_is_never_harmed(balanced: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    export(balanced, tmp_path / "out", Wanted("csv"))  # empty: fine
    with pytest.raises(UserError, match="--overwrite"):
        export(balanced, tmp_path / "out", Wanted("csv"))
    export(balanced, tmp_path / "out", Wanted("webdataset"), overwrite=True)
    assert not (tmp_path / "out/manifest.csv").exists()
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/dear.txt").write_text("dear")
    for target in (tmp_path / "letters", balanced):
        with pytest.raises(UserError, match="something else than an export"):
            export(balanced, target, Wanted("csv"), overwrite=True)
    assert (tmp_path / "letters/dear.txt").read_text() == "dear"
    with pytest.raises(UserError, match="is a file"):
        export(balanced, tmp_path / "letters/dear.txt", Wanted("csv"), overwrite=True)


def test_killed_it_leaves_no_target_and_the_old_one_whole(
    balanced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(balanced, tmp_path / "out", Wanted("csv", ("test",)))
    before = files(tmp_path / "out")
    added = layouts.Csv.add

    def killed(self: Any, name: str, row: Any, picture: bytes) -> None:
        if "2" in name:
            raise KeyboardInterrupt
        added(self, name, row, picture)

    with monkeypatch.context() as patch:
        patch.setattr(layouts.Csv, "add", killed)
        for name in ("out", "new"):
            with pytest.raises(KeyboardInterrupt):
                export(balanced, tmp_path / name, Wanted("csv"), overwrite=True)
    assert files(tmp_path / "out") == before
    assert not (tmp_path / "new").exists()
    export(balanced, tmp_path / "new", Wanted("csv"))
    assert len(read(tmp_path / "new", "csv")) == 24
    assert not (tmp_path / ".new.part").exists()


def test_a_picture_that_is_missing_is_said(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    folder = write_balanced(tmp_path / "balanced", rows)
    (folder / "data/test-00001-of-00002.parquet").unlink()
    with pytest.raises(UserError, match="is damaged: of 24 faces in its manifest 23"):
        export(folder, tmp_path / "out", Wanted("csv"))
    assert not (tmp_path / "out").exists()


def test_memory_is_that_of_a_batch(
    balanced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures are asked for in batches, never a whole file's column."""
    asked: list[list[str] | None] = []
    whole = pq.read_table

    def noted(path: Path, columns: list[str] | None = None) -> pa.Table:
        asked.append(columns)
        return whole(path, columns=columns)

    monkeypatch.setattr(pq, "read_table", noted)
    export(balanced, tmp_path / "out", Wanted("webdataset"))
    assert asked[0] is None  # the manifest
    assert all(columns == ["id"] for columns in asked[1:])


@pytest.mark.parametrize("layout", ["imagefolder", "webdataset"])
def test_hugging_face_datasets_opens_it(
    balanced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: Any
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    export(balanced, tmp_path / "out", Wanted(layout))
    loaded = datasets.load_dataset(
        layout, data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache")
    )
    assert {name: len(part) for name, part in loaded.items()} == {
        "train": 21, "validation": 1, "test": 2,
    }  # fmt: skip
    row = loaded["test"][0]
    picture = row["image"] if layout == "imagefolder" else row["jpg"]
    told = row if layout == "imagefolder" else row["json"]
    assert isinstance(picture, PillowImage.Image)
    assert picture.size == (32, 32)
    assert told["gender"] == "female"
    assert told["synthetic"] is False


def test_a_spreadsheet_runs_nothing_of_the_csv(tmp_path: Path) -> None:
    rows = layouts.Csv(tmp_path, ["split", "person", "skin_ita", "age"])
    rows.add(
        "a", {"split": "test", "person": "=cmd|'/C calc'!A0", "skin_ita": -12.5, "age": 3}, b""
    )
    rows.add("b", {"split": "test", "person": "Ann-Lee", "skin_ita": None, "age": 4}, b"")
    rows.close()
    with (tmp_path / "manifest.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["person"], first["skin_ita"]) == ("'=cmd|'/C calc'!A0", "-12.5")
    assert (second["person"], second["skin_ita"]) == ("Ann-Lee", "")
