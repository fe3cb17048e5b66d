"""From faces to a trained morphing network of either architecture."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

import augment.generators.morph.dcgan as dcgan
from augment.generators.morph.games import Noise, People
from augment.generators.morph.lesson import Lesson
from augment.generators.morph.network import Critic, Morpher, side_of
from augment.nets.data import in_groups
from augment.nets.device import best_device
from augment.nets.loop import Fitted, Learner, build, fit

if TYPE_CHECKING:
    from augment.generators.morph import Config

_BETAS = (0.5, 0.999)
Network = Morpher | dcgan.Maker


def network_of(config: "Config") -> Network:
    """The untrained network."""
    settings = config.network
    if config.arch == "dcgan":
        return dcgan.Maker(settings.width)
    return Morpher(settings.channels, settings.who, settings.moment)


def side(config: "Config") -> int:
    """Of the network's faces, pixels."""
    return dcgan.SIDE if config.arch == "dcgan" else side_of(config.network.channels)


def learners(config: "Config", lesson: Lesson, network: Network, seed: int) -> Sequence[Learner]:
    """The network and its adversary, in the order in which they take turns."""
    if isinstance(network, dcgan.Maker):
        told = build(lambda: dcgan.Critic(config.network.width), seed)
        noise = Noise(lesson, network, told)
        # Adam's memory of the two turns is not shared: each has an optimiser.
        return [
            Learner(network, noise.make, "net", _BETAS),
            Learner(network, noise.again, "again", _BETAS),
            Learner(told, noise.criticise, "critic", _BETAS),
        ]
    critic = build(lambda: Critic(config.network.critic, config.network.who), seed)
    game = People(lesson, network, critic)
    return [
        Learner(network, game.morph, "net", _BETAS),
        Learner(critic, game.criticise, "critic", _BETAS),
    ]


def taught(config: "Config", lesson: Lesson, seed: int, work: Path) -> tuple[Network, Fitted]:
    """A trained network; see :func:`augment.nets.loop.fit` for ``seed`` and ``work``.

    Raises:
        TrainingFailed: see :mod:`augment.nets.health`.
    """
    network = build(lambda: network_of(config), seed)
    identity = {
        "faces": lesson.digest,
        "arch": config.arch,
        "network": config.network.model_dump(mode="json"),
    }
    fitted = fit(
        learners(config, lesson, network, seed), len(lesson), config.training(), seed, work,
        f"morph {config.arch}", identity, lesson.weights,
    )  # fmt: skip
    finish(network, lesson)
    return network, fitted


def finish(network: Network, lesson: Lesson) -> None:
    """Let a trained network know how its moments are distributed."""
    network.eval()
    if isinstance(network, Morpher):
        network.learn_moments(moments(network, lesson))


@torch.no_grad()
def moments(network: Morpher, lesson: Lesson) -> torch.Tensor:
    """(faces, m), of all faces that are learned from."""
    images = list(np.asarray(lesson.images))
    found = [network.encode(x).moment[:n] for x, n in in_groups(images, best_device())]
    return torch.cat(found)
