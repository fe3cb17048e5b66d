"""Checks of pictures on real photos: planted faults are refused, faces that nobody touched pass."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augment.checks import one_face, tone
from augment.engine import Engine
from augment.gating.operations import same_face_again
from augment.images import decode
from augment.job import Job
from augment.judges import artifacts
from augment.nets.artifacts import planted
from augment.nets.data import load_faces
from augment.protocols import Check, Evidence, Reference
from augment.schema import OK
from augment.shards import read_table, write_bucketed
from augment.stages import align, ingest
from augment.types import Axis, BinSpace, Image

DATA = Path(os.environ.get("FACES_DATA", Path(__file__).parents[3] / "shared" / "data"))
YUNET = {"kind": "yunet", "path": str(DATA / "weights/face_detection_yunet_2023mar.onnx")}
FACES = 600


@pytest.fixture(scope="module")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``data/aligned`` of some FairFace photos."""
    if not (DATA / "fairface").is_dir() or not Path(YUNET["path"]).is_file():
        pytest.skip(f"needs the photos of fairface and weights below {DATA} (or FACES_DATA)")
    folder = tmp_path_factory.mktemp("fairface")
    params: dict[str, Any] = {
        "ingest": {"data": str(DATA), "sources": {"f": {"kind": "fairface", "root": "fairface"}}},
        "align": {"detector": YUNET, "size": 64, "margin": -0.1},
    }
    engine = Engine("pool", 2, folder / "cache", progress=False)
    ingest.run(Job("ingest", None, params, 7, {}, {"index": folder / "whole"}, engine))
    index = read_table(folder / "whole")
    chosen = np.random.default_rng(3).permutation(index.num_rows)[:FACES]
    write_bucketed(folder / "index", index.take(chosen), 2)
    outputs = {"aligned": folder / "aligned"}
    align.run(Job("align", None, params, 7, {"index": folder / "index"}, outputs, engine))
    return folder / "aligned"


@pytest.fixture(scope="module")
def faces(aligned: Path) -> tuple[pa.Table, list[Image]]:
    table = read_table(aligned)
    table = table.filter(pa.array([status == OK for status in table.column("status").to_pylist()]))
    images = [decode(row["bytes"]) for row in table.column("image").to_pylist()]
    return table.drop_columns(["image", "parsing"]), images


def evidence(check: Check, rows: pa.Table, images: Sequence[Image]) -> Evidence:
    found = [check.measure(image) for image in images]
    measures = {name: np.stack([one[name] for one in found]) for name in check.measures}
    return Evidence(rows, measures=measures)


def candidates(rows: pa.Table) -> pa.Table:
    """Every face as its own child."""
    n = rows.num_rows
    return (
        rows.append_column("parents", pa.array([[row_id] for row_id in rows["id"].to_pylist()]))
        .append_column("generator", pa.array(["g"] * n))
        .append_column("changes", pa.array([[]] * n, pa.list_(pa.string())))
    )


def refused(check: Check, faces: tuple[pa.Table, list[Image]],
            made: Mapping[str, Sequence[Image]]) -> dict[str, float]:  # fmt: skip
    """Fitted on half of the faces: the share of pictures that is refused, by what was done to the
    other half."""
    rows, images = faces
    half = len(images) // 2
    unseen = evidence(check, rows.slice(0, half), images[:half])
    again = evidence(check, rows.slice(0, half), [same_face_again(i) for i in images[:half]])
    others = rows.slice(half)
    bins = BinSpace((Axis("gender", ("female", "male")),))
    check.fit(
        Reference(
            bins=bins, groups=("skin_tone",), values={}, unseen=unseen, again=again,
            parents=evidence(check, others, images[half:]), hashes=rows.slice(0, 0),
            false_rejection=0.02, smallest_group=50,
        )
    )  # fmt: skip
    return {
        name: float(np.mean([not verdict.passed for verdict in check.judge(
            evidence(check, candidates(others), pictures[half:]))]))
        for name, pictures in made.items()
    }  # fmt: skip


def test_a_moved_skin_tone_is_refused(faces: tuple[pa.Table, list[Image]]) -> None:
    images = faces[1]
    darker = [(image * 0.55).astype(np.uint8) for image in images]
    lighter = [(255 - (255 - image.astype(float)) * 0.55).astype(np.uint8) for image in images]
    again = [same_face_again(image) for image in images]
    made = {"again": again, "darker": darker, "lighter": lighter}
    found = refused(tone.Check(tone.Config()), faces, made)
    assert found["again"] < 0.05
    assert found["darker"] > 0.55  # the angle hardly moves on faces at its dark end
    assert found["lighter"] > 0.85


def test_a_face_that_is_gone_or_elsewhere_is_refused(faces: tuple[pa.Table, list[Image]]) -> None:
    images = faces[1]
    made = {
        "again": [same_face_again(image) for image in images],
        "gone": [np.full_like(image, int(image.mean())) for image in images],
        "aside": [np.roll(image, 26, axis=1) for image in images],
        "upside_down": [np.ascontiguousarray(image[::-1]) for image in images],
    }
    found = refused(one_face.Check(one_face.Config(detector=YUNET)), faces, made)
    assert found["again"] < 0.06
    assert found["gone"] == 1
    assert found["aside"] > 0.85
    assert found["upside_down"] > 0.5  # the detector takes some for upright ones


def test_the_judge_of_workmanship_scores_planted_faults_lower(
    aligned: Path, tmp_path: Path
) -> None:
    judge = artifacts.Judge(artifacts.Config(train={"images": 14_000}))
    judge.train(aligned, tmp_path / "models" / "judge", 7, tmp_path / "work")
    judge.load(tmp_path / "models" / "judge")
    held_out = load_faces(aligned, ("test",), None, 120)
    good = judge.predict(list(held_out.images))["artifact"][:, 0]
    bad = judge.predict(planted(held_out, 3)[0])["artifact"][:, 0]
    assert (good[:, None] > bad[None]).mean() > 0.7
