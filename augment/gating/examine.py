"""Ask judges and checks: from faces to verdicts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from augment.engine import Engine
from augment.gating.faces import FacesOf, GateFaces
from augment.gating.operations import JudgeFaces, MeasureFaces
from augment.gating.together import Entrant, Shared, share_rate
from augment.metrics.reliability import judge_words
from augment.plugins import configure
from augment.protocols import Check, Evidence, Reference, Verdict
from augment.types import BinSpace, FloatArray

Entries = Mapping[str, Mapping[str, Any]]  # key -> {kind: ..., its settings}
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
    candidates = asked.evidence(faces.candidates, "candidates")
    reference = Reference(
        bins=terms.bins,
        groups=terms.groups,
        values=asked.values,
        unseen=asked.evidence(faces.unseen, "real faces"),
        again=asked.evidence(faces.unseen, "real faces again", again=True),
        parents=asked.evidence(faces.parents, "parents"),
        hashes=faces.hashes,
        false_rejection=terms.false_rejection,
        smallest_group=terms.smallest_group,
        accuracy=asked.accuracy,
    )
    entrants = {
        name: _enter(engine, name, entry, reference, candidates, faces)
        for name, entry in checks.items()
    }
    orders = [tuple(c) for c in candidates.rows.column("changes").to_pylist()]
    shared = share_rate(entrants, reference, orders)
    verdicts, notes = {}, {}
    for name, entrant in entrants.items():
        entrant.check.fit(replace(entrant.reference, false_rejection=shared.rate))
        verdicts[name] = entrant.check.judge(entrant.candidates)
        notes[name] = entrant.check.notes()
    return Examined(verdicts, notes, shared, told)


def _enter(
    engine: Engine,
    name: str,
    entry: Mapping[str, Any],
    reference: Reference,
    candidates: Evidence,
    faces: GateFaces,
) -> Entrant:
    """A check, with what it measures of everybody."""
    module, settings = configure("checks", entry, f"gate.checks.{name}")
    check: Check = module.Check(settings)
    measured = _measurer(engine, name, entry["kind"], check)
    own = replace(
        reference,
        unseen=measured(reference.unseen, faces.unseen),
        again=measured(reference.again, faces.unseen, again=True),
        parents=measured(reference.parents, faces.parents),
    )
    return Entrant(check, own, measured(candidates, faces.candidates))


class Judges:
    """All judges of one family, asked about one set of faces after the other.

    Attributes:
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
        self._judges: dict[str, tuple[str, Any, Path]] = {}
        self.values: dict[str, Mapping[str, tuple[str, ...]]] = {}
        self.accuracy: dict[str, Sequence[Mapping[str, Any]]] = {}
        for key, entry in judges.items():
            _, settings = configure("judges", entry, f"judges.{key}")
            if settings.family != family:
                continue
            self._judges[key] = entry["kind"], settings, models / key
            loaded = JudgeFaces(*self._judges[key])
            self.values[key], self.accuracy[key] = loaded.values, loaded.accuracy

    def evidence(self, faces: FacesOf, what: str, again: bool = False) -> Evidence:
        """What they say of some faces; of their harmless variation if ``again``."""
        opinions: dict[str, Numbers] = {}
        features: dict[str, Numbers] = {}
        for key, judge in self._judges.items():
            op = JudgeFaces(*judge, again=again)
            found = _compute(self._engine, op, faces, f"{key} judges {what}")
            opinions[key] = {name: found[name] for name in op.values}
            features[key] = {name: found[name] for name in op.features}
        return Evidence(faces.rows, opinions, features=features)


def _measurer(engine: Engine, name: str, kind: str, check: Check) -> Callable[..., Evidence]:
    def measured(evidence: Evidence, faces: FacesOf, again: bool = False) -> Evidence:
        if not check.measures:
            return evidence
        found = _compute(engine, MeasureFaces(kind, check, again), faces, f"{name} measures")
        return replace(evidence, measures=found)

    return measured


def _compute(
    engine: Engine, op: JudgeFaces | MeasureFaces, faces: FacesOf, label: str
) -> dict[str, FloatArray]:
    """The op's columns as arrays: name -> (faces, numbers); nan where a picture is broken."""
    parts = {name: [np.zeros((0, count), np.float32)] for name, count in op.counts.items()}
    for batch in engine.map_batches(op, faces.pictures, len(faces), label):
        for name, count in op.counts.items():
            numbers = batch.column(name).flatten().to_numpy(zero_copy_only=False)
            parts[name].append(numbers.reshape(batch.num_rows, count))
    return {name: np.concatenate(blocks) for name, blocks in parts.items()}
