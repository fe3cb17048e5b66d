"""The fidelity stage: who is compared with whom, and what the JSON says of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from augment.engine import Engine
from augment.errors import UserError
from augment.gating import examine, operations
from augment.gating.compared import read_compared
from augment.gating.faces import read_bin_space
from augment.job import Job
from augment.params import validate
from augment.protocols import JudgeConfig
from augment.schema import table, verdict_schema
from augment.shards import read_table, write_bucketed
from augment.stages.fidelity import Config, run
from augment.types import FloatArray, Image
from tests.unit.gate_rows import face, failed_face, masked, not_made, write_candidates, write_faces

ASKED: list[str] = []


class EyeConfig(JudgeConfig):
    blind: bool = False


class Eye:
    """Judges the made-up pictures by their colours: blue is a man, white below is a mask."""

    def __init__(self, config: EyeConfig) -> None:
        self._config = config

    def load(self, folder: Path) -> None:
        ASKED.append(folder.name)

    def weights(self) -> str:
        return f"blind={self._config.blind}"

    def values(self) -> Mapping[str, tuple[str, ...]]:
        return {"gender": ("female", "male"), "mask": ("no", "yes")}

    def features(self) -> Mapping[str, int]:
        return {"colours": 12}

    def accuracy(self) -> Sequence[Mapping[str, Any]]:
        return []

    def predict(self, images: Sequence[Image]) -> Mapping[str, FloatArray]:
        cells = np.stack([image.reshape(2, 16, 2, 16, 3).mean(axis=(1, 3)) for image in images])
        male = cells[:, 0, :, 0].mean(axis=1) > cells[:, 0, :, 2].mean(axis=1)
        mask = cells[:, 1].mean(axis=(1, 2)) > (300 if self._config.blind else 150)
        sure = {"gender": male, "mask": mask}
        found = {name: np.stack([~said, said], axis=1) for name, said in sure.items()}
        return {k: v.astype(np.float32) for k, v in found.items()} | {
            "colours": cells.reshape(len(images), 12).astype(np.float32) / 255
        }


@pytest.fixture(autouse=True)
def toy_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judges of the kind ``eye``, in place of those on disk."""
    module = SimpleNamespace(Judge=Eye, Config=EyeConfig)

    def configure(kind: str, entry: Mapping[str, Any], where: str) -> tuple[Any, Any]:
        settings = {name: value for name, value in entry.items() if name != "kind"}
        return module, validate(EyeConfig, settings, where)

    monkeypatch.setattr(examine, "configure", configure)
    monkeypatch.setattr(operations, "load", lambda kind, name: module)
    ASKED.clear()


EYES = {"good": {"kind": "eye", "family": "score"}, "gating": {"kind": "eye"}}


def job_in(folder: Path, judges: Mapping[str, Any] = EYES, **settings: Any) -> Job:
    inputs = ("aligned", "candidates", "verdicts", "topup", "models", "audit.json")
    return Job(
        stage="fidelity",
        key=None,
        params={
            "fidelity": settings,
            "judges": judges,
            "generators": {"mask": {"kind": "mask"}, "copies": {"kind": "copies"}},
        },
        seed=7,
        inputs={name: folder / name for name in inputs},
        outputs={"fidelity.json": folder / "fidelity.json"},
        engine=Engine("inline", cache=folder / "cache", progress=False),
    )


def write_verdicts(folder: Path, rows: Sequence[Mapping[str, Any]], refused: Sequence[str]) -> None:
    verdicts = [
        {"id": row["id"], "generator": row["generator"], "check": check,
         "passed": check == "made" or row["id"] not in refused, "reason": ""}
        for row in rows
        for check in ("made", "label")
    ]  # fmt: skip
    write_bucketed(folder, table(verdicts, verdict_schema()), 2)


def write_all(
    folder: Path,
    people: Sequence[Mapping[str, Any]],
    made: Sequence[Mapping[str, Any]],
    topped: Sequence[Mapping[str, Any]] = (),
    refused: Sequence[str] = (),
    shards: int = 4,
) -> Path:
    write_faces(folder, people, shards)
    for place, rows in ((folder, made), (folder / "topup", topped)):
        write_candidates(place, "mask", rows, shards)
        write_candidates(place, "copies", [], shards)
        write_verdicts(place / "verdicts", rows, refused)
    return folder


def read(folder: Path) -> Any:
    return json.loads((folder / "fidelity.json").read_text())


def person(number: int, **labels: str) -> dict[str, Any]:
    gender = "male" if number % 2 else "female"
    return face(f"s/{number:03d}-{labels.get('mask', 'no')}", gender=gender, **labels)


@pytest.fixture(scope="module")
def people() -> list[dict[str, Any]]:
    bare = [person(n) for n in range(120)]  # half "a": donors, on which judges learned
    masks = [person(n, mask="yes") | {"half": "b"} for n in range(200, 330)]
    held_out = [person(n, mask="yes") | {"split": "validation"} for n in range(400, 410)]
    test = [person(n, mask="yes") | {"split": "test"} for n in range(500, 560)]
    return [*bare, *masks, *held_out, *test, failed_face("s/failed")]


@pytest.fixture(scope="module")
def made(people: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [masked(parent, 1) for parent in people[:120]]


@pytest.fixture
def folder(tmp_path: Path, people: list[dict[str, Any]], made: list[dict[str, Any]]) -> Path:
    refused = [row["id"] for row in made[110:]]
    return write_all(tmp_path, people, made[:60], made[60:], refused)


def test_the_page_of_one_generator(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(job_in(folder))
    found = read(folder)
    assert found["features"] == ["good/colours"]
    assert found["judges"] == {
        "good": {"kind": "eye", "labels": ["gender", "mask"], "features": {"colours": 12}}
    }
    assert found["terms"]["real"] == 140  # half "b" and validation; no test face, none of half "a"
    mask = found["generators"]["mask"]
    assert mask["passed"] == 110
    everybody = mask["all"]
    assert (everybody["candidates"], everybody["real"]) == (110, 140)
    like = everybody["likeness"]["good/colours"]
    assert like["n"] == 110
    assert like["made_of_real"] == 0
    assert like["fd_ratio"]["value"] > 0
    assert like["kid"]["n"] == 110
    assert set(like["neighbours"]) == {"precision", "recall", "density", "coverage", "k", "n"}
    seen = everybody["target"]["mask"]["judges"]["good"]
    assert (seen["n"], seen["value"], seen["real"]["value"], seen["of_real"]) == (110, 1, 1, 1)
    assert everybody["target"]["mask"]["weakest"] == "good"
    assert set(everybody["kept"]) == {"gender"}
    change = everybody["edit"]["visible_change"]
    assert change["n"] == 110
    assert 0.05 < change["interval"][0] < change["value"] < change["interval"][1] < 0.6
    closed = everybody["edit"]["distance_closed"]["good/colours"]
    assert closed["value"] > 0.5
    assert closed["donors_learned"] == 110  # all are of half "a"
    assert found["generators"]["copies"] == {"passed": 0, "why": "no candidate passed"}
    told = capsys.readouterr().err
    assert "fidelity: mask: 110 passed; FD (good/colours)" in told
    assert "mask as ordered 1.00 (real faces 1.00) by good" in told
    assert "fidelity: copies: no candidate passed" in told


def test_no_published_name_is_used_for_our_own_features(folder: Path) -> None:
    run(job_in(folder))
    text = (folder / "fidelity.json").read_text().lower()
    assert '"fid"' not in text
    assert "lpips" not in text


def test_groups_stand_in_their_order_and_small_ones_say_so(folder: Path) -> None:
    run(job_in(folder, groups=["gender", "skin_tone", "no_such_label"]))
    assert "fidelity.groups names 'no_such_label'" in read(folder)["notes"][0]
    by = read(folder)["generators"]["mask"]["by"]
    assert list(by) == ["bin", "gender", "mask", "skin_tone"]
    assert list(by["bin"]) == ["female · mask yes", "male · mask yes"]
    assert list(by["gender"]) == ["female", "male"]
    female = by["gender"]["female"]
    assert female["candidates"] == 55
    assert female["likeness"]["good/colours"]["n"] == 55
    assert female["target"]["mask"]["judges"]["good"]["n"] == 55


def test_a_small_group_says_its_n_and_nothing_else(
    tmp_path: Path, people: list[dict[str, Any]], made: list[dict[str, Any]]
) -> None:
    write_all(tmp_path, people, made[:49])
    run(job_in(tmp_path))
    entry = read(tmp_path)["generators"]["mask"]["all"]
    assert entry == {"candidates": 49, "real": 140, "why": "too few (n=49)"}


def test_a_judge_that_misses_the_edit_has_the_word(folder: Path) -> None:
    judges = EYES | {"other": {"kind": "eye", "family": "score", "blind": True}}
    run(job_in(folder, judges))
    found = read(folder)
    seen = found["generators"]["mask"]["all"]["target"]["mask"]
    assert seen["judges"]["other"]["value"] == 0
    assert seen["judges"]["other"]["real"]["value"] == 0
    assert seen["judges"]["other"]["of_real"] is None  # never a share of nothing
    assert seen["weakest"] == "other"
    assert found["features"] == ["good/colours", "other/colours"]


def test_only_scoring_judges_are_asked(folder: Path) -> None:
    run(job_in(folder))
    assert set(ASKED) == {"good"}


def test_without_scoring_judges_the_pixels_still_speak(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(job_in(folder, {"gating": {"kind": "eye"}}))
    found = read(folder)
    assert found["features"] == []
    assert "no judge of family 'score' in params.yaml" in found["notes"][0]
    entry = found["generators"]["mask"]["all"]
    assert (entry["likeness"], entry["target"]) == ({}, {})
    assert entry["edit"]["visible_change"]["n"] == 110
    assert "no judge of family 'score'" in capsys.readouterr().err


def test_no_candidates(
    tmp_path: Path, people: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    write_all(tmp_path, people, [])
    run(job_in(tmp_path))
    found = read(tmp_path)
    assert found["generators"]["mask"] == {"passed": 0, "why": "no candidate passed"}
    assert found["features"] == ["good/colours"]
    assert "no candidate passed the gate" in capsys.readouterr().err


def test_no_generator_at_all(tmp_path: Path, people: list[dict[str, Any]]) -> None:
    write_faces(tmp_path, people)
    for place in (tmp_path, tmp_path / "topup"):
        write_verdicts(place / "verdicts", [], [])
    job = job_in(tmp_path)
    run(replace(job, params=dict(job.params) | {"generators": None}))
    found = read(tmp_path)
    assert found["generators"] == {}
    assert "params.yaml names no generator" in " ".join(found["notes"])


def test_a_folder_of_a_removed_generator_is_refused(folder: Path) -> None:
    write_candidates(folder, "older", [])
    with pytest.raises(UserError, match=r"candidates/older: .* no such generator"):
        run(job_in(folder))


def test_none_passed(
    tmp_path: Path, people: list[dict[str, Any]], made: list[dict[str, Any]]
) -> None:
    failed = not_made(made[5], "no mouth was found")
    write_all(tmp_path, people, [*made[:5], failed], refused=[row["id"] for row in made[:6]])
    run(job_in(tmp_path))
    assert "so there is nothing to compare" in " ".join(read(tmp_path)["notes"])


def test_no_real_face_is_new_to_the_judges(
    tmp_path: Path, people: list[dict[str, Any]], made: list[dict[str, Any]]
) -> None:
    write_all(tmp_path, people[:120], made)
    run(job_in(tmp_path))
    found = read(tmp_path)
    assert "only 0 real faces are new to the scoring judges" in " ".join(found["notes"])
    entry = found["generators"]["mask"]["all"]
    assert entry["likeness"]["good/colours"]["why"] == "too few (n=0)"
    assert entry["target"]["mask"]["judges"]["good"]["real"]["why"] == "too few (n=0)"


def test_unreadable_pictures_are_set_aside(
    tmp_path: Path, people: list[dict[str, Any]], made: list[dict[str, Any]]
) -> None:
    broken = [row | {"image": {"bytes": b"no picture", "path": "x"}} for row in made[:7]]
    write_all(tmp_path, people, [*broken, *made[7:]])
    run(job_in(tmp_path))
    entry = read(tmp_path)["generators"]["mask"]["all"]
    like = entry["likeness"]["good/colours"]
    assert (like["n"], like["set_aside"]["made"]) == (113, 7)
    assert entry["target"]["mask"]["judges"]["good"]["n"] == 113
    assert entry["edit"]["visible_change"]["n"] == 113


def test_same_bytes_whatever_the_shards_and_the_engine(
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    people: list[dict[str, Any]],
    made: list[dict[str, Any]],
) -> None:
    run(job_in(folder))
    other = tmp_path_factory.mktemp("other")
    refused = [row["id"] for row in made[110:]]
    write_all(other, people[::-1], made[60:], made[:60], refused, shards=1)
    run(job_in(other))
    assert (folder / "fidelity.json").read_bytes() == (other / "fidelity.json").read_bytes()


def test_large_groups_are_sampled_and_small_ones_kept(folder: Path) -> None:
    bins = read_bin_space(folder / "audit.json")
    ids = [row["id"] for row in _candidates(folder)]
    found = read_compared(
        folder / "aligned", [folder / "candidates" / "mask"], ids, "b", bins, ("gender",), 10
    )
    genders = found.made.rows.column("gender").to_pylist()
    assert min(genders.count("female"), genders.count("male")) == 10
    assert len(found.made) < len(ids)
    parents = set(found.parents.rows.column("id").to_pylist())
    assert parents == {names[0] for names in found.made.rows.column("parents").to_pylist()}


def _candidates(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read_table(folder / "candidates" / "mask", ["id"]).to_pylist()
    return rows


def test_a_second_run_asks_no_judge_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(job_in(folder))
    before = read(folder)

    def refuse(content: bytes) -> None:
        raise AssertionError("a picture was decoded again")

    for module in ("operations", "compared"):
        monkeypatch.setattr(f"augment.gating.{module}.decode", refuse)
    run(job_in(folder))
    assert read(folder) == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"most_faces": 10}, "most_faces"),
        ({"neighbours": 0}, "neighbours"),
        ({"neighbors": 5}, "did you mean 'neighbours'"),
    ],
)
def test_wrong_settings_are_named(settings: Mapping[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        validate(Config, settings, "fidelity")
