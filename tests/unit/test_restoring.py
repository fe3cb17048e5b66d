"""Faces that are too small, from the plan to the data set: restored, gated, and told apart."""

from collections import Counter
from typing import Any

import pyarrow.parquet as pq
import pytest

from augment.generators import superres
from augment.images import decode, resize
from augment.shards import read_table
from tests.unit.gate_rows import face, pictured
from tests.unit.ordering_project import OrderingProject

TINY = {
    "kind": "superres", "network": {"channels": 8, "blocks": 1}, "crop": 32,
    "train": {"images": 800, "batch": 8}, "adversarial": {"images": 8, "batch": 8},
    "make": {"blend": 0.0},
}  # fmt: skip


def small(name: str, **labels: str) -> dict[str, Any]:
    """As align leaves a face that had 16 pixels across in its photo."""
    row = face(name, **labels)
    image = decode(row["image"]["bytes"])
    crop = resize(resize(image, 16), len(image))
    return row | {"status": "small", "reason": "few pixels", "native_side": 16.0} | pictured(
        name, crop
    )  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> OrderingProject:
    folder = tmp_path_factory.mktemp("restoring")
    men = [small(f"s/small{n}", gender="male") for n in range(6)]
    women = [small(f"s/lady{n}") for n in range(2)]  # of whom there are enough
    generators = {"restore": TINY, "copies": {"kind": "copies"}}
    # A network of seconds gains little: what the check asks of it is told in the check's own tests.
    lenient = {"kind": "restored", "least_psnr": 24.0, "least_sharpening": 0.0}
    checks = {"restored": lenient, "novelty": {"kind": "novelty"}}
    made = OrderingProject(
        folder, generators=generators, more=[*men, *women], pilot={"per_bin": 0},
        plan={"target": {"kind": "floor", "n": 30}, "max_synthetic_share": 1.0, "spare": 1.0},
        gate={"checks": checks, "smallest_group": 20},
    )  # fmt: skip
    config = superres.Config.model_validate({k: v for k, v in TINY.items() if k != "kind"})
    learning = superres.Generator(config)
    learning.train(folder / "aligned", folder / "models" / "restore", 7, folder / "work")
    return made.run("pilot", "plan", "generate", "gate", "topup", "assemble")


def manifest(project: OrderingProject) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(
        project.folder / "balanced" / "manifest.parquet"
    ).to_pylist()
    return rows


def test_small_men_come_before_copies(project: OrderingProject) -> None:
    parents = project.orders("restore").column("parents").to_pylist()
    assert sorted(name for (name,) in parents) == [f"s/small{n}" for n in range(6)]
    assert project.orders("copies").num_rows >= 12  # the rest of the 18 that are lacking


def test_a_restored_face_is_told_from_a_photo_and_from_a_made_one(
    project: OrderingProject,
) -> None:
    rows = [row for row in manifest(project) if row["generator"] == "restore"]
    assert len(rows) == len(project.passed() & {row["id"] for row in rows}) >= 5
    for row in rows:
        assert row["digital_source_type"].endswith("algorithmicallyEnhanced")
        assert row["steps"][0].startswith("restored from 16 px")
        assert row["person"] == f"person of {row['parents'][0]}"
        assert row["split"] == "train"


def test_small_faces_themselves_are_set_aside(project: OrderingProject) -> None:
    aside = pq.read_table(project.folder / "balanced" / "set_aside.parquet").to_pylist()
    states = Counter(row["status"] for row in aside)
    assert states["small"] == 8
    assert not any(row["id"].startswith(("s/small", "s/lady")) for row in manifest(project))


def test_pictures_of_restored_faces_are_sharper_than_their_parents(
    project: OrderingProject,
) -> None:
    made = read_table(project.folder / "candidates" / "restore", ["parents", "sharpness"])
    aligned = read_table(project.folder / "aligned", ["id", "sharpness"])
    before = dict(zip(*aligned.to_pydict().values(), strict=True))
    gains = [row["sharpness"] / before[row["parents"][0]] for row in made.to_pylist()]
    assert sorted(gains)[len(gains) // 2] > 1.0
