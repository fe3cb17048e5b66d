"""An edit keeps its person; a face made of several people is a new one.

Judges describe who is on a picture; likeness is the cosine of two descriptions. An edited face must
be as like its parent as two photos of one person are to each other. Where a judge knows people
badly, two of them reach that as well; but an edit has its parent's light, pose and hair, so more
may be asked of it: what few pairs of different people reach, as long as faces that were varied
harmlessly do. A face of several parents must be somebody new: not more like any of them than two
different people of the same group are, nor more like any other train face than real people are to
the one most like them.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from augment.metrics.crowd import Crowd
from augment.metrics.floors import Groups, groups_of, take
from augment.metrics.parents import parent_places
from augment.metrics.yardstick import Yardstick
from augment.params import Section
from augment.protocols import Evidence, Reference, Verdict
from augment.types import FloatArray, Image

WHOLE, UPPER = "identity", "identity_upper"
Share = Annotated[float, Field(gt=0, lt=1)]
#: Judge, score, threshold, and who it is about.
Word = tuple[str, float, float, str]
_NOT_A_NUMBER = "a judge's description of it, or of its parent, is not a number"


class Config(Section):
    # Generators whose candidates are compared by the upper face, where a judge describes it: a
    # mask hides the rest.
    upper: tuple[str, ...] = ()
    # Share of the pairs of different people of one group that may pass for an edit and its parent.
    # More do where a judge finds them as like each other as a face and its harmless variation.
    strangers: Share = 0.05
    # Generators with a share of their own: more where an edit changes much of the face, such as its
    # age.
    strangers_of: Mapping[str, Share] = Field(default_factory=dict)
    # Generators that leave untouched what is compared, as a mask does with the upper face: theirs
    # must be more like the parent than half of the harmlessly varied faces are.
    in_place: tuple[str, ...] = ()


class Check:
    """Score: the likeness to the parent; of several, minus the largest to anybody. -1..1."""

    measures: Mapping[str, int] = {}

    def __init__(self, config: Config) -> None:
        self._config = config

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        return {}

    def fit(self, reference: Reference) -> None:
        self._reference = reference
        self._several: set[int] = set()
        self._crowds: dict[str, Crowd] = {}
        found = reference.unseen.features
        self._judges = [judge for judge, features in found.items() if WHOLE in features]
        wanted = (WHOLE, UPPER) if self._config.upper else (WHOLE,)
        # Each judge may refuse: together they shall not refuse more than the stated share.
        rate = self._rate = reference.false_rejection / max(len(self._judges), 1)
        self._yardsticks = {
            (judge, feature): Yardstick.fit(
                reference,
                judge,
                feature,
                judge if feature == WHOLE else f"{judge}, upper face",
                rate,
            )
            for judge in self._judges
            for feature in wanted
            if feature in found[judge]
        }

    def judge(self, candidates: Evidence) -> list[Verdict]:
        rows = candidates.rows
        groups = groups_of(rows, self._reference.bins, self._reference.groups)
        parents = parent_places(rows, self._reference.parents.rows)
        generators = rows.column("generator").to_pylist()
        cases = {(g, len(p)) for g, p in zip(generators, parents, strict=True)}
        self._several |= {count for _, count in cases if count > 1}
        floors = {
            (judge, *case): self._yardstick(judge, case[0]).floors(
                case[1], self._share(judge, case[0]), groups, rows.num_rows
            )
            for judge in self._judges
            for case in cases
        }
        words = [
            list(self._words(candidates, floors, place, places, generators[place]))
            for place, places in enumerate(parents)
        ]
        for place, more in self._in_the_crowd(candidates, parents, groups):
            words[place].append(more)
        return [_verdict(places, own) for places, own in zip(parents, words, strict=True)]

    def _in_the_crowd(
        self, candidates: Evidence, parents: list[list[int]], groups: Groups
    ) -> Iterator[tuple[int, Word]]:
        """Of faces of several parents: the train face, no parent, that is most like each."""
        places = [n for n, own in enumerate(parents) if len(own) > 1 and -1 not in own]
        if not places:
            return
        those = np.array(places)
        for judge in self._judges:
            if judge not in self._crowds:
                self._crowds[judge] = Crowd.fit(self._reference, judge, WHOLE, self._rate)
            faces = candidates.features[judge][WHOLE][those]
            found = self._crowds[judge].judged(
                faces, [parents[place] for place in places], take(groups, those)
            )
            for place, (score, floor, name) in zip(places, found, strict=True):
                if np.isfinite(score):  # else there is nobody else
                    yield place, (judge, score, floor, f"the train face {name}")

    def _share(self, judge: str, generator: str) -> float | None:
        """Of strangers who may pass; None where the generator left untouched what is compared."""
        config = self._config
        whole = self._yardstick(judge, generator).feature == WHOLE
        # A judge that does not know upper faces compares the mask, too.
        if generator in config.in_place and not (generator in config.upper and whole):
            return None
        return config.strangers_of.get(generator, config.strangers)

    def _yardstick(self, judge: str, generator: str) -> Yardstick:
        """Of the upper face where the generator asks for it and the judge knows it."""
        upper = generator in self._config.upper and (judge, UPPER) in self._yardsticks
        return self._yardsticks[judge, UPPER if upper else WHOLE]

    def _words(
        self,
        candidates: Evidence,
        floors: Mapping[tuple[str, str, int], FloatArray],  # by judge, generator, parents
        place: int,
        parents: list[int],
        generator: str,
    ) -> Iterator[Word]:
        """What each judge says of one candidate and its parents."""
        if -1 in parents or not parents:
            return
        for judge in self._judges:
            feature = self._yardstick(judge, generator).feature
            own = candidates.features[judge][feature][place]
            cosines = self._reference.parents.features[judge][feature][parents] @ own
            score = float(cosines[0]) if len(parents) == 1 else -float(cosines.max())
            floor = float(floors[judge, generator, len(parents)][place])
            yield judge, score, floor, "one of its parents"

    def notes(self) -> list[str]:
        """What the thresholds are taken from, and what they are worth."""
        if not self._judges:
            return ["no judge describes who is on a face: every candidate passes unseen"]
        if not self._reference.unseen.rows.num_rows:
            return ["no real faces to compare with: nothing is refused"]
        config = self._config
        special = sorted({*config.upper, *config.strangers_of, *config.in_place})
        yardsticks = [(j, self._yardstick(j, g), g) for j in self._judges for g in ("", *special)]
        lacking = [j for j in self._judges if config.upper and (j, UPPER) not in
                   self._yardsticks]  # fmt: skip
        return [
            *(yardstick.note(self._share(j, g), g) for j, yardstick, g in yardsticks),
            *(
                yardstick.note_on_several(count)
                for yardstick in self._yardsticks.values()
                for count in sorted(self._several)
            ),
            *(crowd.note() for crowd in self._crowds.values()),
            *(f"{judge} does not know upper faces: it compares whole ones" for judge in lacking),
        ]


def _verdict(parents: list[int], words: list[Word]) -> Verdict:
    if -1 in parents or not parents:
        return Verdict(None, None, False, "its parent is not among the train faces")
    if not words:
        return Verdict(None, None, passed=True)
    if not all(np.isfinite(score) for _, score, _, _ in words):
        return Verdict(None, None, False, _NOT_A_NUMBER)
    judge, score, floor, whom = min(words, key=lambda word: word[1] - word[2])
    if score >= floor:
        return Verdict(score, floor if np.isfinite(floor) else None, passed=True)
    if len(parents) == 1:
        reason = f"not like its parent: {judge} finds {score:.2f}, needs {floor:.2f}"
    else:
        reason = f"too like {whom}: {judge} finds {-score:.2f}, at most {-floor:.2f}"
    return Verdict(score, floor, False, reason)
