"""One false-rejection rate for all checks of the gate together."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augment.gating.together import Entrant, Shared, share_rate
from augment.metrics.floors import Floors, groups_of
from augment.metrics.proportion import wilson_interval
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


def test_eight_checks_together_keep_the_rate_that_one_would() -> None:
    random = np.random.default_rng(0)
    answer = shared(entrants(random.normal(size=(8, FACES)), false_rejection=0.05))
    assert 0.05 / 8 <= answer.rate < 0.02
    refused, faces = answer.refused["all"]["all"]
    assert faces == FACES
    # Half of the faces know their own lowest half per cent only roughly.
    assert 0.02 * faces < refused <= 0.06 * faces
    # Each of the eight at 5 % would refuse a third of them.
    alone = [
        shared(entrants([own], false_rejection=0.05)) for own in random.normal(size=(8, FACES))
    ]
    assert sum(one.refused["all"]["all"][0] for one in alone) > 0.25 * FACES


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
    assert wilson_interval(refused, faces)[0] <= 0.05
    small = shared(entrants(scores, false_rejection=0.05, smallest_group=300))
    assert small.rate > answer.rate


def test_a_check_that_refuses_everybody_does_not_lower_the_others_below_bonferroni() -> None:
    random = np.random.default_rng(0)
    hopeless = np.full(FACES, np.nan)
    answer = shared(entrants([random.normal(size=FACES), hopeless], false_rejection=0.05))
    assert answer.rate == pytest.approx(0.025)
    assert answer.by_check["check1"] == FACES
    assert answer.in_words(0.05) == (
        "all checks together refuse 1000 of 1000 real faces that pose as candidates (100.0 %; 5 % "
        "are allowed), each by itself up to 2.5 %; 1000 are refused by check1"
    )


def test_one_check_gets_the_whole_rate_and_nobody_no_trouble() -> None:
    random = np.random.default_rng(0)
    one = shared(entrants([random.normal(size=FACES)], false_rejection=0.05))
    assert one.rate == pytest.approx(0.05)
    assert 0 < one.by_check["check0"] <= 50
    nobody = shared(entrants([np.zeros(0)] * 4, false_rejection=0.04))
    assert (nobody.rate, nobody.faces) == (pytest.approx(0.01), 0)
    assert nobody.to_json()["refused"] == {}
    assert nobody.in_words(0.04).startswith("no real faces to compare with")
    assert share_rate({}, reference(Evidence(rows(3))), []).rate == pytest.approx(0.02)


def test_real_faces_pose_as_children_of_themselves_with_every_order_in_turn() -> None:
    found = entrants([np.random.default_rng(0).normal(size=FACES)])
    shared(found, [("mask",), (), ("mask",), ("age_group", "mask")])
    check = found["check0"].check
    assert isinstance(check, Scored)
    posing = pa.concat_tables(check.seen[:2])
    ids = posing.column("id").to_pylist()
    assert sorted(ids) == [f"face{number:04d}" for number in range(FACES)]
    assert posing.column("parents").to_pylist() == [[name] for name in ids]
    changes = [tuple(c) for c in posing.column("changes").to_pylist()]
    shares = {order: changes.count(order) / FACES for order in set(changes)}
    assert set(shares) == {(), ("mask",), ("age_group", "mask")}
    assert all(share == pytest.approx(1 / 3, abs=0.05) for share in shares.values())


def test_nobody_is_held_to_thresholds_that_he_was_taken_for() -> None:
    found = entrants([np.random.default_rng(0).normal(size=FACES)])
    check = found["check0"].check
    fitted: list[set[str]] = []
    fit = check.fit

    def remember(reference: Reference) -> None:
        fitted.append(set(reference.unseen.rows.column("id").to_pylist()))
        fit(reference)

    check.fit = remember  # type: ignore[method-assign]
    shared(found)
    assert isinstance(check, Scored)
    assert len(fitted) == len(check.seen) >= 2
    for known, posing in zip(fitted, check.seen, strict=True):
        assert not known & set(posing.column("id").to_pylist())


def test_what_is_told_has_n_and_an_interval() -> None:
    found = entrants([np.random.default_rng(0).normal(size=FACES)], false_rejection=0.05)
    told = shared(found).to_json()
    part = told["refused"]["skin_tone"]["9"]
    assert (part["faces"], part["share"]) == (200, part["refused"] / 200)
    assert part["interval"][0] <= part["share"] <= part["interval"][1]
    assert told["refused"]["all"]["all"]["faces"] == told["faces"] == FACES
