"""How many times what averages show must be done, estimated from the train faces.

In averages of photos, where faces do not lie quite on each other, age shows less than in each of
them: features are diluted (as slopes are by errors of what they are regressed on: C. Spearman,
"The proof and measurement of association between two things", 1904). What is not diluted is the
age that descriptors of single faces tell. A linear guess of the age from hand-made descriptors
(augment.nets.descriptors) is learned on a part of the train faces; edited others shall then be
taken, on average, for what real ones of that age are taken for. Nothing but three numbers is fitted
to it. Colour is smooth: averages do not dilute it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import lsq_linear

from augment.generators.age.ages import ordinal_code
from augment.generators.age.lesson import Lesson
from augment.nets.descriptors import describe
from augment.seeds import row_generator
from augment.types import FloatArray, Image

#: The amounts that averages dilute, by their place in network.AMOUNTS.
DILUTED = (0, 1, 3)
_FEWEST = 300  # faces; with fewer, averages are believed
_GUESSED_BY = 1500  # faces that the guess learns on, at most
_EDITED = 108
_DOUBTS = (1e3, 3e3, 1e4, 3e4, 1e5)
_BOUNDS = (0.5, 2.0)  # beyond, faces look painted whatever a guess says
_ROUNDS = 2
_STEP = 0.6  # an amount's effect: what is lost with so much of it
_STAY = 0.05  # how strongly amounts are held where they are, of their own effect

Pictures = npt.NDArray[np.uint8]
#: (faces, points, their years, years to show, amounts) -> faces
Edit = Callable[[Pictures, FloatArray, FloatArray, FloatArray, FloatArray], Pictures]


@dataclass(frozen=True)
class _Guess:
    """The age, as an ordinal code, from a face's descriptor."""

    middle: FloatArray
    spread: FloatArray
    weights: FloatArray
    mean: FloatArray

    def __call__(self, images: Pictures) -> FloatArray:
        inputs = (_described(images) - self.middle) / self.spread
        return np.asarray(inputs @ self.weights + self.mean, dtype=np.float32)


def estimated(lesson: Lesson, years: FloatArray, edit: Edit, seed: int) -> FloatArray:
    """The amounts of shape, brightness, colour and detail.

    Args:
        lesson: the train faces.
        years: their ages.
        edit: makes faces of other ages, by so much.
        seed: the run's seed.
    """
    amounts = np.ones(4, np.float32)
    if len(years) < _FEWEST:
        return amounts
    random = row_generator(seed, "age", "amounts")
    order = random.permutation(len(years))
    known = order[: min(_GUESSED_BY, 2 * len(order) // 3)]
    others = order[len(known) :][: max(_EDITED, _GUESSED_BY // 2)]
    guess = _learnt(lesson, years, known, others)
    opinions, groups = guess(lesson.images[others]), lesson.places[others]
    seen = np.array([g for g in range(len(lesson.ages.names)) if (groups == g).any()])
    taken_for = {g: opinions[groups == g].mean(0) for g in seen}
    people = random.choice(len(others), _EDITED, p=_shares(lesson.weights[others]))
    aims = seen[np.arange(_EDITED) % len(seen)]
    # A donor that looks older than it is may do so at the other age, too.
    wanted = np.stack(
        [taken_for[aim] + opinions[one] - taken_for[groups[one]]
         for one, aim in zip(people, aims, strict=True)]
    )  # fmt: skip
    given = (
        lesson.images[others[people]], lesson.points[others[people]], years[others[people]],
        lesson.ages.draw(aims, random),
    )  # fmt: skip

    def judged(by: FloatArray) -> FloatArray:
        found = guess(edit(*given, by))
        return np.concatenate([found[aims == aim].mean(0) for aim in seen])

    goal = np.concatenate([wanted[aims == aim].mean(0) for aim in seen])
    for _ in range(_ROUNDS):
        amounts = _better(amounts, goal, judged)
    return amounts


def _better(
    amounts: FloatArray, goal: FloatArray, judged: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    """A step of Gauss and Newton's."""
    now, effects = judged(amounts), []
    for place in DILUTED:
        less = amounts.copy()
        less[place] *= _STEP
        effects.append((now - judged(less)) / (amounts[place] * (1 - _STEP)))
    system, start = np.stack(effects, axis=1), amounts[list(DILUTED)]
    stay = np.sqrt(_STAY * np.square(system).sum() / len(DILUTED)) * np.eye(len(DILUTED))
    found = lsq_linear(
        np.concatenate([system, stay]),
        np.concatenate([goal - now + system @ start, stay @ start]),
        _BOUNDS,
    ).x
    better = amounts.copy()
    better[list(DILUTED)] = found
    return better


def _learnt(
    lesson: Lesson, years: FloatArray, known: npt.NDArray[np.int64], others: npt.NDArray[np.int64]
) -> _Guess:
    """Ridge regression in its dual form; how much doubt, the other faces say."""
    inputs, code = _described(lesson.images[known]), ordinal_code(years[known])
    middle, spread = inputs.mean(0), inputs.std(0) + 1e-3
    inputs = (inputs - middle) / spread
    shares = _shares(lesson.weights[known])
    mean = np.asarray(shares @ code, dtype=np.float32)
    products = (inputs @ inputs.T).astype(np.float64)
    apart = (_described(lesson.images[others]) - middle) / spread
    true, counts = ordinal_code(years[others]), _shares(lesson.weights[others])
    best, least = inputs.T @ (code - mean), np.inf
    for doubt in _DOUBTS:
        held = np.diag(doubt / (shares * len(shares)))
        weights = inputs.T @ np.linalg.solve(products + held, code - mean).astype(np.float32)
        error = float(counts @ np.square(apart @ weights + mean - true).mean(1))
        if error < least:
            best, least = weights, error
    return _Guess(middle, spread, best, mean)


def _shares(weights: FloatArray) -> npt.NDArray[np.float64]:
    return np.asarray(weights, np.float64) / np.sum(weights, dtype=np.float64)


def _described(images: Pictures | list[Image]) -> FloatArray:
    return np.stack([describe(image) for image in images])
