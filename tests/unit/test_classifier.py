"""The downstream network: shapes, losses over missing labels, equal first weights."""

from pathlib import Path

import numpy as np
import pytest
import torch

from augment.images import decode, encode
from augment.metrics.arms import log_shares
from augment.nets.blocks import parameters
from augment.nets.classifier import NO_LABEL, LabelNet, Lesson, Pictures, loss_of, predict, train
from augment.nets.config import TrainConfig
from augment.nets.loop import build
from augment.types import Image

CLASSES = {"gender": 2, "age_group": 9}


def test_size_and_shapes() -> None:
    network = build(lambda: LabelNet(CLASSES), 1)
    assert 1_500_000 < parameters(network) < 2_000_000
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
    both = loss_of(logits, {"gender": torch.tensor([0, NO_LABEL])}, {})
    assert float(both) == pytest.approx(float(np.log1p(np.exp(-2.0))), abs=1e-6)
    none = loss_of(logits, {"gender": torch.tensor([NO_LABEL, NO_LABEL])}, {})
    assert float(none) == 0.0


def test_a_face_is_judged_the_same_in_any_company() -> None:
    random = np.random.default_rng(0)
    pictures = [encode(random.integers(0, 256, (64, 64, 3), dtype=np.uint8)) for _ in range(5)]
    network = build(lambda: LabelNet({"age_group": 9}), 3)
    together = predict(network, Pictures(pictures))["age_group"]
    alone = np.concatenate(
        [predict(network, Pictures([content]))["age_group"] for content in pictures]
    )
    assert together.tolist() == alone.tolist()


def test_the_adjusted_loss_is_menons() -> None:
    """log(1 + sum over y' != y of (share of y' / share of y) exp(f_y' - f_y)): equation 10."""
    logits, shares = torch.tensor([[0.3, -0.2, 1.1]]), torch.tensor([0.7, 0.2, 0.1])
    for label in range(3):
        odds = [
            float(shares[other] / shares[label] * torch.exp(logits[0, other] - logits[0, label]))
            for other in range(3)
            if other != label
        ]
        loss = loss_of({"a": logits}, {"a": torch.tensor([label])}, {"a": shares.log()})
        assert float(loss) == pytest.approx(np.log1p(sum(odds)), abs=1e-6)
    plain = loss_of({"a": logits}, {"a": torch.tensor([0])}, {"b": shares.log()})
    assert float(plain) == pytest.approx(float(-logits.log_softmax(1)[0, 0]), abs=1e-6)


def test_equal_shares_change_no_gradient() -> None:
    logits = torch.randn(5, 2, generator=torch.Generator().manual_seed(1), requires_grad=True)
    targets = {"a": torch.tensor([0, 1, 1, 0, 1])}
    grads = [
        torch.autograd.grad(loss_of({"a": logits}, targets, added), logits)[0]
        for added in ({}, {"a": torch.tensor([0.5, 0.5]).log()})
    ]
    torch.testing.assert_close(grads[0], grads[1])


def overlapping(count: int, seed: int) -> tuple[list[bytes], np.ndarray]:
    """Faces of two classes, one to nine; their brightness overlaps."""
    random = np.random.default_rng(seed)
    codes = (np.arange(count) % 10 == 0).astype(np.int64)
    levels = 110 + 30 * codes + random.normal(0, 20, count)
    # The least size of a road's faces. Of 16 pixels, the last maps are 1 x 1, where torch 2.13 gets
    # weight gradients wrong in bfloat16 on some processors.
    images = levels[:, None, None, None] + random.normal(0, 4, (count, 32, 32, 3))
    return [encode(np.clip(image, 0, 255).astype(np.uint8)) for image in images], codes


@pytest.mark.slow
def test_an_adjusted_training_finds_the_rare_class_more_often(tmp_path: Path) -> None:
    pictures, codes = overlapping(400, 5)
    held_out, truth = overlapping(390, 6)
    recall = {}
    for name, added in (("plain", {}), ("adjusted", {"a": log_shares(codes, 2)})):
        lesson = Lesson(
            Pictures(pictures), np.arange(400), {"a": codes}, {"a": 2}, None,
            np.zeros(400, np.float32), added,
        )  # fmt: skip
        config = TrainConfig(images=1920, batch=32, learning_rate=2e-3, ema=0.9)
        network = train(lesson, lambda image, random: image, config, 1, tmp_path / name, name, "")
        answer = predict(network, Pictures(held_out))["a"]
        recall[name] = [float((answer == code)[truth == code].mean()) for code in (0, 1)]
    assert recall["adjusted"][1] > recall["plain"][1] + 0.1
    assert recall["adjusted"][0] < recall["plain"][0]
    assert sum(recall["adjusted"]) > sum(recall["plain"])


def test_pictures_are_the_same_whether_kept_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    encoded = [encode(random.integers(0, 256, (16, 16, 3), dtype=np.uint8)) for _ in range(3)]
    read: list[bytes] = []

    def counted(content: bytes) -> Image:
        read.append(content)
        return decode(content)

    monkeypatch.setattr("augment.nets.classifier.decode", counted)
    pictures = Pictures(encoded, most_bytes=2 * 16 * 16 * 3)
    for _ in range(3):
        for place, content in enumerate(encoded):
            np.testing.assert_array_equal(pictures[place], decode(content))
    assert read == [*encoded, encoded[2], encoded[2]]
    with pytest.raises(ValueError, match="read-only"):
        pictures[0][:] = 0
