"""Which network, which critic and which losses each ``arch`` has."""

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from augment.closure import code_digest
from augment.generators.age import baselines
from augment.generators.age.decoding import Gating, Redrawing
from augment.generators.age.decomposition import AgeNetwork
from augment.generators.age.lesson import Lesson
from augment.generators.age.network import Editor
from augment.generators.age.prototypes import average_face
from augment.generators.age.registration import SIDE
from augment.generators.age.telling import Telling
from augment.images import resize
from augment.nets.device import reproducible
from augment.nets.loop import Fitted, Indices, Learner, build, fit
from augment.seeds import row_generator

if TYPE_CHECKING:
    from augment.generators.age.config import Config

_BETAS = (0.5, 0.99)
_AVERAGED = 8000  # faces


def network_of(config: "Config", groups: int) -> AgeNetwork:
    """The untrained network."""
    channels = config.network.channels
    if config.arch == "ours":
        return Editor(groups, config.exaggeration)
    if config.arch == "hrfae":
        return Gating(channels)
    return Redrawing(channels, groups, decompose=config.arch == "decompose")


def taught(config: "Config", lesson: Lesson, seed: int, work: Path) -> tuple[AgeNetwork, Fitted]:
    """A trained network; see :func:`augment.nets.loop.fit` for ``seed`` and ``work``."""
    groups = len(lesson.ages.names)
    network = build(lambda: network_of(config, groups), seed)
    if isinstance(network, Editor):
        return network, _fitted(network, lesson, seed)
    learners = _learners(config, lesson, network, seed)
    identity: Mapping[str, object] = {
        "faces": lesson.digest,
        "groups": lesson.ages.names,
        "config": config.model_dump(mode="json", exclude={"train"}),
    }
    fitted = fit(
        learners, len(lesson.faces), config.train, seed, work, "age", identity, lesson.weights
    )
    return network, fitted


def _learners(config: "Config", lesson: Lesson, network: AgeNetwork, seed: int) -> list[Learner]:
    """The network and its adversary, if it has one, in the order in which they take turns."""
    groups, channels = len(lesson.ages.names), config.network.critic
    steps = config.train.images // config.train.batch
    game: baselines.RedrawingGame | baselines.GatingGame
    critic: torch.nn.Module
    if isinstance(network, Redrawing):
        critic = branched = build(lambda: baselines.Critic(channels, groups), seed)
        game = baselines.RedrawingGame(lesson, network, branched, steps)
    else:
        assert isinstance(network, Gating)
        critic = guided = build(lambda: baselines.GuidedCritic(channels, groups), seed)
        game = baselines.GatingGame(lesson, network, guided)
    return [
        Learner(network, game.edit, "net", _BETAS),
        Learner(critic, game.criticise, "critic", _BETAS),
    ]


def _fitted(network: Editor, lesson: Lesson, seed: int) -> Fitted:
    """Give ours what age does to faces, and how it is told. It takes seconds, so a killed run
    begins anew."""
    started, some = time.perf_counter(), _sample(lesson, seed)
    years = lesson.years(some, row_generator(seed, "age", "years of the average faces"))
    small = np.stack([resize(image, SIDE) for image in lesson.images[some]])
    labels = {name: [words[one] for one in some] for name, words in lesson.faces.labels.items()}
    # One thread: how a sum is split over threads shows in its last bits.
    with threadpool_limits(1), reproducible(threads=1):
        network.learn(
            average_face(small, lesson.points[some], years, labels, lesson.weights[some]),
            Telling.learnt(lesson.images[some], lesson.places[some], lesson.ages.names),
        )
    content = [code_digest([network, average_face, Telling.learnt]), lesson.digest, seed]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
    return Fitted(len(lesson.faces), [], digest, time.perf_counter() - started)


def _sample(lesson: Lesson, seed: int) -> Indices:
    """So many faces at most, rare groups first: averages get no better by more."""
    everyone = np.arange(len(lesson.faces))
    if len(everyone) <= _AVERAGED:
        return everyone
    ranks = row_generator(seed, "age", "sample").random(len(everyone)) / lesson.weights
    return np.sort(np.argsort(ranks)[:_AVERAGED])
