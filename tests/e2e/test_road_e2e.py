"""The whole road on a small drawn data set: run, run again, killed, grown, on other engines."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from augment.shards import read_table
from tests.contract.test_road import GENERATOR
from tests.e2e.small_project import SmallProject

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> SmallProject:
    """The project after one undisturbed `dvc repro`; tests must leave it as it is."""
    project = SmallProject(tmp_path_factory.mktemp("road").resolve() / "project")
    project.call("dvc", "repro")
    return project


@pytest.fixture
def copy(finished: SmallProject, tmp_path: Path) -> Iterator[SmallProject]:
    """A copy of the finished project to disturb."""
    project = SmallProject.__new__(SmallProject)
    project.folder = tmp_path.resolve() / "copy"
    shutil.copytree(finished.folder, project.folder)
    yield project
    shutil.rmtree(project.folder)  # pytest keeps temporary folders, and these are large


def test_every_output_is_there(finished: SmallProject) -> None:
    data = finished.folder / "data"
    index, aligned = read_table(data / "index"), read_table(data / "aligned", ["id", "status"])
    assert index.num_rows == aligned.num_rows == 360
    assert sorted(index["id"].to_pylist()) == sorted(aligned["id"].to_pylist())
    for key in ("age", "copies", "mask"):
        orders = pq.read_table(data / f"plan/{key}.parquet")
        made = read_table(data / f"candidates/{key}", ["id"])
        assert sorted(made["id"].to_pylist()) == sorted(orders["id"].to_pylist())
        assert orders.num_rows > 0
    assert finished.json("reports/pilot.json")["candidates"] > 0
    assert (finished.folder / "reports/report.html").stat().st_size > 100_000


def test_metrics_have_their_keys(finished: SmallProject) -> None:
    metrics = finished.json("reports/metrics.json")
    assert {
        "faces", "aligned", "failed", "evenness_before", "evenness_after", "bins",
        "bins_below_target_before", "bins_below_target_after",
    } <= set(metrics["audit"])  # fmt: skip
    plan = metrics["plan"]
    assert plan["ordered"] + plan["unfilled"] == plan["deficit"]
    assert set(metrics["generate"]) == {"age", "copies", "mask"}
    for counts in metrics["generate"].values():
        assert 0 <= counts["passed"] <= counts["made"]
    for task in metrics["evaluate"].values():
        assert set(task) == {
            "original", "resampled", "classical", "logit-adjusted", "balanced",
            "balanced, logit-adjusted",
        }  # fmt: skip
        for arm in task:
            wanted = {"overall", "worst_group", "gap", "n", "seeds", "interval"}
            assert wanted <= set(task[arm])


def test_what_is_missing_is_counted_with_its_reason(finished: SmallProject) -> None:
    found = finished.json("data/topup/topup.json")
    manifest = finished.json("data/balanced/manifest.json")
    assert len(found["rounds"]) <= 2
    assert sum(row["n"] for row in found["still_missing"]) == found["missing"]
    lacking = [max(0, row["target"] - row["after"]) for row in manifest["census"]]
    assert sum(lacking) == found["missing"]
    assert all(row["reason"] for row in manifest["still_missing"])


def test_what_the_pilot_made_is_not_made_again(copy: SmallProject) -> None:
    def made() -> int:
        folders = (copy.folder / ".augment/cache").glob("generate *")
        return sum(pq.read_metadata(path).num_rows for f in folders for path in f.glob("*.parquet"))

    before = made()
    copy.remove("reports/pilot.json", "data/plan", "data/candidates", "data/topup")
    copy.call("dvc", "repro", "topup")
    assert made() == before


def test_a_second_run_runs_nothing(finished: SmallProject) -> None:
    said = finished.call("dvc", "repro")
    assert "Data and pipelines are up to date." in said
    assert "Running stage" not in said
    assert "would run" not in finished.call("augment", "status")


def test_what_people_look_at_works(finished: SmallProject) -> None:
    assert "evenness_before" in finished.call("dvc", "metrics", "show")
    page = finished.call("dvc", "plots", "show", "--out", ".plots").strip().splitlines()[-1]
    assert page.endswith("index.html")
    assert "unfilled" in finished.call("augment", "plan", "--explain")
    assert len(finished.call("augment", "summary").splitlines()) <= 12


KILLS = {
    "align": (
        "align",
        [".augment/cache/align-*", "data/aligned"],
        ".augment/cache/align-*/*.parquet",
    ),
    "train": (
        "train@mask",
        [".augment/train/mask", "models/mask"],
        ".augment/train/mask/*/checkpoint.pt",
    ),
    "pilot": (
        "pilot",
        [".augment/cache/generate *", "reports/pilot.json"],
        ".augment/cache/generate copies-*/*.parquet",
    ),
    "generate": (
        "generate@copies",
        [".augment/cache/generate copies-*", "data/candidates/copies"],
        ".augment/cache/generate copies-*/*.parquet",
    ),
}


@pytest.mark.parametrize("stage", KILLS)
def test_killed_in_the_middle_the_same_command_gives_the_same_bytes(
    finished: SmallProject, copy: SmallProject, stage: str
) -> None:
    address, work, begun = KILLS[stage]
    output = work[-1]
    copy.remove(*work)
    copy.kill_when(begun, "augment", address)
    assert not (copy.folder / output / "_complete.json").exists()
    deadline = time.monotonic() + 30
    while copy.processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert copy.processes() == []  # no worker outlives its parent
    copy.call("augment", address)
    assert copy.digests(output) == finished.digests(output)


def test_one_percent_more_faces_compute_one_percent_more_rows(copy: SmallProject) -> None:
    def computed(label: str) -> int:
        folder = copy.folder / ".augment/cache"
        return sum(pq.read_metadata(p).num_rows for p in folder.glob(f"{label}-*/*.parquet"))

    before = {label: computed(label) for label in ("ingest drawn", "align")}
    assert before == {"ingest drawn": 360, "align": 360}
    params = copy.params()
    params["ingest"]["sources"]["drawn"]["faces"] = 364
    copy.write(params)
    copy.call("dvc", "repro", "align")
    assert read_table(copy.folder / "data/aligned", ["id"]).num_rows == 364
    assert {label: computed(label) - rows for label, rows in before.items()} == {
        "ingest drawn": 4,
        "align": 4,
    }


ENGINE_STAGES = ("align", "pilot", "generate@mask", "generate@copies", "gate", "topup")


@pytest.mark.parametrize("address", ENGINE_STAGES)
def test_the_engine_changes_no_byte(
    finished: SmallProject, copy: SmallProject, address: str
) -> None:
    outputs = {"align": "data/aligned", "gate": "data/verdicts", "topup": "data/topup",
               "pilot": "reports/pilot.json"}  # fmt: skip
    output = outputs.get(address, f"data/candidates/{address.split('@')[-1]}")
    copy.remove(".augment/cache", output)
    copy.call("augment", address, "--engine", "inline")
    assert copy.digests(output) == finished.digests(output)


def test_row_stages_run_where_torch_cannot_be_imported(
    finished: SmallProject, copy: SmallProject, tmp_path: Path
) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/__init__.py").write_text("raise ImportError('no torch here')\n")
    outputs = ("data/index", "data/aligned", "data/plan", "data/balanced", "reports/audit.json")
    copy.remove(".augment/cache", *outputs[:4])
    for stage in ("ingest", "align", "audit", "plan", "assemble"):
        copy.call("augment", stage, PYTHONPATH=str(tmp_path))
    assert copy.digests(*outputs) == finished.digests(*outputs)


def test_a_new_generator_makes_faces(copy: SmallProject) -> None:
    (copy.folder / "augment/generators/mirror.py").write_text(GENERATOR)
    params = copy.params()
    params["generators"]["mirror"] = {"kind": "mirror"}
    copy.write(params)
    copy.call("dvc", "repro", "--single-item", "plan")
    copy.call("dvc", "repro", "--single-item", "train@mirror")
    copy.call("dvc", "repro", "--single-item", "generate@mirror")
    made = read_table(copy.folder / "data/candidates/mirror", ["status"])["status"].to_pylist()
    assert made
    assert set(made) == {"ok"}
