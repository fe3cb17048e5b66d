"""Morphs on the road: planned from several people of a bin, made, gated, and listed as whose."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from augment.images import encode
from augment.measure import measure
from augment.shards import read_schema, read_table, write_bucketed
from tests.unit.aligned_faces import face_picture
from tests.unit.ordering_project import OrderingProject


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> OrderingProject:
    """Twelve men where thirty are wanted, and only morphs to fill up with."""
    folder: Path = tmp_path_factory.mktemp("morphs")
    made = OrderingProject(folder, generators={"morph": {"kind": "morph"}})
    aligned = folder / "aligned"
    schema, rows = read_schema(aligned), read_table(aligned).to_pylist()
    for number, row in enumerate(sorted(rows, key=lambda row: str(row["id"]))):
        image, points = face_picture(number)
        row["image"] = {"bytes": encode(image), "path": "face.jpg"}
        row |= {"points": points.ravel().tolist(), **measure(image).columns()}
    write_bucketed(aligned, pa.Table.from_pylist(rows, schema=schema), 2)
    return made.run("pilot", "plan", "generate", "gate", "topup", "assemble")


def test_orders_name_four_people_of_the_bin(project: OrderingProject) -> None:
    orders = project.orders("morph").to_pylist()
    assert len(orders) >= 18
    for row in orders:
        assert len(set(row["parents"])) == 4
        assert all(parent.startswith("s/m") for parent in row["parents"])
        assert row["changes"] == []
        assert row["gender"] == "male"


def test_candidates_are_made_or_say_why_not(project: OrderingProject) -> None:
    rows = read_table(project.folder / "candidates" / "morph").to_pylist()
    assert len(rows) == project.orders("morph").num_rows
    made = [row for row in rows if row["status"] == "ok"]
    assert len(made) >= 0.8 * len(rows)
    assert all("too differently" in row["reason"] for row in rows if row["status"] != "ok")
    assert {row["digital_source_type"].rsplit("/", 1)[1] for row in made} == {"compositeCapture"}


def test_the_data_set_lists_all_parents_and_no_person(project: OrderingProject) -> None:
    manifest = pq.read_table(project.folder / "balanced" / "manifest.parquet").to_pylist()
    morphs = [row for row in manifest if row["synthetic"]]
    assert len(morphs) >= 12
    for row in morphs:
        assert len(set(row["parents"])) == 4
        assert row["person"] is None
        assert row["split"] == "train"
