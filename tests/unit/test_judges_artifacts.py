"""The judge of workmanship: network, learning, and what it says of planted faults."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from augment.errors import UserError
from augment.judges import artifacts
from augment.nets.artifacts import ArtifactNet, learn, planted
from augment.nets.config import TrainConfig
from augment.nets.data import load_faces
from augment.nets.loop import build
from augment.shards import read_table
from tests.unit.aligned_faces import face_picture, face_row, write_aligned

GENDERS = ("female", "male")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces") / "aligned"
    rows = [
        face_row(n, 48, mask="no", gender=GENDERS[n % 2], half="b" if n % 8 else "a",
                 split="train" if n < 120 else "validation")
        for n in range(160)
    ]  # fmt: skip
    return write_aligned(folder, rows, attributes=("mask",), shards=2)


@pytest.fixture(scope="module")
def judge(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> artifacts.Judge:
    folder = tmp_path_factory.mktemp("models")
    config = artifacts.Config(channels=(12, 24, 32), train={"images": 4800})
    made = artifacts.Judge(config)
    made.train(faces, folder / "judge", 7, folder / "work")
    loaded = artifacts.Judge(config)
    loaded.load(folder / "judge")
    content = json.loads((folder / "judge" / "config.json").read_text())["config"]
    assert content["faces"] == 105  # half "b" of the train split
    return loaded


def test_it_tells_untouched_faces_from_touched_ones(judge: artifacts.Judge, faces: Path) -> None:
    held_out = load_faces(faces, ("validation",))
    bad, kinds = planted(held_out, 3)
    good = judge.predict(list(held_out.images))["artifact"][:, 0]
    found = judge.predict(bad)["artifact"][:, 0]
    assert len(set(kinds)) >= 7
    pairs = good[:, None] > found[None]
    assert pairs.mean() > 0.65  # a random untouched face scores above a random touched one


def test_it_says_how_good_it_is_by_group_and_kind_of_fault(judge: artifacts.Judge) -> None:
    rows = {(row["by"], row["group"]): row for row in judge.accuracy()}
    assert {row["label"] for row in rows.values()} == {"artifact"}
    assert rows["all", "all"]["n"] == 80  # 40 held-out faces, each once untouched and once not
    assert rows["artifact", "untouched"]["n"] == 40
    assert rows["gender", "female"]["n"] == 40
    told = [row for (by, _), row in rows.items() if by == "artifact"]
    right = sum(row["n"] * row["accuracy"] for row in told)
    assert right == pytest.approx(80 * rows["all", "all"]["accuracy"], abs=1e-3)


def test_the_network_tells_where_the_fault_lies(faces: Path, tmp_path: Path) -> None:
    network = build(lambda: ArtifactNet((8, 16)), 1)
    logits, cells = network(torch.zeros(2, 3, 48, 48))
    assert tuple(logits.shape) == (2,)
    assert tuple(cells.shape) == (2, 12, 12)


def test_the_first_layer_sees_every_pixel_and_its_detail() -> None:
    network = ArtifactNet((8, 16)).eval()
    detail, first = network.body[0], network.body[1]
    pixel = torch.zeros(1, 3, 16, 16)
    pixel[0, :, 5, 6] = 1
    shown = detail(pixel)
    assert tuple(shown.shape) == (1, 6, 16, 16)
    assert shown[0, 3, 5, 6] == pytest.approx(4 * 8 / 9)  # less the mean of it and its neighbours
    assert detail(torch.ones(1, 3, 16, 16))[0, 3:].abs().max() < 1e-6  # a plain picture has none
    seen = first(shown)
    assert tuple(seen.shape) == (1, 8, 8, 8)
    assert first.kernel_size > first.stride  # nothing is skipped


def test_a_face_and_its_mirror_image_get_the_same_answer(judge: artifacts.Judge) -> None:
    image, _ = face_picture(3, 48)
    one, other = judge.predict([image, np.ascontiguousarray(image[:, ::-1])])["artifact"]
    np.testing.assert_allclose(one, other, atol=2e-4)


def test_learning_depends_on_faces_and_seed(faces: Path, tmp_path: Path) -> None:
    learned = load_faces(faces, ("train",), ("b",))
    config = TrainConfig(images=64)

    def digest(seed: int) -> str:
        make = lambda: ArtifactNet((8, 16))  # noqa: E731
        return learn(learned, make, config, seed, tmp_path, "judge", {})[1].digest

    assert digest(1) == digest(1) != digest(2)


def test_without_faces_it_says_so(tmp_path: Path) -> None:
    rows = [face_row(n, 48, mask="no", split="test", half=None) for n in range(3)]
    folder = write_aligned(tmp_path / "aligned", rows, attributes=("mask",), shards=1)
    assert read_table(folder).num_rows == 3
    with pytest.raises(UserError, match="no faces to train on"):
        artifacts.Judge(artifacts.Config()).train(folder, tmp_path / "m", 7, tmp_path / "w")


def test_odds_are_rounded_and_other_sizes_are_resized(judge: artifacts.Judge) -> None:
    image, _ = face_picture(3, 96)
    found = judge.predict([image])["artifact"]
    assert found.shape == (1, 1)
    np.testing.assert_allclose(found, np.round(found, 4), atol=1e-6)
