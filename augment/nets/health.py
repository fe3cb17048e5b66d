"""Whether two networks that train against each other still learn: OK, WATCH or FAILED.

The rule that H. Han & C. Kim read off their curves (J. Digital Contents Society 19(3), 2018), as
numbers: a discriminator that makes no errors any more (its loss falls to 0) while the generator's
loss rises steadily has won, and nothing is learned from then on. It holds for the losses of I.
Goodfellow et al. 2014 (natural logarithms, both cross-entropies of the discriminator added up): at
rest they are 1.386 and 0.693; in the paper's good trainings the first stays between 0.3 and 1.

Steps tell these two losses under :data:`OF_CRITIC` and :data:`OF_GENERATOR`, the training loop
watches them (``nets.loop.fit``), and the verdict stands in each row of the history. A Wasserstein
critic's words are no probabilities: its training tells neither, and has no verdict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

#: What histories call the two losses, and the verdict.
OF_CRITIC, OF_GENERATOR, VERDICT = "d_loss", "g_loss", "health"

Word = Literal["OK", "WATCH", "FAILED"]
Numbers = npt.NDArray[np.float64]

#: Steps that are looked at together (more, where losses are noted seldom: so many points at
#: least), and how many such windows in a row must be bad.
WINDOW, POINTS, IN_A_ROW = 500, 5, 3
#: The discriminator's loss: below, it has won; between, both learn. The paper's band ends at 1;
#: losses up to 1.4, where the two are even, are no worse.
WON, BAND = 0.1, (0.3, 1.4)
#: How steeply the generator's loss may move, in 1,000 steps; and how much of a window must lie in
#: the band.
STEEP, ENOUGH = 0.1, 0.6


@dataclass(frozen=True)
class Window:
    """Some steps of a training.

    Attributes:
        start, end: steps.
        middle: median of the discriminator's loss.
        slope: of the generator's loss, in 1,000 steps.
        inside: share of the points whose discriminator's loss lies in BAND.
    """

    start: float
    end: float
    middle: float
    slope: float
    inside: float

    @property
    def bad(self) -> bool:
        return self.middle < WON and self.slope > STEEP

    @property
    def good(self) -> bool:
        return self.inside >= ENOUGH and abs(self.slope) < STEEP


@dataclass(frozen=True)
class Health:
    """The verdict, and the reason in words."""

    word: Word
    reason: str


def windows(steps: Numbers, of_critic: Numbers, of_generator: Numbers) -> list[Window]:
    """Whole windows of :data:`WINDOW` steps or more, from the start.

    Args:
        steps: at which losses were noted, ascending, (n,).
        of_critic: the discriminator's loss there (both cross-entropies added up), (n,).
        of_generator: the generator's, (n,).
    """
    if len(steps) < POINTS:
        return []
    width = max(float(WINDOW), POINTS * float(np.median(np.diff(steps))))
    found = []
    for number in range(int(steps[-1] // width)):
        start, end = number * width, (number + 1) * width
        rows = (steps > start) & (steps <= end)
        if rows.sum() < 3:  # no slope to speak of
            continue
        critic = of_critic[rows]
        slope = float(np.polyfit(steps[rows] / 1000, of_generator[rows], 1)[0])
        inside = float(np.mean((critic >= BAND[0]) & (critic <= BAND[1])))
        found.append(Window(start, end, float(np.median(critic)), slope, inside))
    return found


def judge(found: Sequence[Window]) -> Health:
    """FAILED once so many windows in a row were bad; else what the last one says."""
    for last in range(IN_A_ROW, len(found) + 1):
        if all(window.bad for window in found[last - IN_A_ROW : last]):
            window = found[last - 1]
            return Health(
                "FAILED",
                f"the discriminator has won by step {window.end:.0f}: its loss is "
                f"{window.middle:.2f} (below {WON:g}) and the generator's rises by "
                f"{window.slope:.2f} in 1,000 steps, for "
                f"{window.end - found[last - IN_A_ROW].start:.0f} steps",
            )
    if not found:
        return Health("WATCH", f"fewer than {WINDOW} steps: too short to tell")
    last_one = found[-1]
    said = (
        f"in the last {last_one.end - last_one.start:.0f} steps the discriminator's loss lies "
        f"between {BAND[0]:g} and {BAND[1]:g} at {last_one.inside:.0%} of the points (median "
        f"{last_one.middle:.2f}), and "
        f"the generator's moves by {last_one.slope:+.2f} in 1,000 steps"
    )
    return Health("OK" if last_one.good else "WATCH", said)


@dataclass(frozen=True)
class Watch:
    """Follows a training's history.

    Attributes:
        batch: images a step.
        alone: images until which the generator does not listen to the discriminator, which may win
            as it likes: they are not looked at.
    """

    batch: int
    alone: float = 0.0

    def health(self, history: Sequence[Mapping[str, Any]]) -> Health | None:
        """The verdict on all rows so far; None where no adversaries train."""
        if not history or OF_CRITIC not in history[-1] or OF_GENERATOR not in history[-1]:
            return None
        columns = ("images", OF_CRITIC, OF_GENERATOR)
        rows = np.array([[row[name] for name in columns] for row in history], np.float64)
        rows = rows[rows[:, 0] > self.alone]
        return judge(windows((rows[:, 0] - self.alone) / self.batch, rows[:, 1], rows[:, 2]))
