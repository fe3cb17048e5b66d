"""Ask judges and checks: from faces to verdicts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from augment.engine import Engine
from augment.gating.faces import FacesOf, GateFaces
from augment.gating.operations import JudgeFaces, MeasureFaces
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
    """Per check, in the order of params.yaml: a verdict for each candidate, and its notes."""

    verdicts: Mapping[str, list[Verdict]]
    notes: Mapping[str, list[str]]


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
    """
    asked = Judges(engine, judges, models, "gate")
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
    verdicts, notes = {}, {}
    for name, entry in checks.items():
        module, settings = configure("checks", entry, f"gate.checks.{name}")
        check: Check = module.Check(settings)
        measured = _measurer(engine, name, entry["kind"], check)
        check.fit(
            replace(
                reference,
                unseen=measured(reference.unseen, faces.unseen),
                again=measured(reference.again, faces.unseen, again=True),
                parents=measured(reference.parents, faces.parents),
            )
        )
        verdicts[name] = check.judge(measured(candidates, faces.candidates))
        notes[name] = check.notes()
    return Examined(verdicts, notes)


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
