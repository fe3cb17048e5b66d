import dataclasses
import io
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image as PillowImage

from augment.crop import reference_points
from augment.drawing import draw, random_spec, sample_person
from augment.engine import Engine
from augment.errors import UserError
from augment.images import decode, encode
from augment.job import Job
from augment.measure import measure
from augment.schema import (
    ALIGN_FAILED,
    OK,
    SET_ASIDE,
    SMALL,
    Labels,
    aligned_schema,
    measured_columns,
)
from augment.shards import read_schema, read_table, shard_paths
from augment.stages import align, ingest
from augment.types import Image
from tests.unit.layouts import write

#: Two chunks of rows: a pool starts, and a kill between them leaves one done.
DRAWN = {"drawn": {"kind": "drawn", "faces": 104, "size": 96}}


def job_of(folder: Path, sources: dict[str, Any], engine: str = "inline", **settings: Any) -> Job:
    """Ingests the sources and gives the job that aligns them."""
    params = {
        "ingest": {"data": str(folder), "sources": sources, "shards": 1},
        "align": {"detector": {"kind": "haar"}, **settings},
    }
    made = Engine(engine, 2, folder / f"cache {engine}", progress=False)  # type: ignore[arg-type]
    ingest.run(Job("ingest", None, params, 7, {}, {"index": folder / "index"}, made))
    inputs, outputs = {"index": folder / "index"}, {"aligned": folder / f"aligned {engine}"}
    return Job("align", None, params, 7, inputs, outputs, made)


def aligned(job: Job) -> list[dict[str, Any]]:
    align.run(job)
    rows: list[dict[str, Any]] = read_table(job.outputs["aligned"]).to_pylist()
    return rows


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in shard_paths(folder)}


def face(number: int, **settings: Any) -> Image:
    return draw(random_spec(sample_person(number), 30.0, number, yaw=0.0, **settings), 160).image


def mine(folder: Path, **photos: bytes) -> dict[str, Any]:
    for name, content in photos.items():
        write(folder / "mine" / f"{name}.jpg", content)
    return {"mine": {"kind": "folder", "root": "mine"}}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, list[dict[str, Any]]]:
    job = job_of(tmp_path_factory.mktemp("drawn"), DRAWN, size=64, margin=0.1)
    return job, aligned(job)


def test_every_row_stays_in_its_place(drawn: tuple[Job, list[dict[str, Any]]]) -> None:
    job, rows = drawn
    index = read_table(job.inputs["index"])
    table = read_table(job.outputs["aligned"])
    schema = read_schema(job.outputs["aligned"])
    assert schema.equals(aligned_schema(Labels.of(schema)))
    assert schema.metadata == read_schema(job.inputs["index"]).metadata
    kept = [name for name in index.column_names if name not in ("status", "reason")]
    assert table.select(kept).equals(index.select(kept))
    assert [row["status"] for row in rows].count(OK) >= 98


def test_faces_stand_on_the_reference_points(drawn: tuple[Job, list[dict[str, Any]]]) -> None:
    _, rows = drawn
    reference = reference_points(64, 0.1)
    for row in (row for row in rows if row["status"] == OK):
        points = np.array(row["points"]).reshape(5, 2)
        assert np.linalg.norm(points - reference, axis=1).max() < 4  # an estimated similarity fit
        crop = decode(row["image"]["bytes"])
        assert crop.shape == (64, 64, 3)
        assert row["image"]["path"] == f"{row['id']}.jpg"
        assert row["faces_found"] >= 1
        assert row["detector_score"] > 0
        assert 0 <= row["padded_share"] <= 0.5
        assert len(row["box"]) == 4


def test_measures_are_those_of_the_crop(drawn: tuple[Job, list[dict[str, Any]]]) -> None:
    _, rows = drawn
    row = next(row for row in rows if row["status"] == OK)
    parsing = cv2.imdecode(np.frombuffer(row["parsing"], np.uint8), cv2.IMREAD_UNCHANGED)
    points = np.array(row["points"], np.float32).reshape(5, 2)
    found = measure(decode(row["image"]["bytes"]), points, parsing)
    assert row["brightness"] == pytest.approx(found.brightness, abs=0.5)
    assert row["sharpness"] == pytest.approx(found.sharpness, rel=0.1)  # JPEG lies between
    assert row["ita"] == pytest.approx(found.ita, abs=3)


def test_the_parsing_map_moves_with_the_face(drawn: tuple[Job, list[dict[str, Any]]]) -> None:
    _, rows = drawn
    off = []
    for row in (row for row in rows if row["status"] == OK):
        parsing = cv2.imdecode(np.frombuffer(row["parsing"], np.uint8), cv2.IMREAD_UNCHANGED)
        assert parsing.shape == (64, 64)
        assert parsing.max() <= 18
        mouth = np.argwhere(np.isin(parsing, (10, 11, 12))).mean(axis=0)[::-1]
        corners = np.array(row["points"]).reshape(5, 2)[3:]
        off.append(np.linalg.norm(mouth - corners.mean(axis=0)))
    assert np.median(off) < 4  # pixels; the detector estimates where the mouth is


def test_a_given_skin_tone_is_kept(drawn: tuple[Job, list[dict[str, Any]]]) -> None:
    _, rows = drawn
    assert {row["label_origin"]["skin_tone"] for row in rows} == {"given"}


def test_pool_gives_the_same_bytes(drawn: tuple[Job, list[dict[str, Any]]], tmp_path: Path) -> None:
    job, _ = drawn
    engine = Engine("pool", 2, tmp_path / "cache", progress=False)
    outputs = {"aligned": tmp_path / "aligned"}
    align.run(dataclasses.replace(job, engine=engine, outputs=outputs))
    assert contents(outputs["aligned"]) == contents(job.outputs["aligned"])


def test_photos_that_fail_keep_their_row_with_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    sources = mine(
        tmp_path,
        face=encode(face(1)),
        noise=encode(rng.integers(0, 256, (90, 80, 3), np.uint8)),
        text=b"this is no picture",
        empty=b"",
    )
    rows = {row["id"]: row for row in aligned(job_of(tmp_path, sources))}
    assert set(rows) == {"mine/face.jpg", "mine/noise.jpg", "mine/text.jpg", "mine/empty.jpg"}
    assert rows["mine/face.jpg"]["status"] == OK
    noise = rows["mine/noise.jpg"]
    assert (noise["status"], noise["reason"]) == (ALIGN_FAILED, "no face was found")
    assert noise["faces_found"] == 0
    for name in ("mine/text.jpg", "mine/empty.jpg"):
        assert rows[name]["status"] == SET_ASIDE
        assert rows[name]["reason"]
    for row in (noise, rows["mine/text.jpg"], rows["mine/empty.jpg"]):
        unmade = ("image", "points", "parsing", "box", *(f.name for f in measured_columns()))
        assert {row[name] for name in unmade} == {None}
    told = capsys.readouterr().err
    assert "1 of 2 photos aligned with haar" in told
    assert "1 failed: no face was found" in told


def test_an_unknown_skin_tone_is_measured(tmp_path: Path) -> None:
    grey = np.repeat(face(2).mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    sources = mine(tmp_path, colour=encode(face(2)), grey=encode(grey))
    rows = {row["id"]: row for row in aligned(job_of(tmp_path, sources))}
    colour, without = rows["mine/colour.jpg"], rows["mine/grey.jpg"]
    assert abs(int(colour["skin_tone"]) - sample_person(2).monk) <= 2
    assert colour["label_origin"]["skin_tone"] == "measured"
    assert colour["label_origin"]["gender"] == "unknown"
    assert without["status"] == OK
    assert without["skin_tone"] == "unknown"
    assert without["label_origin"]["skin_tone"] == "unknown"
    assert without["ita"] is None


def test_a_crop_that_leaves_its_photo_too_far_is_refused(tmp_path: Path) -> None:
    sources = mine(tmp_path, a=encode(face(1)), b=encode(face(3)[:, :100]))
    wide = job_of(tmp_path, sources, margin=0.5, max_padded=0.35)
    rows = {row["id"]: row for row in aligned(wide)}
    cut_off = rows["mine/b.jpg"]
    assert cut_off["status"] == ALIGN_FAILED
    assert "outside of the photo (more than max_padded: 0.35)" in cut_off["reason"]
    assert cut_off["padded_share"] > 0.35  # kept, so that a fitting limit can be found
    assert cut_off["image"] is None
    assert rows["mine/a.jpg"]["status"] == OK


def test_a_face_with_few_pixels_is_kept_apart(tmp_path: Path) -> None:
    large = face(1)
    half = cv2.resize(large, (80, 80), interpolation=cv2.INTER_AREA)
    sources = mine(tmp_path, large=encode(large), half=encode(half))
    rows = {row["id"]: row for row in aligned(job_of(tmp_path, sources, size=64, smallest=60))}
    assert rows["mine/large.jpg"]["status"] == OK
    small = rows["mine/half.jpg"]
    assert small["status"] == SMALL
    assert "fewer than 60 pixels across (align.smallest)" in small["reason"]
    assert small["image"] is not None  # what may be restored
    assert small["native_side"] < 60 < rows["mine/large.jpg"]["native_side"]
    ratio = rows["mine/large.jpg"]["native_side"] / small["native_side"]
    assert ratio == pytest.approx(2, rel=0.15)  # up to what the detector makes of the smaller one


def test_the_photos_orientation_is_applied(tmp_path: Path) -> None:
    lying = PillowImage.fromarray(np.rot90(face(4), 1))
    exif = PillowImage.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    file = io.BytesIO()
    lying.save(file, "JPEG", quality=95, exif=exif)
    sources = mine(tmp_path, upright=encode(face(4)), lying=file.getvalue())
    upright, turned = aligned(job_of(tmp_path, sources))
    np.testing.assert_allclose(upright["box"], turned["box"], atol=3)


def test_a_file_that_changed_after_ingest_is_noticed(tmp_path: Path) -> None:
    job = job_of(tmp_path, mine(tmp_path, a=encode(face(1)), b=encode(face(2))))
    write(tmp_path / "mine" / "a.jpg", encode(face(3)))
    (tmp_path / "mine" / "b.jpg").unlink()
    with pytest.raises(UserError, match=r"changed since ingest.*the file is missing"):
        align.run(job)
    reasons = [row["reason"] for row in read_table(job.outputs["aligned"]).to_pylist()]
    assert reasons == [
        "the file has changed since ingest read it: run ingest again",
        "the file is missing",
    ]


def test_a_run_in_which_every_face_fails_ends_with_advice(tmp_path: Path) -> None:
    blank = np.full((90, 90, 3), 90, np.uint8)
    job = job_of(tmp_path, mine(tmp_path, a=encode(blank), b=encode(blank + 9)))
    with pytest.raises(UserError, match="none of 2 photos gave a face with detector 'haar'"):
        align.run(job)
    assert read_table(job.outputs["aligned"]).num_rows == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"detector": {"kind": "harr"}}, "no augment/align/harr.py"),
        ({"detector": {}}, "align.detector needs a 'kind'"),
        ({"detector": {"kind": "haar", "look_sise": 200}}, "did you mean 'look_size'"),
        ({"detector": {"kind": "yunet", "path": "none.onnx"}}, "none.onnx are missing"),
        ({"size": 8}, "align.size"),
        ({"margn": 0.1}, "did you mean 'margin'"),
    ],
)
def test_wrong_params_end_before_any_photo_is_read(
    tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    params = {"align": {"detector": {"kind": "haar"}, **settings}}
    job = Job("align", None, params, 7, {"index": tmp_path}, {"aligned": tmp_path / "aligned"})
    with pytest.raises(UserError, match=message):
        align.run(job)


def test_identity_follows_what_changes_the_crop(
    drawn: tuple[Job, list[dict[str, Any]]],
) -> None:
    labels = Labels(("mask",))
    detector = align.plugins.load("align", "haar")
    made = detector.Detector(detector.Config())

    def identity(**settings: Any) -> str:
        config = align.Config.model_validate({"detector": {"kind": "haar"}, **settings})
        return align.Align(made, config, {}, labels).identity()

    assert identity() == identity()
    for settings in ({"size": 96}, {"margin": 0.2}, {"max_padded": 0.1}):
        assert identity(**settings) != identity()


def test_one_more_photo_computes_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = {f"p{number}": encode(face(number)) for number in range(4)}
    aligned(job_of(tmp_path, mine(tmp_path, **photos)))
    seen: list[int] = []
    call = align.Align.__call__

    def counted(self: align.Align, batch: pa.RecordBatch) -> pa.RecordBatch:
        seen.append(batch.num_rows)
        return call(self, batch)

    monkeypatch.setattr(align.Align, "__call__", counted)
    assert len(aligned(job_of(tmp_path, mine(tmp_path, more=encode(face(9)))))) == 5
    assert sum(seen) == 1


def test_a_killed_run_goes_on_to_the_same_bytes(
    drawn: tuple[Job, list[dict[str, Any]]], tmp_path: Path
) -> None:
    job, _ = drawn
    engine = Engine("inline", cache=tmp_path / "cache", progress=False)
    killed = dataclasses.replace(job, engine=engine, outputs={"aligned": tmp_path / "aligned"})
    (tmp_path / "job").write_bytes(pickle.dumps(killed))
    command = [sys.executable, "-m", "tests.unit.killed_align", str(tmp_path / "job")]
    process = subprocess.run(command, capture_output=True, cwd=Path(__file__).parents[2])
    assert process.returncode == -9, process.stderr.decode()
    assert not killed.outputs["aligned"].exists()
    (chunk,) = engine.cache.glob("align-*/*.parquet")
    before = chunk.stat().st_mtime_ns
    align.run(killed)
    assert chunk.stat().st_mtime_ns == before
    assert contents(killed.outputs["aligned"]) == contents(job.outputs["aligned"])
