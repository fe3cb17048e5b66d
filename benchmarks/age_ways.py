"""The same face asked twice for the same age group: is it one picture? For benchmarks/age.py.

Half of the orders are for a neighbouring group, half for others. The rule is the check
``novelty``'s: both the difference hashes and the grey thumbnails lie close.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from age_faces import Held

from augment.checks.novelty import Check, levels_apart, variants_of
from augment.checks.novelty import Config as Novelty
from augment.figures import Figure
from augment.generators.age import Generator
from augment.metrics.proportion import wilson_interval
from augment.protocols import Face, Request
from augment.seeds import row_seed
from augment.types import Image
from augment.vocabulary import AGE_GROUPS


def repeated(generator: Generator, people: Sequence[Held], data: str) -> Iterator[Figure]:
    """Share of pairs that are one picture, by ours and by ours that always ages alike
    (``steady``: the seed draws the year alone)."""
    usual = generator.config
    for arch, variation in (("ours", usual.variation), ("ours_steady", 0.0)):
        generator.config = usual.model_copy(update={"variation": variation})
        first, second = (generator.make(_orders(people, turn)) for turn in (1, 2))
        pairs = [(one.image, other.image) for one, other in zip(first, second, strict=True)
                 if one.image is not None and other.image is not None]  # fmt: skip
        hits, n = int(_one_picture(pairs).sum()), len(pairs)
        yield Figure(
            "repeated", arch, data, round(hits / n, 4), "share of pairs", "lower", n,
            "held_out_people", interval=wilson_interval(hits, n),
        )  # fmt: skip
    generator.config = usual


def _orders(people: Sequence[Held], turn: int) -> list[Request]:
    found = []
    for number, held in enumerate(people):
        steps = (1, -1) if number % 2 else (3, -3)
        target = next(held.group + step for step in steps if 0 <= held.group + step <= 8)
        face = Face(f"f{number}", held.image, held.points, {"age_group": AGE_GROUPS[held.group]},
                    held.age)  # fmt: skip
        seed = row_seed(turn, "age benchmark", str(number))
        found.append(
            Request(f"o{number}", (face,), {"age_group": AGE_GROUPS[target]}, ("age_group",), seed)
        )
    return found


def _one_picture(pairs: Sequence[tuple[Image, Image]]) -> npt.NDArray[np.bool_]:
    config = Novelty()
    check = Check(config)
    measures = [[check.measure(image) for image in pair] for pair in pairs]
    thumbnails, hashes = (
        np.stack([[one[name] for one in pair] for pair in measures])
        for name in ("thumbnail", "hashes")
    )
    levels = levels_apart(thumbnails[:, 0], thumbnails[:, 1])
    first, second = (variants_of(hashes[:, place])[:, 0] for place in (0, 1))
    bits = np.bitwise_count(first ^ second).sum(axis=1)
    alike: npt.NDArray[np.bool_] = (levels < config.same_levels) & (bits <= config.same_bits)
    return alike
