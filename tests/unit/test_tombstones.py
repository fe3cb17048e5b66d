"""forgotten.json: what it holds, and that ingest obeys it."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from augment.errors import UserError
from augment.intake.tombstones import FILE, Tombstones, read_tombstones
from augment.job import Job
from augment.shards import read_table
from augment.stages import ingest
from tests.unit.layouts import photo, write
from tests.unit.test_ingest import job_of

ROOT = Path(__file__).parents[2]


def test_the_file_names_nobody_in_the_clear(tmp_path: Path) -> None:
    buried = Tombstones().add({"person": ["lfw/Ada"], "id": ["lfw/Ada/1.jpg"], "file": ["ab" * 32]})
    buried.write(tmp_path / FILE)
    text = (tmp_path / FILE).read_text()
    assert "Ada" not in text
    assert "ab" * 32 not in text
    again = read_tombstones(tmp_path / FILE)
    assert again == buried
    assert again.holds("person", "lfw/Ada")
    assert again.holds("file", "ab" * 32)
    # Kinds are kept apart: a row may be called like a person.
    assert not again.holds("id", "lfw/Ada")
    assert again.holds_row("lfw/Ada/1.jpg", None)
    assert again.holds_row("lfw/other.jpg", "lfw/Ada")
    assert not again.holds_row("lfw/other.jpg", None)


def test_two_projects_bury_the_same_name_differently() -> None:
    one, two = (Tombstones().add({"person": ["lfw/Ada"]}) for _ in range(2))
    assert one.digests["person"] != two.digests["person"]
    more = one.add({"person": ["lfw/Bob"]})
    assert more.salt == one.salt
    assert one.digests["person"] < more.digests["person"]


def test_the_project_ships_an_empty_file() -> None:
    shipped = read_tombstones(ROOT / FILE)
    assert not shipped
    assert shipped == Tombstones("", dict.fromkeys(("source", "person", "id", "file"), frozenset()))


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"person": "all"}', '{"people": []}', '{"id": null}']
)
def test_a_damaged_file_stops_ingest(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UserError, match=FILE):
        read_tombstones(tmp_path / FILE)


def test_a_missing_file_stops_ingest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="keeps withdrawn people out"):
        read_tombstones(tmp_path / FILE)


PEOPLE = {"a": "ada", "b": "ada", "c": "bob", "d": "cyd"}


def with_people(folder: Path) -> dict[str, Any]:
    for number, name in enumerate(PEOPLE):
        write(folder / "data/mine" / f"{name}.jpg", photo(number))
    table = "file,person\n" + "".join(f"{n}.jpg,{person}\n" for n, person in PEOPLE.items())
    write(folder / "data/mine/labels.csv", table)
    columns = {"file": "file", "person": "person"}
    return {"mine": {"kind": "folder", "root": "mine", "table": "labels.csv", "columns": columns}}


def run(folder: Path, sources: dict[str, Any]) -> list[str]:
    job = job_of(folder, sources)
    ingest.run(Job(**{**vars(job), "inputs": {FILE: folder / FILE}}))
    ids: list[str] = sorted(read_table(folder / "index", ["id"])["id"].to_pylist())
    return ids


def bury(folder: Path, **names: list[str]) -> None:
    Tombstones().add(names).write(folder / FILE)


@pytest.mark.parametrize(
    ("names", "left", "count"),
    [
        ({"person": ["mine/ada"]}, ["mine/c.jpg", "mine/d.jpg"], 2),
        ({"id": ["mine/a.jpg", "mine/c.jpg"]}, ["mine/b.jpg", "mine/d.jpg"], 2),
        ({"id": ["other/a.jpg"]}, [f"mine/{name}.jpg" for name in PEOPLE], 0),
    ],
)
def test_who_has_withdrawn_leaves_no_row(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    names: dict[str, list[str]],
    left: list[str],
    count: int,
) -> None:
    bury(tmp_path, **names)
    assert run(tmp_path, with_people(tmp_path)) == left
    said = capsys.readouterr().err
    assert ("2 photos withdrawn" in said) == bool(count)


def test_a_renamed_copy_does_not_come_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = with_people(tmp_path)
    bury(tmp_path)
    assert len(run(tmp_path, sources)) == 4
    index = read_table(tmp_path / "index", ["id", "sha256"]).to_pylist()
    digests = {row["id"]: row["sha256"] for row in index}
    gone = digests["mine/a.jpg"]
    # Neither a person's name nor an id is buried: only the content tells.
    bury(tmp_path, file=[gone])
    (tmp_path / "data/mine/a.jpg").rename(tmp_path / "data/mine/z.jpg")
    write(tmp_path / "data/mine/labels.csv", "file,person\nz.jpg,\nb.jpg,ada\n")
    left = run(tmp_path, sources)
    assert "mine/z.jpg" not in left
    assert "mine: 1 photo withdrawn" in capsys.readouterr().err
    chunks = list((tmp_path / "cache").glob("*/*.parquet"))
    kept = [d for path in chunks for d in pq.read_table(path)["sha256"].to_pylist()]
    assert digests["mine/b.jpg"] in kept
    assert gone not in kept


def test_a_whole_source_may_be_gone_while_another_stays(tmp_path: Path) -> None:
    sources = with_people(tmp_path)
    write(tmp_path / "data/more/x.jpg", photo(9))
    sources["more"] = {"kind": "folder", "root": "more"}
    bury(tmp_path, source=["mine"])
    assert run(tmp_path, sources) == ["more/x.jpg"]
    bury(tmp_path, source=["mine", "more"])
    with pytest.raises(UserError, match="all photos of all sources were withdrawn"):
        run(tmp_path, sources)


def test_the_salt_is_not_empty_once_somebody_is_named(tmp_path: Path) -> None:
    bury(tmp_path, person=["mine/ada"])
    assert len(json.loads((tmp_path / FILE).read_text())["salt"]) == 32
