from pathlib import Path

import pytest

from augment.engine import Engine
from augment.errors import UserError
from augment.road import is_code, make_job, read_road, short_name

TEXT = """
stages:
  ingest:
    cmd: python -m augment ingest
    params: [seed, ingest]
    deps: ["${ingest.data}", augment/stages/ingest.py]
    outs: [data/index]
  train:
    foreach: ${train}
    do:
      cmd: python -m augment train@${key}
      params: [seed, "train.${key}"]
      deps: [data/index, augment/nets]
      outs: ["models/${key}"]
      metrics:
        - reports/${key}.json:
            cache: false
"""
PARAMS = {"seed": 3, "ingest": {"data": "../photos"}, "train": {"a": {"x": 1}, "b": None}}


def road_file(folder: Path, text: str = TEXT) -> Path:
    path = folder / "dvc.yaml"
    path.write_text(text)
    return path


def test_stages_with_templates_filled_in(tmp_path: Path) -> None:
    road = read_road(PARAMS, road_file(tmp_path))
    assert list(road) == ["ingest", "train@a", "train@b"]
    assert road["ingest"].deps == ("../photos", "augment/stages/ingest.py")
    assert road["train@b"].outs == ("models/b", "reports/b.json")
    assert road["train@b"].address == "train@b"


def test_a_job_sees_its_own_part_only(tmp_path: Path) -> None:
    engine = Engine("inline")
    job = make_job(read_road(PARAMS, road_file(tmp_path))["train@a"], PARAMS, engine)
    assert (job.stage, job.key, job.seed, job.engine) == ("train", "a", 3, engine)
    assert job.params == {"train": {"a": {"x": 1}}}
    assert job.inputs == {"index": Path("data/index")}
    assert job.outputs == {"models/a": Path("models/a"), "a.json": Path("reports/a.json")}


def test_data_that_is_code_is_no_input(tmp_path: Path) -> None:
    params = {**PARAMS, "ingest": {"data": "augment/drawing"}}
    job = make_job(read_road(params, road_file(tmp_path))["ingest"], params, Engine())
    assert job.inputs == {}


def test_no_entries_no_stages(tmp_path: Path) -> None:
    assert list(read_road({**PARAMS, "train": None}, road_file(tmp_path))) == ["ingest"]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"seed": 3, "train": {}}, "no section 'ingest.data'"),
        ({**PARAMS, "train": ["a", "b"]}, "train must be named entries"),
    ],
)
def test_params_that_do_not_fit(tmp_path: Path, params: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_road(params, road_file(tmp_path))


@pytest.mark.parametrize("seed", [-1, 1.5, "x", True, None])
def test_seed_must_be_a_whole_number(tmp_path: Path, seed: object) -> None:
    params = {**PARAMS, "seed": seed}
    with pytest.raises(UserError, match="seed must be a whole number"):
        make_job(read_road(params, road_file(tmp_path))["ingest"], params, Engine())


@pytest.mark.parametrize(
    ("text", "words"), [("stages: [", "not valid YAML"), ("a: 1", "must hold 'stages:'")]
)
def test_unusable_files(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_road(PARAMS, road_file(tmp_path, text))
    with pytest.raises(UserError, match="project's folder"):
        read_road(PARAMS, tmp_path / "no" / "dvc.yaml")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_road(PARAMS, tmp_path)


def test_names() -> None:
    assert short_name("data/aligned") == "aligned"
    assert short_name("reports/plan.json") == "plan.json"
    assert short_name("models/mask") == "models/mask"
    assert is_code("augment/nets")
    assert not is_code("augmented/photos")
