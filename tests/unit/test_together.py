"""One false-rejection rate for all checks of the gate together."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augment.gating.together import Entrant, Shared, share_rate
from augment.metrics.floors import Floors, groups_of
from augment.protocols import Evidence, Reference, Verdict
from augment.types import FloatArray, Image
from tests.unit.check_evidence import reference, rows

FACES = 1000


class Scored:
    """A check whose scores the test gives; it refuses the lowest."""

    measures: Mapping[str, int] = {"score": 1}

    def __init__(self) -> None:
        self.seen: list[pa.Table] = []

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        return {}

    def fit(self, reference: Reference) -> None:
        self._reference = reference
        groups = groups_of(reference.unseen.rows, reference.bins, reference.groups)
        scores = reference.unseen.measures["score"][:, 0]
        self._floors = Floors.fit(
            scores, groups, reference.false_rejection, reference.smallest_group
        )

    def judge(self, candidates: Evidence) -> list[Verdict]:
        self.seen.append(candidates.rows)
        groups = groups_of(candidates.rows, self._reference.bins, self._reference.groups)
        floors = self._floors.of(groups, candidates.rows.num_rows)
        scores = candidates.measures["score"][:, 0]
        return [Verdict(float(s), float(f), bool(s >= f), "" if s >= f else "too low")
                for s, f in zip(scores, floors, strict=True)]  # fmt: skip

    def notes(self) -> list[str]:
        return []


def entrants(scores: Sequence[np.ndarray], **changed: Any) -> dict[str, Entrant]:
    found = {}
    for number, own in enumerate(scores):
        faces = rows(len(own), skin_tone=["9" if n % 5 == 0 else "2" for n in range(len(own))])
        evidence = Evidence(faces, measures={"score": own.astype(np.float32)[:, None]})
        terms = reference(evidence, **{"groups": ("skin_tone",), "values": {}, **changed})
        found[f"check{number}"] = Entrant(Scored(), terms, evidence)
    return found


def shared(found: dict[str, Entrant], orders: Sequence[tuple[str, ...]] = ((),)) -> Shared:
    return share_rate(found, next(iter(found.values())).reference, orders)


def refused_at(found: dict[str, Entrant], rate: float) -> np.ndarray:
    refused = []
    for entrant in found.values():
        entrant.check.fit(reference(entrant.reference.unseen, groups=("skin_tone",), values={},
                                    false_rejection=rate))  # fmt: skip
        refused.append([not v.passed for v in entrant.check.judge(entrant.candidates)])
    return np.array(refused).any(axis=0)


def test_eight_checks_together_keep_the_rate_that_one_would() -> None:
    random = np.random.default_rng(0)
    found = entrants(random.normal(size=(8, FACES)), false_rejection=0.05)
    answer = shared(found)
    assert 0.05 / 8 <= answer.rate < 0.05
    assert refused_at(found, answer.rate).mean() <= 0.05
    # With 5 % each, a third of the real faces would go; each check by itself keeps its 5 %.
    assert refused_at(found, 0.05).mean() > 0.25
    # The next step up would refuse too many, overall or in one group.
    step = 8 ** (1 / 8)
    above = refused_at(found, answer.rate * step)
    dark = np.arange(FACES) % 5 == 0
    assert max(above.mean(), above[dark].mean(), above[~dark].mean()) > 0.05


def test_checks_that_refuse_the_same_faces_share_nothing() -> None:
    same = np.random.default_rng(0).normal(size=FACES)
    assert shared(entrants([same] * 8, false_rejection=0.05)).rate == pytest.approx(0.05)


def test_the_rate_holds_in_each_group_that_has_enough_faces() -> None:
    """Each check refuses other dark faces, all the same light ones."""
    random = np.random.default_rng(0)
    dark = np.arange(FACES) % 5 == 0
    scores = [np.where(dark, random.normal(size=FACES), same)
              for same in [random.normal(size=FACES)] for _ in range(6)]  # fmt: skip
    answer = shared(entrants(scores, false_rejection=0.05))
    refused, faces = answer.refused["skin_tone"]["9"]
    assert faces == 200
    assert refused <= 0.05 * 200
    small = shared(entrants(scores, false_rejection=0.05, smallest_group=300))
    assert small.rate > answer.rate


def test_a_check_that_refuses_everybody_does_not_lower_the_others_below_bonferroni() -> None:
    random = np.random.default_rng(0)
    hopeless = np.full(FACES, np.nan)
    answer = shared(entrants([random.normal(size=FACES), hopeless], false_rejection=0.05))
    assert answer.rate == pytest.approx(0.025)
    assert answer.by_check["check1"] == FACES


def test_one_check_gets_the_whole_rate_and_nobody_no_trouble() -> None:
    random = np.random.default_rng(0)
    one = shared(entrants([random.normal(size=FACES)], false_rejection=0.05))
    assert one.rate == pytest.approx(0.05)
    assert 0 < one.by_check["check0"] <= 50
    nobody = shared(entrants([np.zeros(0)] * 4, false_rejection=0.04))
    assert (nobody.rate, nobody.faces) == (pytest.approx(0.01), 0)
    assert nobody.to_json()["refused"] == {}
    assert share_rate({}, reference(Evidence(rows(3))), []).rate == pytest.approx(0.02)


def test_real_faces_pose_as_children_of_themselves_with_every_order_in_turn() -> None:
    found = entrants([np.random.default_rng(0).normal(size=FACES)])
    shared(found, [("mask",), (), ("mask",), ("age_group", "mask")])
    check = found["check0"].check
    assert isinstance(check, Scored)
    posing = check.seen[0]
    assert posing.column("parents").to_pylist() == [[i] for i in posing.column("id").to_pylist()]
    changes = [tuple(c) for c in posing.column("changes").to_pylist()]
    shares = {order: changes.count(order) / FACES for order in set(changes)}
    assert set(shares) == {(), ("mask",), ("age_group", "mask")}
    assert all(share == pytest.approx(1 / 3, abs=0.05) for share in shares.values())


def test_what_is_told_has_n_and_an_interval() -> None:
    found = entrants([np.random.default_rng(0).normal(size=FACES)], false_rejection=0.05)
    told = shared(found).to_json()
    part = told["refused"]["skin_tone"]["9"]
    assert (part["faces"], part["share"]) == (200, part["refused"] / 200)
    assert part["interval"][0] <= part["share"] <= part["interval"][1]
    assert told["refused"]["all"]["all"]["faces"] == told["faces"] == FACES
