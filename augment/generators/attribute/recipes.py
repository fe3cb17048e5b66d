"""Which network, critic and losses each ``arch`` has, and how a collapsed training starts again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augment.errors import UserError
from augment.generators.attribute import sagan, training
from augment.generators.attribute.codes import Codes
from augment.generators.attribute.collapse import Collapsed
from augment.generators.attribute.config import Config
from augment.generators.attribute.labels import Maps
from augment.generators.attribute.layouts import LayoutNet
from augment.generators.attribute.lesson import Lesson, WindowLesson
from augment.generators.attribute.network import Editor
from augment.nets.config import TrainConfig
from augment.nets.data import FaceSet
from augment.nets.loop import Fitted, Learner, build, fit
from augment.seeds import row_seed

_BETAS = (0.5, 0.999)


@dataclass(frozen=True)
class Taught:
    """A trained network, what its training said, and what was seen of those that collapsed."""

    network: Editor | LayoutNet
    fitted: Fitted
    collapses: tuple[str, ...]


def network_of(config: Config) -> Editor | LayoutNet:
    """The untrained network."""
    count = len(config.attributes)
    settings = config.network
    if config.arch == "ours":
        return Editor(settings.channels, count)
    return LayoutNet(config.arch, count, settings.width, settings.blocks, settings.kernel)


def codes_of(config: Config) -> Codes:
    """Codes of regions, before they are fitted."""
    _, numbers = config.kinds
    return Codes(numbers, config.network.window, config.network.codes)


def lesson_of(config: Config, faces: FaceSet, maps: Maps, where: str) -> Lesson:
    """What the network learns from; see :class:`augment.generators.attribute.lesson.Lesson`."""
    kind = WindowLesson if config.windows else Lesson
    return kind(config, faces, maps, where)


def taught(config: Config, lesson: Lesson, seed: int, work: Path, label: str) -> Taught:
    """Train; a training that collapses is counted and begun again with another seed.

    Args:
        config: the generator's.
        lesson: what is learned from.
        seed: the run's.
        work: see :func:`augment.nets.loop.fit`.
        label: what messages call the training.

    Raises:
        UserError: all tries collapsed.
    """
    collapses: list[str] = []
    for number in range(config.collapse.tries):
        try_seed = seed if number == 0 else row_seed(seed, "collapsed attribute", str(number))
        network = build(lambda: network_of(config), try_seed)
        try:
            fitted = _fit(config, lesson, network, try_seed, work)
        except Collapsed as collapse:
            collapses.append(str(collapse))
            print(f"{label}: try {number + 1} of {config.collapse.tries} collapsed: {collapse}")
        else:
            return Taught(network, fitted, tuple(collapses))
    raise UserError(
        f"{label} collapsed {len(collapses)} times, with a seed of its own each time: it learned "
        f"to change nothing ({collapses[-1]}). Use arch: ours, another mask_loss than "
        f"{config.mask_loss}, or larger mask_weights."
    )


def _fit(
    config: Config, lesson: Lesson, network: Editor | LayoutNet, seed: int, work: Path
) -> Fitted:
    identity: Mapping[str, Any] = {
        "faces": lesson.digest,
        "config": config.model_dump(mode="json", exclude={"train", "strength", "beyond"}),
    }
    learners, train = _learners(config, lesson, network, seed)
    return fit(
        learners, len(lesson.faces), train, seed, work, "attribute", identity, lesson.weights
    )


def _learners(
    config: Config, lesson: Lesson, network: Editor | LayoutNet, seed: int
) -> tuple[list[Learner], TrainConfig]:
    """The network and its adversary, in the order in which they take turns."""
    settings, count = config.network, len(config.attributes)
    if isinstance(network, Editor):
        assert isinstance(lesson, WindowLesson)
        critic = build(
            lambda: training.WatchedCritic(settings.critic, count, settings.window), seed
        )
        game = training.Game(config, lesson, network, critic)
        editing = Learner(network, game.edit, "net", _BETAS, alone=2 * training.ALONE)
        return [editing, Learner(critic, game.criticise, "critic", _BETAS)], config.train
    paper = build(lambda: sagan.WatchedCritic(config.side, count, settings.critic_width), seed)
    rounds = sagan.Game(config, lesson, network, paper)
    learners = [Learner(network, rounds.edit, "net", _BETAS)]
    # Its turns have an optimiser each: Adam's memory is of every third step.
    learners += [
        Learner(paper, rounds.criticise(turn), f"critic{turn + 1}", _BETAS)
        for turn in range(sagan.TURNS)
    ]
    more = {"batch": sagan.TURNS * config.train.batch, "weight_decay": 0.0, "ema": 0.0,
            "gradient_clip": 1e6}  # fmt: skip
    return learners, config.train.model_copy(update=more)
