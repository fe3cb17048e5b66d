"""Alignment of real photos: nearly every face is found, upright, and nothing is lost."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augment.crop import reference_points
from augment.engine import Engine
from augment.job import Job
from augment.schema import ALIGN_FAILED, OK, SET_ASIDE
from augment.shards import read_table, shard_paths, write_bucketed
from augment.stages import align, ingest

DATA = Path(os.environ.get("FACES_DATA", Path(__file__).parents[3] / "shared" / "data"))
YUNET = {"kind": "yunet", "path": str(DATA / "weights/face_detection_yunet_2023mar.onnx")}
SCRFD = {"kind": "insightface", "pack": "scrfd_only", "root": str(DATA / "weights/insightface")}
SETS = {
    "fairface": "fairface",
    "utkface": "utkface",
    "celeba": "celeba",
    "celebamask_hq": "celebamask_hq",
    "lfw": "lfw",
}
#: These sets are tight crops themselves.
TIGHT = ("fairface", "utkface")
FACES = 400

Index = Callable[[str], Path]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """The index of some photos of a set, the same ones each time."""
    made: dict[str, Path] = {}

    def of(name: str) -> Path:
        if not (DATA / name).is_dir() or not Path(YUNET["path"]).is_file():
            pytest.skip(f"needs the real photos of {name} and weights below {DATA} (or FACES_DATA)")
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            engine = Engine("pool", 2, folder / "cache", progress=False)
            outputs = {"index": folder / "whole"}
            ingest.run(Job("ingest", None, params(name), 7, {}, outputs, engine))
            whole = read_table(folder / "whole")
            some = np.random.default_rng(3).permutation(whole.num_rows)[:FACES]
            write_bucketed(folder / "index", whole.take(some), 2)
            made[name] = folder
        return made[name] / "index"

    return of


def params(name: str, **settings: Any) -> dict[str, Any]:
    source = {"kind": SETS[name], "root": name}
    tight = {"margin": -0.1} if name in TIGHT else {}
    return {
        "ingest": {"data": str(DATA), "sources": {name: source}},
        "align": {"detector": YUNET, "size": 96, **tight, **settings},
    }


def aligned(
    name: str, index: Path, folder: Path, engine: str = "pool", **settings: Any
) -> list[dict[str, Any]]:
    made = Engine(engine, 2, folder / "cache", progress=False)  # type: ignore[arg-type]
    outputs = {"aligned": folder / "aligned"}
    align.run(Job("align", None, params(name, **settings), 7, {"index": index}, outputs, made))
    rows: list[dict[str, Any]] = read_table(outputs["aligned"]).to_pylist()
    return rows


@pytest.mark.parametrize("name", sorted(SETS))
def test_yunet_aligns_nearly_every_photo(name: str, index: Index, tmp_path: Path) -> None:
    rows = aligned(name, index(name), tmp_path)
    assert [row["id"] for row in rows] == read_table(index(name)).column("id").to_pylist()
    states = [row["status"] for row in rows]
    usable = len(rows) - states.count(SET_ASIDE)
    assert states.count(OK) >= 0.985 * usable
    assert all(row["reason"] for row in rows if row["status"] == ALIGN_FAILED)
    reference = reference_points(96, -0.1 if name in TIGHT else 0.0)
    points = np.array([row["points"] for row in rows if row["status"] == OK]).reshape(-1, 5, 2)
    across = points[:, 1] - points[:, 0]
    assert np.abs(np.degrees(np.arctan2(across[:, 1], across[:, 0]))).mean() < 4  # upright
    off = np.linalg.norm(points - reference, axis=2).mean(axis=1)
    assert np.median(off) < 4  # pixels of 96


@pytest.mark.parametrize("name", ["celeba", "lfw"])
def test_haar_finds_nearly_every_press_photo(name: str, index: Index, tmp_path: Path) -> None:
    rows = aligned(name, index(name), tmp_path, detector={"kind": "haar"})
    assert [row["status"] for row in rows].count(OK) >= 0.95 * len(rows)


def test_an_insightface_pack_agrees_and_falls_back_from_cuda_aloud(
    index: Index, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("onnxruntime has CUDA here: nothing to fall back from")
    rows = aligned("lfw", index("lfw"), tmp_path / "a", detector={**SCRFD, "provider": "cuda"})
    told = capsys.readouterr().err
    assert told.count("WARNING: align.detector.provider is cuda") == 1
    assert "faces are detected on the CPU" in told
    other = aligned("lfw", index("lfw"), tmp_path / "b")
    pairs = [
        (np.array(a["box"]), np.array(b["box"]))
        for a, b in zip(rows, other, strict=True)
        if a["status"] == b["status"] == OK
    ]
    assert len(pairs) >= 0.99 * len(rows)
    off = [np.linalg.norm((a[:2] + a[2:] / 2) - (b[:2] + b[2:] / 2)) / b[2] for a, b in pairs]
    assert np.median(off) < 0.1


def test_engines_give_the_same_bytes_on_real_photos(index: Index, tmp_path: Path) -> None:
    contents = []
    for engine in ("inline", "pool"):
        aligned("celebamask_hq", index("celebamask_hq"), tmp_path / engine, engine)
        folder = tmp_path / engine / "aligned"
        contents.append([path.read_bytes() for path in shard_paths(folder)])
    assert contents[0] == contents[1]


def test_part_masks_become_maps_of_the_crop(index: Index, tmp_path: Path) -> None:
    rows = aligned("celebamask_hq", index("celebamask_hq"), tmp_path)
    assert sum(row["parsing"] is not None for row in rows) >= 0.99 * len(rows)
    rows = aligned("lfw", index("lfw"), tmp_path / "lfw")
    assert all(row["parsing"] is None for row in rows)
