"""Networks that are kept answer with another strength of adjustment."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from fairness_shifted import moved, moved_name, pairs, strength_of, trained_as

from augment.errors import UserError
from augment.images import encode
from augment.metrics.arms import log_shares
from augment.nets.classifier import LabelNet, Pictures, predict
from augment.nets.config import TrainConfig
from augment.nets.trials import Trials
from augment.stages.evaluate import ClassicalAugmentation

ARM = "logit-adjusted"
COMMON, RARE = 0, 1
SHARES = {"word": log_shares(np.array([COMMON] * 9 + [RARE]), 2)}


@pytest.fixture
def faces() -> list[bytes]:
    random = np.random.default_rng(2)
    return [encode(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)) for _ in range(6)]


@pytest.fixture
def trials(tmp_path: Path, faces: list[bytes]) -> Trials:
    names = [f"face {number}" for number in range(len(faces))]
    rows = pa.table(
        {"id": names, "sha256": names, "bin": ["a"] * 6, "word": ["a"] * 6,
         "synthetic": [False] * 6}
    )  # fmt: skip
    content = [
        {"id": name, "image": {"bytes": face, "path": name}}
        for name, face in zip(names, faces, strict=True)
    ]
    pq.write_table(pa.Table.from_pylist(content), tmp_path / "test-0.parquet")
    classes = {"word": ["common", "rare"]}
    config = TrainConfig(images=8, batch=8)
    return Trials(tmp_path, rows, rows, classes, config, 3, tmp_path / "work", keep=True)


@pytest.fixture
def network(trials: Trials) -> LabelNet:
    """Kept, as a finished training leaves it."""
    torch.manual_seed(1)
    network = LabelNet({"word": 2}).eval()
    folder = trials.work / trials._identity(ARM, ClassicalAugmentation()) / f"{ARM}-0" / "digest"
    folder.mkdir(parents=True)
    torch.save({"averages": [network.state_dict()]}, folder / "checkpoint.pt")
    return network


def test_strength_one_is_what_was_learned(
    trials: Trials, network: LabelNet, faces: list[bytes]
) -> None:
    said = moved(trials, ARM, 1, 1.0, SHARES)["word"]
    learned = predict(network, Pictures(faces))["word"]
    assert said.tolist() == [[trials.classes["word"][code] for code in learned]]


@pytest.mark.parametrize(("strength", "word"), [(-50.0, "common"), (50.0, "rare")])
@pytest.mark.usefixtures("network")
def test_more_strength_leans_to_the_rare(trials: Trials, strength: float, word: str) -> None:
    assert set(moved(trials, ARM, 1, strength, SHARES)["word"].ravel()) == {word}


def test_what_was_not_kept_cannot_answer(trials: Trials) -> None:
    with pytest.raises(UserError, match="holds 0 finished trainings"):
        moved(trials, ARM, 1, 1.2, SHARES)


def test_names_say_the_strength() -> None:
    name = moved_name("balanced, logit-adjusted", 1.2)
    assert name == "balanced, logit-adjusted, strength 1.2"
    assert strength_of(name) == 1.2
    assert trained_as(name) == trained_as("balanced, logit-adjusted") == "balanced, logit-adjusted"
    assert strength_of("balanced, logit-adjusted") == 1
    bare = moved_name("logit-adjusted", 1.2)
    every = ["logit-adjusted", "balanced, logit-adjusted", name, bare]
    assert pairs(every) == [(name, bare)]
