"""`augment forget`: everything of a person goes, nothing else does, also when it is interrupted."""

import json
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from augment.errors import UserError
from augment.intake.predictions import read_predictions
from augment.intake.tombstones import FILE, read_tombstones
from augment.shards import read_table
from augment.withdrawing import Request, clean, forget, places
from augment.withdrawing.mentions import Mentions
from tests.unit.withdrawing_rows import ADA, COPY, NEAR, pictures_of, traces, write_project

ASKED = Request(persons=["s/ada"])
GONE = [*ADA, COPY]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_project(folder)
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project in the working directory. Where DVC's cache is, DVC itself is asked only once."""
    copy = tmp_path / "project"
    shutil.copytree(written, copy, symlinks=True)
    monkeypatch.chdir(copy)
    monkeypatch.setattr(places, "_cache", lambda project: project / ".dvc/cache")
    return copy


class Said:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str) -> None:
        self.lines.append(line)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def run(request: Request, dry_run: bool = False, agree: bool = True) -> tuple[bool, str]:
    said = Said()
    done = forget(request, said, lambda: agree, dry_run)
    return done, said.text


def ids(folder: Path, name: str) -> set[str]:
    return set(read_table(folder / "data" / name, ["id"])["id"].to_pylist())


def test_a_person_leaves_everything(folder: Path) -> None:
    pictures = pictures_of(folder, GONE)
    before = {name: ids(folder, name) for name in ("index", "aligned")}
    assert traces(folder, GONE, pictures)
    done, said = run(ASKED)
    assert done, said
    assert "0 hits" in said
    assert traces(folder, [*GONE, "s/ada"], pictures) == []
    for name, rows in before.items():
        assert ids(folder, name) == rows - set(GONE)
    # Three made faces of theirs, and one more by the top-up; the others stay.
    assert len(ids(folder, "candidates/mask")) == 13 - 3
    assert len(ids(folder, "topup/candidates/mask")) == 1
    assert ids(folder, "verdicts") == ids(folder, "candidates/mask")
    orders = pq.read_table(folder / "data/plan/mask.parquet")["id"].to_pylist()
    assert set(orders) == ids(folder, "candidates/mask")
    assert [one.id for one in read_predictions(folder / "predicted.csv")] == ["s/other_1.jpg"]


def test_the_data_set_is_whole_at_once(folder: Path) -> None:
    run(ASKED)
    content = json.loads((folder / "data/balanced/manifest.json").read_text())
    manifest = pq.read_table(folder / "data/balanced/manifest.parquet")
    assert content["rows"]["out"] == manifest.num_rows
    assert content["splits"]["test"]["rows"] == 1
    marker = json.loads((folder / "data/balanced/_complete.json").read_text())
    for shard in marker["shards"]:
        assert pq.read_metadata(folder / "data/balanced" / shard["file"]).num_rows == shard["rows"]
    for name in ("index", "aligned", "verdicts", "candidates/mask"):
        marker = json.loads((folder / "data" / name / "_complete.json").read_text())
        for shard in marker["shards"]:
            rows = pq.read_metadata(folder / "data" / name / shard["file"]).num_rows
            assert rows == shard["rows"]


def test_what_it_says(folder: Path) -> None:
    _, said = run(ASKED)
    assert "Withdrawn: 3 photos (s/ada_1.jpg, s/ada_2.jpg, s/ada_3.jpg)" in said
    assert f"1 copy with the very same bytes ({COPY}): they go as well" in said
    assert f"1 near duplicate ({NEAR}): kept; --near-duplicates takes them out" in said
    assert "4 made faces descend from them" in said
    # Two of the photos that go are of half a, where the generator learns; one of half b.
    assert "models/mask (generator): learned on 2 of these photos" in said
    assert "models/attributes (judge): learned on 1 of these photos" in said
    assert "retrain them" in said
    assert "DVC's remotes (box)" in said


def test_trainings_of_a_chains_steps_start_anew(folder: Path) -> None:
    for part in ("models/mask/ageing", ".augment/train/ageing/1", ".augment/train/other/1"):
        (folder / part).mkdir(parents=True)
    run(ASKED)
    assert [path.name for path in (folder / ".augment/train").iterdir()] == ["other"]


def test_what_is_somebody_elses_stays(folder: Path) -> None:
    objects = {path for path in (folder / ".dvc/cache").rglob("*") if path.is_file()}
    run(ASKED)
    work = folder / ".augment"
    kept = pq.read_table(work / "cache/align-1/a.parquet")["image"].to_pylist()
    assert {image["path"] for image in kept} == {f"{row}.jpg" for row in ids(folder, "index")}
    assert len(pq.read_table(work / "cache/ingest s-1/a.parquet")) == 12
    # What a judge said does not tell of whom; it is computed again.
    assert list((work / "cache/attributes-1").iterdir()) == []
    assert sorted(path.name for path in work.iterdir()) == ["cache", "train"]
    assert list((work / "train").iterdir()) == []
    left = {path for path in (folder / ".dvc/cache").rglob("*") if path.is_file()}
    assert left < objects
    # The listing without any of their files is still whole.
    assert {path.name for path in left if path.suffix == ".dir"} == {f"{1:030x}.dir"}


def test_texts_of_others_lose_the_name_only(folder: Path) -> None:
    run(ASKED)
    verdicts = read_table(folder / "data/verdicts").to_pylist()
    assert "nearly the same as '(withdrawn)'" in {row["reason"] for row in verdicts}
    aligned = {row["id"]: row for row in read_table(folder / "data/aligned").to_pylist()}
    # Its group was called like the person: it gets the name that ingest would give it.
    assert aligned[NEAR]["group"] == aligned[NEAR]["person"] == "s/person_4"
    assert not (folder / "reports/audit.json").exists()
    assert not (folder / "reports/report.html").exists()


def test_near_duplicates_go_when_asked(folder: Path) -> None:
    run(Request(persons=["s/ada"], near_duplicates=True))
    assert ids(folder, "aligned").isdisjoint([*GONE, NEAR])
    assert traces(folder, [*GONE, NEAR], []) == []


def test_one_photo_goes_and_the_person_stays(folder: Path) -> None:
    done, _ = run(Request(ids=[ADA[1]]))
    assert done
    assert ADA[1] not in ids(folder, "index")
    assert {ADA[0], ADA[2], COPY} < ids(folder, "index")
    people = read_table(folder / "data/index", ["person"])["person"].to_pylist()
    assert people.count("s/ada") == 2


def test_a_whole_source_goes(folder: Path) -> None:
    done, said = run(Request(sources=["s"]))
    assert done, said
    assert ids(folder, "index") == {"t/far.jpg"}
    assert traces(folder, [*GONE, NEAR, "s/other_0.jpg", "s/tested.jpg"], []) == []


def test_the_last_source_leaves_no_data_set(folder: Path) -> None:
    done, said = run(Request(sources=["s", "t"]))
    assert done, said
    assert ids(folder, "index") == set()
    assert not (folder / "data/balanced").exists()


def test_a_person_called_like_somebody_elses_photo(folder: Path) -> None:
    done, said = run(Request(persons=["s/other_1.jpg"]))
    assert done
    assert "s/other_0.jpg" not in ids(folder, "index")
    assert "s/other_1.jpg" in ids(folder, "index")  # the photo of somebody else
    assert "1 of the names also name something that stays" in said


def test_nothing_changes_before_the_person_agrees(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for done, said in (run(ASKED, dry_run=True), run(ASKED, agree=False)):
        assert done
        assert "Nothing was changed" in said
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_again_and_without_a_name(folder: Path) -> None:
    run(ASKED)
    buried = (folder / FILE).read_bytes()
    for request in (ASKED, Request()):
        done, said = run(request)
        assert done
        assert "Nothing of them is here" in said
        assert "0 hits" in said
    assert (folder / FILE).read_bytes() == buried


def test_another_copy_of_the_project_is_cleaned_by_the_file_alone(folder: Path) -> None:
    """A colleague pulls forgotten.json and names nobody."""
    kept = {path: path.read_bytes() for path in (folder / "data").rglob("*.parquet")}
    run(ASKED)
    for path, content in kept.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert traces(folder, GONE, [])
    done, _ = run(Request())
    assert done
    assert traces(folder, GONE, []) == []


@pytest.mark.parametrize("after", range(0, 16, 3))
def test_killed_in_the_middle_the_same_command_completes_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    pictures = pictures_of(folder, GONE)
    steps = 0

    def killed_after(function: object) -> object:
        def wrapped(*arguments: object) -> object:
            nonlocal steps
            if steps == after:
                raise KeyboardInterrupt
            steps += 1
            return function(*arguments)  # type: ignore[operator]

        return wrapped

    with monkeypatch.context() as patch:
        for name in ("clean_table", "drop_rows", "mend_marker"):
            patch.setattr(clean, name, killed_after(getattr(clean, name)))
        with pytest.raises(KeyboardInterrupt):
            run(ASKED)
    assert read_tombstones(folder / FILE).holds("person", "s/ada")
    done, said = run(ASKED)
    assert done, said
    assert traces(folder, [*GONE, "s/ada"], pictures) == []
    assert (folder / "data/balanced/_complete.json").is_file()


def test_what_no_stage_makes_is_named_and_left(folder: Path) -> None:
    notes = folder / "reports/notes.txt"
    notes.write_text(f"look at {ADA[0]}!")
    done, said = run(ASKED)
    assert not done
    assert "reports/notes.txt: 1: no stage writes it; edit or delete it yourself" in said
    assert notes.exists()


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request(persons=["s/adda"]), "did you mean s/ada"),
        (Request(ids=["ada_1.jpg"]), "<source>/<photo>"),
        (Request(sources=["z"]), "no photo here has the source 'z'"),
        (Request(ids=["mask/female · mask yes/0000"]), "is a made face"),
        (Request(), "name who withdraws"),
    ],
)
def test_unknown_names(folder: Path, request_: Request, words: str) -> None:
    with pytest.raises(UserError, match=words):
        run(request_)


def test_not_while_a_stage_runs(folder: Path) -> None:
    lock = folder / ".dvc/tmp/rwlock"
    lock.write_text(json.dumps({"data/index": {"write": {"pid": os.getpid(), "cmd": "repro"}}}))
    with pytest.raises(UserError, match=f"at work here .process {os.getpid()}"):
        run(ASKED)
    lock.write_text(json.dumps({"data/index": {"write": {"pid": 2**30, "cmd": "repro"}}}))
    assert run(ASKED, dry_run=True)[0]


def test_dvc_says_where_its_cache_is(tmp_path: Path) -> None:
    assert places.Places.of(tmp_path, {}, ()).cache is None
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    (tmp_path / ".dvc/config").write_text("[cache]\ndir = ../elsewhere\n")
    assert places.Places.of(tmp_path, {}, ()).cache == tmp_path / "elsewhere"


def test_without_tables_nobody_can_be_found(folder: Path) -> None:
    shutil.rmtree(folder / "data")
    shutil.rmtree(folder / ".dvc")
    with pytest.raises(UserError, match="no table of photos is here"):
        run(ASKED)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("s/ann", 1), ("'s/ann'.", 1), ("s/ann, s/ann", 2), ("s/anna", 0), ("s/ann.jpg", 0),
        ("xs/ann", 0), ("photos/s/ann", 1), ("s/ann_b", 0), ("s/an", 0), ("s/ann.png", 1),
        ("s/both", 0),
    ],
)  # fmt: skip
def test_mentions_are_whole_names(tmp_path: Path, text: str, count: int) -> None:
    mentions = Mentions({"s/ann", "s/both"}, {"s/anna", "s/ann.jpg", "s/both"})
    assert mentions.count(text) == count
    assert mentions.shared == {"s/both"}
    (tmp_path / "file").write_text(text)
    assert mentions.count_in_file(tmp_path / "file") == count
    assert mentions.redact("see s/ann!") == "see (withdrawn)!"


@pytest.mark.parametrize(
    "written", ['"s/J\\u00fcrgen & \\"Q\\""', "<p>s/Jürgen &amp; &quot;Q&quot;</p>"]
)
def test_names_are_found_as_formats_escape_them(tmp_path: Path, written: str) -> None:
    (tmp_path / "file").write_text(written, encoding="utf-8")
    assert Mentions({'s/Jürgen & "Q"'}, set()).count_in_file(tmp_path / "file") == 1


def test_names_across_chunks_are_found_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("augment.withdrawing.mentions._CHUNK", 64)
    for size in range(130):
        (tmp_path / "file").write_text("." * size + "s/ann" + "." * (130 - size))
        assert Mentions({"s/ann"}, set()).count_in_file(tmp_path / "file") == 1, size
