"""BalancedFaces: what items hold, in which order, and in how much memory."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch.utils.data import DataLoader

import augment
from augment.dataset import BalancedFaces
from augment.errors import UserError
from augment.images import decode
from augment.shards import write_table
from augment.stages.assemble import run
from tests.unit.gate_rows import (
    LABELS,
    face,
    masked,
    write_candidates,
    write_faces,
    write_plan,
    write_topup,
)
from tests.unit.test_assemble import job_in, write_verdicts


@pytest.fixture(scope="module")
def people() -> list[dict[str, Any]]:
    return [face(f"s/{n:03d}", gender=("male", "female", "unknown")[n % 3]) for n in range(270)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, people: list[dict[str, Any]]) -> Path:
    """270 real and 2 synthetic train faces in 2 shards, and one test face."""
    folder = tmp_path_factory.mktemp("made")
    write_faces(folder, [*people, face("t/0", "test", mask="yes")])
    candidates = [masked(people[1]), masked(people[4])]
    write_candidates(folder, "mask", candidates)
    write_verdicts(folder, candidates)
    wanted = {("female · mask yes", "mask"): 2}
    write_plan(folder, wanted)
    write_topup(folder, wanted)
    run(job_in(folder, rows_per_shard=150))
    return folder / "balanced"


def test_items(root: Path, people: list[dict[str, Any]]) -> None:
    faces = augment.BalancedFaces(root)
    assert len(faces) == 272
    assert faces.classes["gender"] == ["female", "male"]
    assert faces.classes["mask"] == ["no", "yes"]
    by_id = {item["id"]: item for item in faces}
    assert len(by_id) == 272
    item = by_id["s/003"]
    assert item["image"].dtype == torch.uint8
    assert item["image"].shape == (3, 32, 32)
    expected = decode(people[3]["image"]["bytes"])
    np.testing.assert_array_equal(item["image"].numpy().transpose(1, 2, 0), expected)
    assert {label: by_id["s/003"][label] for label in ("gender", "mask")} == {
        "gender": 1,
        "mask": 0,
    }
    assert by_id["s/002"]["gender"] == -1  # unknown
    assert set(item) == {"image", "id", *LABELS.columns}


def test_without_synthetic_faces(root: Path) -> None:
    everyone, real = BalancedFaces(root), BalancedFaces(root, synthetic=False)
    assert len(everyone) - len(real) == 2
    assert [item["id"] for item in real] == [
        item["id"] for item in everyone if not item["id"].startswith("mask/")
    ]


def test_targets_are_the_items_labels(root: Path) -> None:
    faces = BalancedFaces(root, labels=["gender"], synthetic=False)
    assert faces.targets["gender"].tolist() == [item["gender"] for item in faces]
    assert "mask" not in faces[0]


def test_random_access(root: Path) -> None:
    faces = BalancedFaces(root)
    ids = [item["id"] for item in faces]
    assert faces[-1]["id"] == ids[-1]
    wanted = [200, 3, 200, 271, 0]
    assert [item["id"] for item in faces.__getitems__(wanted)] == [ids[place] for place in wanted]
    with pytest.raises(IndexError):
        faces[272]


def test_memory_is_bounded(root: Path) -> None:
    tight, roomy = BalancedFaces(root, cache_mb=0.01), BalancedFaces(root)
    assert [item["id"] for item in tight] == [item["id"] for item in roomy]
    assert len(tight._cache) == 1
    assert len(roomy._cache) == len(roomy._groups) > 2


def test_transform_gets_the_array(root: Path) -> None:
    faces = BalancedFaces(root, transform=lambda image: (image.shape, str(image.dtype)))
    assert faces[0]["image"] == ((32, 32, 3), "uint8")


def test_loader_workers_see_the_same_faces(root: Path) -> None:
    faces = BalancedFaces(root, labels=["gender"])
    first = faces[0]
    again = pickle.loads(pickle.dumps(faces))  # noqa: S301 -- made one line above
    assert again[0]["id"] == first["id"]
    loader = DataLoader(faces, batch_size=50, num_workers=1)
    batches = list(loader)
    ids = [name for batch in batches for name in batch["id"]]
    assert ids == [item["id"] for item in faces]
    assert batches[0]["image"].shape == (50, 3, 32, 32)
    assert batches[0]["gender"].tolist() == faces.targets["gender"][:50].tolist()


def test_wrong_places_are_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no balanced data set"):
        BalancedFaces(tmp_path)
    with pytest.raises(UserError, match="no shards of the split 'validation'"):
        BalancedFaces(root, "validation")
    with pytest.raises(UserError, match="no label 'hat'"):
        BalancedFaces(root, labels=["hat"])


def test_a_null_label_is_unknown(root: Path, tmp_path: Path) -> None:
    table = pq.read_table(next((root / "data").glob("test-*")))
    place = table.schema.get_field_index("gender")
    table = table.set_column(place, "gender", pa.array([None], pa.string()))
    write_table(tmp_path / "data" / "test-00000-of-00001.parquet", table)
    (tmp_path / "manifest.json").write_text((root / "manifest.json").read_text())
    assert BalancedFaces(tmp_path, "test")[0]["gender"] == -1
