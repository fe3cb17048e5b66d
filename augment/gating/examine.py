"""Ask judges and checks: from faces to verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from augment.engine import Engine, Work
from augment.gating.faces import FacesOf, GateFaces
from augment.gating.operations import JudgeFaces, MeasureFaces
from augment.gating.together import Entrant, Shared, share_rate
from augment.metrics.reliability import judge_words
from augment.plugins import configure
from augment.protocols import Check, Evidence, Reference, Verdict
from augment.types import BinSpace, FloatArray

Entries = Mapping[str, Mapping[str, Any]]  # key -> {kind: ..., its settings}
_Look = JudgeFaces | MeasureFaces
Numbers = Mapping[str, FloatArray]  # name -> (faces, numbers)


@dataclass(frozen=True)
class Terms:
    """What all checks share; see :class:`augment.protocols.Reference`."""

    bins: BinSpace
    groups: tuple[str, ...]
    false_rejection: float
    smallest_group: int


@dataclass(frozen=True)
class Examined:
    """What came of one run of the gate.

    Attributes:
        verdicts: check -> a verdict for each candidate; checks in the order of params.yaml.
        notes: check -> what the person should know of it.
        shared: what the gate as a whole refuses of real faces; None where nothing was examined.
        judges: judge key -> what it is and how good, see :func:`judge_words`.
    """

    verdicts: Mapping[str, list[Verdict]]
    notes: Mapping[str, list[str]]
    shared: Shared | None = None
    judges: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def examine(
    engine: Engine, faces: GateFaces, judges: Entries, models: Path, checks: Entries, terms: Terms
) -> Examined:
    """Run every check on every candidate that has a picture.

    Args:
        engine: where pictures are judged and measured.
        faces: whom to look at.
        judges: entries of ``judges`` in params.yaml.
        models: the folder that holds ``<judge key>/``.
        checks: entries of ``gate.checks``.
        terms: what all checks share.

    Raises:
        UserError: a judge has not been trained, or its weights do not fit.
    """
    asked = Judges(engine, judges, models, "gate")
    told = {key: judge_words(judges[key]["kind"], rows) for key, rows in asked.accuracy.items()}
    if not len(faces.candidates):
        return Examined({}, {}, judges=told)
    made = {name: _make(name, entry) for name, entry in checks.items()}
    seen = _look_at_all(engine, faces, asked, checks, made)
    candidates = asked.words(faces.candidates, seen.candidates)
    reference = Reference(
        bins=terms.bins,
        groups=terms.groups,
        values=asked.values,
        unseen=asked.words(faces.unseen, seen.unseen),
        again=asked.words(faces.unseen, seen.again),
        parents=asked.words(faces.parents, seen.parents),
        hashes=faces.hashes,
        false_rejection=terms.false_rejection,
        smallest_group=terms.smallest_group,
        accuracy=asked.accuracy,
    )
    entrants = {
        name: _enter(name, check, reference, candidates, seen) for name, check in made.items()
    }
    orders = [tuple(c) for c in candidates.rows.column("changes").to_pylist()]
    shared = share_rate(entrants, reference, orders)
    verdicts, notes = {}, {}
    for name, entrant in entrants.items():
        entrant.check.fit(replace(entrant.reference, false_rejection=shared.rate))
        verdicts[name] = entrant.check.judge(entrant.candidates)
        notes[name] = entrant.check.notes()
    return Examined(verdicts, notes, shared, told)


@dataclass(frozen=True)
class _Seen:
    """What operations found on each set of faces: name of the operation -> its numbers."""

    candidates: Mapping[str, Numbers]
    unseen: Mapping[str, Numbers]
    again: Mapping[str, Numbers]
    parents: Mapping[str, Numbers]


def _make(name: str, entry: Mapping[str, Any]) -> Check:
    module, settings = configure("checks", entry, f"gate.checks.{name}")
    check: Check = module.Check(settings)
    return check


def _look_at_all(
    engine: Engine,
    faces: GateFaces,
    asked: "Judges",
    entries: Entries,
    checks: Mapping[str, Check],
) -> _Seen:
    """Ask all judges and measure for all checks, in one pass over the pictures."""
    measured = {name: check for name, check in checks.items() if check.measures}
    plain: dict[str, _Look] = dict(asked.operations)
    varied: dict[str, _Look] = {name: op.of_variation() for name, op in asked.operations.items()}
    parents = dict(plain)
    for name, check in measured.items():
        kind = entries[name]["kind"]
        plain[_measures(name)] = MeasureFaces(kind, check)
        varied[_measures(name)] = MeasureFaces(kind, check, again=True)
        if not getattr(check, "candidates_only", False):
            parents[_measures(name)] = plain[_measures(name)]
    # One stream: the variation is made of the picture that was decoded for the other.
    both = plain | {f"{name} again": op for name, op in varied.items()}
    of_candidates, of_unseen, of_parents = _look(
        engine,
        [(faces.candidates, plain), (faces.unseen, both), (faces.parents, parents)],
        "gate",
    )
    again = {name: of_unseen[f"{name} again"] for name in plain}
    return _Seen(of_candidates, of_unseen, again, of_parents)


def _enter(
    name: str, check: Check, reference: Reference, candidates: Evidence, seen: _Seen
) -> Entrant:
    """A check, with what it measures of everybody."""

    def measured(evidence: Evidence, found: Mapping[str, Numbers]) -> Evidence:
        return replace(evidence, measures=found.get(_measures(name), {}))

    own = replace(
        reference,
        unseen=measured(reference.unseen, seen.unseen),
        again=measured(reference.again, seen.again),
        parents=measured(reference.parents, seen.parents),
    )
    return Entrant(check, own, measured(candidates, seen.candidates))


def _measures(check: str) -> str:
    return f"{check} measures"


class Judges:
    """All judges of one family, asked about one set of faces after the other.

    Attributes:
        operations: name -> operation, one a judge.
        values: judge key -> label -> the values in the order of the probabilities.
        accuracy: judge key -> how good it is; see :meth:`augment.protocols.Judge.accuracy`.
    """

    def __init__(self, engine: Engine, judges: Entries, models: Path, family: str) -> None:
        """Load them.

        Args:
            engine: where pictures are judged.
            judges: entries of ``judges`` in params.yaml, of both families.
            models: the folder that holds ``<judge key>/``.
            family: ``gate`` or ``score``.
        """
        self._engine = engine
        self.operations: dict[str, JudgeFaces] = {}
        self.values: dict[str, Mapping[str, tuple[str, ...]]] = {}
        self.accuracy: dict[str, Sequence[Mapping[str, Any]]] = {}
        for key, entry in judges.items():
            _, settings = configure("judges", entry, f"judges.{key}")
            if settings.family != family:
                continue
            loaded = JudgeFaces(entry["kind"], settings, models / key)
            self.operations[_judges(key)] = loaded
            self.values[key], self.accuracy[key] = loaded.values, loaded.accuracy

    def evidence(self, faces: FacesOf, what: str) -> Evidence:
        """What they say of some faces."""
        return self.words(
            faces, _look(self._engine, [(faces, self.operations)], f"judges: {what}")[0]
        )

    def words(self, faces: FacesOf, found: Mapping[str, Numbers]) -> Evidence:
        """The same, of what their operations have found."""
        opinions: dict[str, Numbers] = {}
        features: dict[str, Numbers] = {}
        for key in self.values:
            op, numbers = self.operations[_judges(key)], found[_judges(key)]
            opinions[key] = {name: numbers[name] for name in op.values}
            features[key] = {name: numbers[name] for name in op.features}
        return Evidence(faces.rows, opinions, features=features)


def _judges(key: str) -> str:
    return f"{key} judges"


def _look(
    engine: Engine, asked: Sequence[tuple[FacesOf, Mapping[str, _Look]]], label: str
) -> list[dict[str, Numbers]]:
    """For each set of faces: operation -> column -> (faces, numbers); nan where a picture is
    broken."""
    works = [Work(ops, faces.pictures, len(faces)) for faces, ops in asked]
    parts = [
        {
            name: {column: [np.zeros((0, n), np.float32)] for column, n in op.counts.items()}
            for name, op in ops.items()
        }
        for _, ops in asked
    ]
    for place, results in engine.map_many(works, label):
        for batch, (name, op) in zip(results, asked[place][1].items(), strict=True):
            for column, count in op.counts.items():
                numbers = batch.column(column).flatten().to_numpy(zero_copy_only=False)
                parts[place][name][column].append(numbers.reshape(batch.num_rows, count))
    return [
        {
            name: {column: np.concatenate(blocks) for column, blocks in columns.items()}
            for name, columns in own.items()
        }
        for own in parts
    ]
