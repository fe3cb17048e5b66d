"""How like each other real faces are: what thresholds are read off."""

import numpy as np
import pytest

from augment.metrics.yardstick import Yardstick
from augment.types import FloatArray


def yardstick(photos: FloatArray | None, varied: FloatArray, strangers: FloatArray) -> Yardstick:
    def alone(scores: FloatArray) -> tuple[FloatArray, dict[str, np.ndarray]]:
        return scores, {"bin": np.full(len(scores), "x")}

    doubled = None
    if photos is not None:
        words = np.array(["x"] * len(photos) + [""] * len(photos))
        doubled = (np.concatenate([photos, photos]), {"bin": words})
    return Yardstick(
        name="judge", feature="identity", varied=alone(varied), photos=doubled,
        two_people=alone(strangers), tried_on=alone(strangers), people="9 people",
        rate=0.02, smallest=50,
    )  # fmt: skip


def steps(low: float, high: float) -> FloatArray:
    return np.linspace(low, high, 101).astype(np.float32)


ONE = {"bin": np.array(["x"])}


@pytest.mark.parametrize(
    ("photos", "varied", "strangers", "expected"),
    [
        # A judge that knows people: what photos of one person show.
        (steps(0.5, 0.9), steps(0.9, 1.0), steps(-0.5, 0.4), 0.508),
        # One that does not: what 5 % of the strangers reach.
        (steps(0.0, 0.9), steps(0.9, 1.0), steps(-0.5, 0.5), 0.45),
        # Strangers as like each other as can be: what varied faces have.
        (steps(0.0, 0.9), steps(0.8, 1.0), steps(0.9, 1.0), 0.804),
        # Nobody has two photos.
        (None, steps(0.9, 1.0), steps(-0.5, 0.5), 0.45),
        (None, steps(0.3, 1.0), steps(-0.5, 0.5), 0.314),
    ],
)
def test_threshold_of_edits(
    photos: FloatArray | None, varied: FloatArray, strangers: FloatArray, expected: float
) -> None:
    found = yardstick(photos, varied, strangers).floors(1, 0.05, ONE, 1)
    assert found.dtype == np.float32
    assert float(found[0]) == pytest.approx(expected, abs=1e-4)


def test_each_of_several_parents_gets_its_part_of_the_rate() -> None:
    own = yardstick(None, steps(0.9, 1.0), steps(0.0, 1.0))
    assert float(own.floors(2, 0.05, ONE, 1)[0]) == pytest.approx(-0.99, abs=1e-4)
    assert own.note_on_several(2) == (
        "judge: a face of 2 parents may be as like each as different people of its group are: 0.99 "
        "(from 101 pairs)"
    )


def test_note_counts_who_reaches_the_threshold() -> None:
    own = yardstick(steps(0.0, 0.9), steps(0.9, 1.0), steps(-0.5, 0.5))
    assert own.note(0.05) == (
        "judge: an edit must be as like its parent as 0.45 (more or less by group; 9 people), as "
        "are 101 of 101 (100%) faces, mirrored and cut closer, 51 of 101 (50%) pairs of photos of "
        "one person, 6 of 101 (6%) pairs of different people of one bin"
    )
