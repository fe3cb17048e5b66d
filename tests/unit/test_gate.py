"""The gate as a stage: rows in, verdicts and a summary out."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augment.checks import novelty, quality
from augment.engine import Engine
from augment.errors import UserError
from augment.gating.faces import read_bin_space, read_faces
from augment.gating.verdicts import check_groups
from augment.job import Job
from augment.params import validate
from augment.shards import read_table
from augment.stages.gate import Config, run
from tests.unit.gate_rows import (
    BINS,
    face,
    failed_face,
    masked,
    not_made,
    pictured,
    write_candidates,
    write_faces,
)

CHECKS = {"quality": {"kind": "quality"}, "novelty": {"kind": "novelty"}}


def job_in(folder: Path, keys: tuple[str, ...] = ("mask",), **gate: Any) -> Job:
    settings = {"checks": CHECKS, "smallest_group": 20, **gate}
    return Job(
        stage="gate",
        key=None,
        params={"gate": settings, "judges": {}, "generators": {k: {"kind": k} for k in keys}},
        seed=7,
        inputs={
            "aligned": folder / "aligned",
            "candidates": folder / "candidates",
            "models": folder / "models",
            "audit.json": folder / "audit.json",
        },
        outputs={"verdicts": folder / "verdicts"},
        engine=Engine("inline", cache=folder / "cache", progress=False),
    )


def verdicts(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read_table(folder / "verdicts").to_pylist()
    return rows


def summary(folder: Path) -> Any:
    return json.loads((folder / "verdicts" / "summary.json").read_text())


@pytest.fixture(scope="module")
def people() -> list[dict[str, Any]]:
    train = [face(f"s/{n:03d}", gender="male" if n % 2 else "female") for n in range(60)]
    learned = [face(f"b/{n:03d}", half="b", mask="yes") for n in range(10)]
    return [*train, *learned, face("t/0", "test"), face("v/0", "validation"), failed_face("f/0")]


@pytest.fixture
def folder(tmp_path: Path, people: list[dict[str, Any]]) -> Path:
    write_faces(tmp_path, people)
    return tmp_path


def test_one_row_a_candidate_and_check(folder: Path, people: list[dict[str, Any]]) -> None:
    made = [masked(people[n]) for n in range(6)]
    write_candidates(folder, "mask", [*made[:5], not_made(made[5], "no mouth was found")])
    run(job_in(folder))
    rows = verdicts(folder)
    by_candidate: dict[str, list[str]] = {}
    for row in rows:
        by_candidate.setdefault(row["id"], []).append(row["check"])
    assert [by_candidate[c["id"]] for c in made[:5]] == [["made", "quality", "novelty"]] * 5
    assert by_candidate[made[5]["id"]] == ["made"]
    failed = next(row for row in rows if row["id"] == made[5]["id"])
    assert (failed["passed"], failed["reason"]) == (False, "no mouth was found")
    assert all(row["reason"] for row in rows if not row["passed"])
    assert not any(row["reason"] for row in rows if row["passed"])


def test_summary_counts_by_generator_and_group(
    folder: Path, people: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    same = people[1]["image"]["bytes"]
    copy = masked(people[1]) | {"image": {"bytes": same, "path": "copy.jpg"}}
    write_candidates(folder, "mask", [masked(people[0]), copy])
    write_candidates(folder, "copies", [])
    run(job_in(folder, ("mask", "copies")))
    found = summary(folder)["passes"]
    assert found["generator"]["mask"]["refused"]["novelty"] == 1
    assert found["generator"]["copies"]["candidates"] == 0
    assert found["generator"]["copies"]["pass_rate"] is None
    counts = Counter({name: part["candidates"] for name, part in found["gender"].items()})
    assert counts == {"female": 1, "male": 1}
    assert "gate: copies: no candidates" in capsys.readouterr().err


def test_planted_faults_are_caught(folder: Path, people: list[dict[str, Any]]) -> None:
    black = np.zeros((32, 32, 3), np.uint8)
    leak = masked(people[2]) | {name: people[-3][name] for name in ("image", "face_hash")}
    broken = masked(people[3]) | {"image": {"bytes": b"no picture", "path": "x"}}
    dark = masked(people[4]) | pictured("dark", black)
    write_candidates(folder, "mask", [masked(people[0]), leak, broken, dark])
    run(job_in(folder))
    reasons = {(row["id"], row["check"]): row["reason"] for row in verdicts(folder)}
    assert reasons[leak["id"], "novelty"] == "too near the held-out face t/0"
    assert reasons[broken["id"], "novelty"] == "the picture cannot be read"
    assert reasons[broken["id"], "quality"] == "contrast could not be measured"
    assert reasons[dark["id"], "quality"].startswith("too ")


def test_a_parent_outside_the_train_split_is_not_accepted(
    folder: Path, people: list[dict[str, Any]]
) -> None:
    write_candidates(folder, "mask", [masked(people[0], parents=["t/0"])])
    run(job_in(folder))
    row = next(row for row in verdicts(folder) if row["check"] == "novelty")
    assert row["reason"] == "its parent is not among the train faces"


def test_no_candidates_at_all(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_candidates(folder, "mask", [])
    run(job_in(folder))
    assert verdicts(folder) == []
    assert summary(folder)["passes"]["generator"]["mask"]["pass_rate"] is None
    assert "no candidate passed: the data set will hold real faces only" in capsys.readouterr().err


def test_all_candidates_refused(
    folder: Path, people: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    black = np.zeros((32, 32, 3), np.uint8)
    dark = [masked(people[n]) | pictured(f"dark{n}", black + n) for n in range(4)]
    write_candidates(folder, "mask", dark)
    run(job_in(folder))
    assert summary(folder)["passes"]["generator"]["mask"]["pass_rate"] == 0.0
    told = "mask: every one of its 4 candidates was refused, in any group."
    assert summary(folder)["findings"] == [told]
    errors = capsys.readouterr().err
    assert told in errors
    assert "no candidate passed: the data set will hold real faces only" in errors


def test_no_real_face_that_the_judges_have_not_seen(folder: Path, tmp_path: Path) -> None:
    """All real faces lie in half "b": there is nothing to take thresholds from."""
    learned = [face(f"b/{n:03d}", half="b") for n in range(6)]
    write_faces(tmp_path, learned)
    write_candidates(tmp_path, "mask", [masked(learned[0])])
    run(job_in(tmp_path))
    found = summary(tmp_path)
    assert found["real_faces_compared_with"] == 0
    assert found["real_faces"]["refused"] == {}
    assert found["checks"]["quality"] == ["no real faces to compare with: nothing is refused"]
    assert [row["passed"] for row in verdicts(tmp_path)] == [True, True, True]


def test_a_group_without_candidates_has_no_percentage(
    folder: Path, people: list[dict[str, Any]]
) -> None:
    women = [masked(row) for row in people[:60] if row["gender"] == "female"]
    write_candidates(folder, "mask", women)
    run(job_in(folder))
    found = summary(folder)
    assert set(found["passes"]["gender"]) == {"female"}
    assert set(found["refusals"]["mask"]["gender"]) == {"female"}
    fewer = "mask: fewer than two groups of gender have 20 candidates to compare."
    assert fewer in found["findings"] or "was refused" in found["findings"][0]


def test_a_judge_without_weights_stops_the_gate_in_words(
    folder: Path, people: list[dict[str, Any]]
) -> None:
    write_candidates(folder, "mask", [masked(people[0])])
    job = job_in(folder)
    asked = Job(**vars(job) | {"params": {**job.params, "judges": {"a": {"kind": "attributes"}}}})
    with pytest.raises(UserError, match=r"models/a.*train@a"):
        run(asked)


def test_the_gate_says_what_it_refuses_of_real_faces(
    folder: Path, people: list[dict[str, Any]]
) -> None:
    write_candidates(folder, "mask", [masked(people[0])])
    run(job_in(folder, false_rejection=0.1))
    real = summary(folder)["real_faces"]
    assert real["faces"] == 60
    assert 0.05 <= real["rate_of_each_check"] <= 0.1
    # 30 faces say little of the lowest tenth of 30 others: not shown to be more than stated.
    assert real["refused"]["all"]["all"]["interval"][0] <= 0.1
    assert real["refused"]["gender"]["female"]["faces"] == 30
    assert set(real["refused_by_check"]) == set(CHECKS)


def test_candidates_of_a_removed_generator_are_refused(folder: Path) -> None:
    write_candidates(folder, "mask", [])
    write_candidates(folder, "older", [])
    with pytest.raises(UserError, match=r"candidates/older: .* no such generator"):
        run(job_in(folder))


def test_same_verdicts_whatever_the_engine_and_shards(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, people: list[dict[str, Any]]
) -> None:
    candidates = [masked(people[n], n) for n in range(12)]
    write_candidates(folder, "mask", candidates)
    run(job_in(folder))
    other = tmp_path_factory.mktemp("other")
    write_faces(other, people, shards=4)
    write_candidates(other, "mask", candidates[::-1], shards=1)
    job = job_in(other)
    engine = Engine("pool", workers=2, cache=other / "cache", progress=False)
    run(Job(**vars(job) | {"engine": engine}))
    for one in sorted((folder / "verdicts").iterdir()):
        assert one.read_bytes() == (other / "verdicts" / one.name).read_bytes(), one.name


def test_gating_again_measures_nothing_again(
    folder: Path, people: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_candidates(folder, "mask", [masked(people[0])])
    run(job_in(folder))
    before = verdicts(folder)

    def refuse(content: bytes, again: bool) -> None:
        raise AssertionError("a picture was looked at again")

    monkeypatch.setattr("augment.gating.operations._picture", refuse)
    run(job_in(folder, false_rejection=0.3))
    assert verdicts(folder) != before


def test_each_check_measures_each_picture_once_and_parents_only_where_it_reads_them(
    folder: Path, people: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_candidates(folder, "mask", [masked(people[n], n) for n in range(5)])
    counted: Counter[str] = Counter()

    def count(check: type) -> None:
        measure = check.measure

        def counting(self: Any, image: Any) -> Any:
            counted[check.__module__.split(".")[-1]] += 1
            return measure(self, image)

        monkeypatch.setattr(check, "measure", counting)

    count(quality.Check)
    count(novelty.Check)
    run(job_in(folder, reference_per_bin=3))
    faces = read_faces(
        folder / "aligned",
        (folder / "candidates" / "mask",),
        read_bin_space(folder / "audit.json"),
        3,
    )
    unseen = set(faces.unseen.rows.column("id").to_pylist())
    parents = set(faces.parents.rows.column("id").to_pylist())
    assert parents - unseen
    assert counted["quality"] == 5 + 2 * len(unseen)
    assert counted["novelty"] == 5 + 2 * len(unseen) + len(parents - unseen)


def test_reference_faces_are_unseen_by_judges_and_bounded(folder: Path) -> None:
    write_candidates(folder, "mask", [])
    folders = (folder / "candidates" / "mask",)
    bins = read_bin_space(folder / "audit.json")
    assert bins == BINS
    found = read_faces(folder / "aligned", folders, bins, per_bin=20)
    assert len(found.unseen) == 40  # 20 of each gender; none has a mask in half "a"
    assert set(found.unseen.rows.column("half").to_pylist()) == {"a"}
    assert set(found.unseen.rows.column("split").to_pylist()) == {"train"}


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"checks": {"made": {"kind": "label"}}}, "'made' is the name of the verdict"),
        ({"checks": {"new": {"kind": "nowhere"}}}, "no augment/checks/nowhere.py"),
        ({"checks": {"novelty": {"kind": "novelty", "bits": 3}}}, "bits"),
        ({"false_rejection": 0.0}, "false_rejection"),
    ],
)
def test_wrong_settings_are_named(section: Mapping[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        validate(Config, section, "gate")


def test_groups_that_no_face_can_be_in_are_refused() -> None:
    check_groups(validate(Config, {"groups": ["mask"]}, "gate"), ["gender", "mask"])
    with pytest.raises(UserError, match=r"gate.groups names 'maks' \(did you mean 'mask'"):
        check_groups(validate(Config, {"groups": ["maks"]}, "gate"), ["gender", "mask"])


def test_the_gate_itself_refuses_them(folder: Path) -> None:
    with pytest.raises(UserError, match=r"gate.groups names 'etnicity'"):
        run(job_in(folder, groups=["etnicity"]))
