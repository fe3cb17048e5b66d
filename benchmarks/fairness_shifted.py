"""A weaker or stronger adjustment for rare labels, of networks that are trained already.

Before a network answers, a multiple of the log share of each class is added to its logits
("post-hoc logit adjustment", A. K. Menon et al. 2021, section 4.1). Which faces a network learned
from and how far its answers lean to rare labels are so told apart: train sets are compared at
several strengths of the same lean.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from augment.errors import UserError
from augment.metrics.arms import LOGIT_ADJUSTED, MAIN, MAIN_ADJUSTED
from augment.metrics.resampling import Words
from augment.nets.classifier import LabelNet, predict
from augment.nets.device import best_device
from augment.nets.trials import Trials
from augment.stages.evaluate import ClassicalAugmentation
from augment.types import FloatArray

#: Variants that are moved, and by how much: trained with the loss that makes up for rarity once.
MOVED = (LOGIT_ADJUSTED, MAIN_ADJUSTED)
STRENGTHS = (0.6, 0.8, 1.2, 1.4)
_CALLED = ", strength "


def moved_name(variant: str, strength: float) -> str:
    """What the figures call it: "logit-adjusted, strength 1.2"."""
    return f"{variant}{_CALLED}{strength:g}"


def moved(
    trials: Trials, arm: str, seeds: int, strength: float, log_shares: Mapping[str, FloatArray]
) -> dict[str, Words]:
    """What the kept networks answer so: label -> words, shape (seeds, test faces).

    Args:
        trials: whose trainings of that arm are finished and kept.
        arm: an adjusted one.
        seeds: how many trainings.
        strength: 1 is what they learned with; 0 would leave rarity as it is among real faces.
        log_shares: label -> of each class among the real train faces, shape (classes,).

    Raises:
        UserError: a network was not kept.
    """
    found: dict[str, list[Words]] = {label: [] for label in trials.classes}
    for number in range(seeds):
        network = _kept(trials, arm, number)
        with torch.no_grad():
            for label, shares in log_shares.items():
                # An adjusted network answers as if classes came equally often.
                head = network.heads[label]
                assert isinstance(head, nn.Linear)
                head.bias.add_(torch.from_numpy((1 - strength) * shares))
        codes = predict(network.to(best_device()), trials._test_pictures)
        for label, words in trials.classes.items():
            found[label].append(np.array(words)[codes[label]])
    return {label: np.stack(said) for label, said in found.items()}


def _kept(trials: Trials, arm: str, number: int) -> LabelNet:
    folder = trials.work / trials._identity(arm, ClassicalAugmentation()) / f"{arm}-{number}"
    paths = sorted(folder.glob("*/checkpoint.pt"))
    if len(paths) != 1:
        raise UserError(f"{folder} holds {len(paths)} finished trainings, and there has to be one.")
    state = torch.load(paths[0], map_location="cpu", weights_only=True)
    network = LabelNet({label: len(words) for label, words in trials.classes.items()})
    network.load_state_dict(state["averages"][0])
    return network


def trained_as(variant: str) -> str:
    """The variant whose networks answer."""
    return variant.partition(_CALLED)[0]


def is_moved(variant: str) -> bool:
    """Whether the figures' name says so."""
    return _CALLED in variant


def strength_of(variant: str) -> float:
    """1 where the name says nothing."""
    return float(variant.partition(_CALLED)[2] or 1)


def pairs(variants: Sequence[str]) -> list[tuple[str, str]]:
    """With new faces and without, at the same strength."""
    return [
        (name, name.removeprefix(f"{MAIN}, "))
        for name in variants
        if is_moved(name) and name.startswith(MAIN) and name.removeprefix(f"{MAIN}, ") in variants
    ]
