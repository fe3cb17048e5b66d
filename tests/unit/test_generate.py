import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augment.engine import Engine, EngineName
from augment.errors import UserError
from augment.generating.donors import DONORS, write_joined
from augment.generating.operation import MakeFaces
from augment.images import decode
from augment.job import Job
from augment.schema import Labels, candidate_schema, order_schema, table
from augment.shards import read_schema, read_table, shard_paths, write_table
from augment.stages.generate import run
from tests.unit.aligned_faces import face_row
from tests.unit.aligned_rows import write_aligned

LABELS = Labels(("mask",))


def order(number: int, *parents: str, **values: Any) -> dict[str, Any]:
    return {
        "id": f"copies/20-29/{number:05d}",
        "generator": "copies",
        "bin": "20-29",
        "parents": list(parents),
        "changes": [],
        "seed": 1000 + number,
        **dict.fromkeys(LABELS.columns, "unknown"),
        **values,
    }


def prepare(root: Path, orders: Sequence[dict[str, Any]], faces: int = 12) -> Path:
    """``root/aligned`` with faces f0000.. and ``root/plan.parquet`` with these orders."""
    rows = [face_row(n, 32, mask="no", licence=f"L{n % 2}") for n in range(faces)]
    rows.append({**face_row(faces, 32), "status": "align_failed", "image": None, "points": None})
    write_aligned(root / "aligned", rows, attributes=("mask",), shards=3)
    write_table(root / "plan.parquet", table(orders, order_schema(LABELS)))
    return root


def generate(
    root: Path,
    out: str = "out",
    entry: dict[str, Any] | None = None,
    engine: EngineName = "inline",
) -> Path:
    """Run the stage; its rows lie in the folder that is returned."""
    run(
        Job(
            stage="generate",
            key="copies",
            params={"generators": {"copies": entry or {"kind": "copies"}}},
            seed=7,
            inputs={
                "plan/copies.parquet": root / "plan.parquet",
                "aligned": root / "aligned",
                "models/copies": root / "model",
            },
            outputs={"candidates/copies": root / out},
            engine=Engine(engine, 2, root / f".augment-{out}/cache", progress=False),
        )
    )
    return root / out


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_every_order_becomes_a_row_with_picture_measures_and_origin(tmp_path: Path) -> None:
    orders = [order(n, f"f{n % 12:04d}", gender="male") for n in range(30)]
    folder = generate(prepare(tmp_path, orders))
    assert len(shard_paths(folder)) == 3
    assert read_schema(folder).names == candidate_schema(LABELS).names
    assert read_schema(folder).metadata == LABELS.metadata()
    rows = read_table(folder).sort_by("id").to_pylist()
    assert [row["id"] for row in rows] == [one["id"] for one in orders]
    for row, asked in zip(rows, orders, strict=True):
        assert (row["status"], row["reason"], row["gender"]) == ("ok", "", "male")
        assert row["parents"] == asked["parents"]
        assert row["licence"] == f"L{int(asked['parents'][0][1:]) % 2}"
        assert row["digital_source_type"].endswith("/digitalsourcetype/algorithmicallyEnhanced")
        assert row["digital_source_type"].encode() in row["image"]["bytes"]
        assert decode(row["image"]["bytes"]).shape == (32, 32, 3)
        assert row["steps"]
        assert len(row["points"]) == 10
        assert row["sharpness"] > 0
        assert len(row["face_hash"]) == 32
        assert row["brightness"] > 0
    assert len({row["image"]["bytes"] for row in rows}) == 30
    assert not list(tmp_path.glob(".augment-out/generate/*"))


def test_pictures_resemble_their_own_parent(tmp_path: Path) -> None:
    orders = [order(n, f"f{n:04d}") for n in range(12)]
    folder = generate(prepare(tmp_path, orders), entry={"kind": "copies", "mirror": False})
    originals = {
        row["id"]: decode(row["image"]["bytes"]).astype(float)
        for row in read_table(tmp_path / "aligned").to_pylist()
        if row["image"]
    }
    for row in read_table(folder).to_pylist():
        picture = decode(row["image"]["bytes"]).astype(float)
        distances = {name: np.abs(picture - other).mean() for name, other in originals.items()}
        assert min(distances, key=lambda name: distances[name]) == row["parents"][0]


def test_orders_that_cannot_be_made_keep_their_row_and_say_why(tmp_path: Path) -> None:
    orders = [
        order(0, "f0000"),
        order(1, "nobody"),
        order(2, "f0012"),  # was not aligned
        order(3, "f0001", "f0002"),
    ]
    rows = read_table(generate(prepare(tmp_path, orders))).sort_by("id").to_pylist()
    assert [row["status"] for row in rows] == ["ok", *["generate_failed"] * 3]
    assert "'nobody' is no usable aligned face" in rows[1]["reason"]
    assert "'f0012' is no usable aligned face" in rows[2]["reason"]
    assert "2 parents, the generator takes 1" in rows[3]["reason"]
    assert rows[3]["licence"] == "L0 AND L1"
    assert all(row["image"] is None and row["sharpness"] is None for row in rows[1:])


def test_a_parent_may_be_too_small_and_brings_its_size(tmp_path: Path) -> None:
    rows = [{**face_row(0, 32), "status": "small", "native_side": 21.5}]
    write_aligned(tmp_path / "aligned", rows, attributes=("mask",))
    joined = tmp_path / "joined"
    orders = table([order(0, rows[0]["id"])], order_schema(LABELS))
    write_joined(orders, tmp_path / "aligned", joined)
    ((donor,),) = read_table(joined).column(DONORS).to_pylist()
    assert (donor["id"], donor["native_side"]) == (rows[0]["id"], 21.5)


def test_no_orders_give_an_empty_folder_that_can_be_read(tmp_path: Path) -> None:
    folder = generate(prepare(tmp_path, []))
    assert read_table(folder).num_rows == 0
    assert read_schema(folder).names == candidate_schema(LABELS).names
    assert read_schema(folder).metadata == LABELS.metadata()
    assert len(shard_paths(folder)) == 3


def test_no_orders_need_no_weights(tmp_path: Path) -> None:
    assert read_table(generate(prepare(tmp_path, []), entry={"kind": "mask"})).num_rows == 0


def test_a_pool_gives_the_same_bytes(tmp_path: Path) -> None:
    orders = [order(n, f"f{n % 12:04d}") for n in range(250)]
    prepare(tmp_path, orders)
    assert contents(generate(tmp_path, "one")) == contents(generate(tmp_path, "two", engine="pool"))


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [order(n, f"f{n % 12:04d}") for n in range(250)]
    prepare(tmp_path, orders)
    undisturbed = contents(generate(tmp_path))
    command = [sys.executable, "-m", "tests.unit.killed_generate", str(tmp_path)]
    killed = subprocess.run(command, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "_complete.json").exists()
    made: list[int] = []
    whole = MakeFaces.__call__
    monkeypatch.setattr(
        MakeFaces,
        "__call__",
        lambda self, batch: made.append(batch.num_rows) or whole(self, batch),  # type: ignore[func-returns-value]
    )
    assert contents(generate(tmp_path, "killed")) == undisturbed
    assert 0 < sum(made) < 250


def test_a_changed_setting_or_donor_is_made_anew(tmp_path: Path) -> None:
    prepare(tmp_path, [order(n, f"f{n:04d}") for n in range(4)])
    first = contents(generate(tmp_path))
    shutil.rmtree(tmp_path / "out")
    assert contents(generate(tmp_path)) == first
    other = generate(tmp_path, entry={"kind": "copies", "turn": 2})
    assert contents(other) != first


def test_missing_weights_or_plan_are_said_so(tmp_path: Path) -> None:
    prepare(tmp_path, [order(0, "f0000")])
    with pytest.raises(UserError, match=r"weights\.safetensors not found.*train@model"):
        generate(tmp_path, entry={"kind": "mask"})
    (tmp_path / "plan.parquet").unlink()
    with pytest.raises(UserError, match=r"plan\.parquet is missing"):
        generate(tmp_path)
