"""The downstream network: shapes, losses over missing labels, equal first weights."""

import numpy as np
import pytest
import torch

from augment.images import encode
from augment.nets.blocks import parameters
from augment.nets.classifier import NO_LABEL, LabelNet, loss_of, predict
from augment.nets.loop import build

CLASSES = {"gender": 2, "age_group": 9}


def test_size_and_shapes() -> None:
    network = build(lambda: LabelNet(CLASSES), 1)
    assert 300_000 < parameters(network) < 700_000
    logits = network(torch.zeros(3, 3, 64, 64))
    assert {name: tuple(values.shape) for name, values in logits.items()} == {
        "gender": (3, 2),
        "age_group": (3, 9),
    }


def test_first_weights_depend_on_the_seed_alone() -> None:
    one, two, other = (build(lambda: LabelNet(CLASSES), seed) for seed in (1, 1, 2))
    first = {name: value for name, value in one.state_dict().items() if name.endswith("0.weight")}
    assert all(torch.equal(value, two.state_dict()[name]) for name, value in first.items())
    assert any(not torch.equal(value, other.state_dict()[name]) for name, value in first.items())


def test_unknown_labels_do_not_count() -> None:
    logits = {"gender": torch.tensor([[2.0, 0.0], [-9.0, 9.0]])}
    both = loss_of(logits, {"gender": torch.tensor([0, NO_LABEL])})
    assert float(both) == pytest.approx(float(np.log1p(np.exp(-2.0))), abs=1e-6)
    none = loss_of(logits, {"gender": torch.tensor([NO_LABEL, NO_LABEL])})
    assert float(none) == 0.0


def test_a_face_is_judged_the_same_in_any_company() -> None:
    random = np.random.default_rng(0)
    pictures = [encode(random.integers(0, 256, (64, 64, 3), dtype=np.uint8)) for _ in range(5)]
    network = build(lambda: LabelNet({"age_group": 9}), 3)
    together = predict(network, pictures)["age_group"]
    alone = np.concatenate([predict(network, [content])["age_group"] for content in pictures])
    assert together.tolist() == alone.tolist()
