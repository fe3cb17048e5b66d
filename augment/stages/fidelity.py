"""fidelity: how like real faces the passed candidates are, by generator and group.

Only judges of family ``score`` speak: the gate did not ask them and no generator learned from them.
Real faces are of the train split's half that they did not learn on, and of the validation split;
test faces are not looked at. Nothing is refused here.

``reports/fidelity.json``::

    features    ["<judge key>/<feature>", ...]: a Fréchet distance is named after one of them
    judges      key -> {kind, labels, features: name -> how many numbers}
    terms       {most_faces, neighbours, fewest, splits, real: faces compared with}
    generators  key -> {passed, all: GROUP, by: {grouping: {group: GROUP}}}, or {passed, why}
    notes       sentences for the person

    GROUP       candidates, real   faces of each side that were looked at; why (too few), or:
                likeness   feature -> LIKENESS
                target     label -> LABEL: ordered changes, judged as ordered
                kept       label -> LABEL: labels that were to stay, judged as labelled;
                           both beside real faces of the same bins
                edit       only where the generator changes labels:
                           {visible_change: FIGURE, distance_closed: {feature: CLOSED}}, the
                           latter for all, bins and axes
    FIGURE      {n, value, interval (95 %, null: unknown)}, or {n, why}: "too few (n=12)"
    LIKENESS    n (faces of each side, the same number of every bin), set_aside {made, real} (no
                finite features), made_of_real (of how many a parent's person is on the other side),
                fd {value, interval}, fd_floor (between halves of the real faces, or null),
                fd_ratio {n, fd, value, interval}: both at equal n, 1 is as near as real faces are,
                kid {n, value, interval} (unbiased; may be below 0),
                neighbours {n, k, precision, recall, density, coverage};
                or {n, set_aside, why}
    LABEL       judges: key -> {n, value, interval, real: FIGURE (the judge's ceiling), of_real}, or
                {n, why}; weakest: key of the judge whose word counts, or null
    CLOSED      {n, set_aside, donors_learned (of all donors; judges have learned on these, so they
                may seem farther away), fd_edited, fd_donors, fd_floor, value, interval, possible},
                or why

Intervals of distances come from subsets of half of the persons; on simulated features they are up
to twice as wide as need be.
``value`` of CLOSED is 1 - fd_edited / fd_donors, and ``possible`` what real faces would get.
Methods and sources: :mod:`augment.metrics.fidelity`, ``likeness``, ``recognised``,
``visible_change``.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from augment.gating.candidates import all_candidate_folders, read_verdicts
from augment.gating.compared import Compared, MeasureChange, beside_parents, read_compared
from augment.gating.examine import Judges
from augment.gating.faces import FacesOf, read_bin_space
from augment.gating.fidelity import GroupFigures, Material
from augment.job import Job
from augment.metrics.fidelity import FEWEST
from augment.metrics.halves import SPLITS
from augment.params import Section
from augment.schema import Labels
from augment.shards import read_schema, read_table, write_json
from augment.types import FloatArray

#: The half of the train split that judges of family ``score`` learn on, and the one new to them.
_LEARNED, _UNSEEN = "a", "b"


class Config(Section):
    """Section ``fidelity`` of params.yaml."""

    #: label columns that figures are given by, besides the axes of the audit and their bins
    groups: tuple[str, ...] = ("gender", "ethnicity", "skin_tone")
    #: of each generator, group and side so many faces are looked at
    most_faces: int = Field(5_000, ge=FEWEST)
    #: of each face, so many neighbours span the ball of precision, recall, density and coverage
    neighbours: int = Field(5, ge=1, lt=FEWEST)


def run(job: Job) -> None:
    """Write ``reports/fidelity.json``.

    Raises:
        UserError: a folder of candidates belongs to no generator of params.yaml.
    """
    config = job.config(Config)
    keys = list(job.params["generators"] or {})
    topup = job.inputs["topup"]
    folders = all_candidate_folders(job.inputs["candidates"], topup, keys)
    bins = read_bin_space(job.inputs["audit.json"])
    aligned = job.inputs["aligned"]
    columns = Labels.of(read_schema(aligned)).columns
    groups = tuple(name for name in config.groups if name in columns)
    passed = passed_ids(read_verdicts(job.inputs["verdicts"], topup, ["id", "passed"]))
    faces = read_compared(aligned, folders, passed, _UNSEEN, bins, groups, config.most_faces)
    counts = _passed_of(folders, keys, passed)
    judges = Judges(job.engine, job.params["judges"] or {}, job.inputs["models"], "score")
    told = _told(job.params["judges"] or {}, judges, faces.real)
    found: dict[str, Any] = {
        "features": [f"{key}/{name}" for key, judge in told.items() for name in judge["features"]],
        "judges": told,
        "terms": {
            "most_faces": config.most_faces,
            "neighbours": config.neighbours,
            "fewest": FEWEST,
            "splits": SPLITS,
            "real": len(faces.real),
        },
        "generators": {},
        "notes": [*_unknown(config.groups, columns), *_notes(told, counts, faces)],
    }
    figures = None
    if len(faces.made):
        figures = GroupFigures(
            Material(
                made=judges.evidence(faces.made, "candidates"),
                real=judges.evidence(faces.real, "real faces"),
                parents=judges.evidence(faces.parents, "parents"),
                values=judges.values,
                visible=_visible(job, faces),
                bins=bins,
                groups=groups,
                learned=_LEARNED,
                neighbours=config.neighbours,
                most=config.most_faces,
                seed=job.seed,
            )
        )
    for key, count in counts.items():
        found["generators"][key] = {"passed": count} | (
            _figures(figures, key) if figures and count else {"why": "no candidate passed"}
        )
    _tell(found)
    write_json(job.outputs["fidelity.json"], found)


def passed_ids(verdicts: pa.Table) -> list[str]:
    """Candidates that no check refused, sorted."""
    refused = verdicts.filter(pc.invert(verdicts.column("passed"))).column("id")
    return sorted(set(verdicts.column("id").to_pylist()) - set(refused.to_pylist()))


def _passed_of(
    folders: Sequence[Path], keys: Sequence[str], passed: Sequence[str]
) -> dict[str, int]:
    counts = dict.fromkeys(keys, 0)
    wanted = pa.array(passed, pa.string())
    for folder in folders:
        rows = read_table(folder, ["id", "generator"])
        of = rows.filter(pc.is_in(rows.column("id"), wanted)).column("generator").to_pylist()
        for key in of:
            counts[key] += 1
    return counts


def _told(
    entries: Mapping[str, Mapping[str, Any]], judges: Judges, faces: FacesOf
) -> dict[str, Any]:
    nobody = judges.evidence(faces.with_ids([]), "real faces")
    return {
        key: {
            "kind": entries[key]["kind"],
            "labels": list(labels),
            "features": {name: numbers.shape[1] for name, numbers in nobody.features[key].items()},
        }
        for key, labels in judges.values.items()
    }


def _visible(job: Job, faces: Compared) -> FloatArray:
    """(made,) visible change; nan where there is nothing to compare with."""
    parts = [
        batch.column("visible_change").fill_null(np.nan).to_numpy(zero_copy_only=False)
        for batch in job.engine.map_batches(
            MeasureChange(),
            lambda: beside_parents(faces.made, faces.parents),
            len(faces.made),
            "visible change",
        )
    ]
    visible: FloatArray = np.concatenate([np.zeros(0, np.float32), *parts])
    return visible


def _figures(figures: GroupFigures, key: str) -> dict[str, Any]:
    return {
        "all": figures.of(key),
        "by": {
            grouping: {group: figures.of(key, grouping, group) for group in names}
            for grouping, names in figures.groups(key).items()
            if names
        },
    }


def _unknown(groups: Sequence[str], columns: Sequence[str]) -> list[str]:
    return [
        f"fidelity.groups names '{name}', which the data set has no label column for; it has "
        f"{', '.join(columns)}"
        for name in groups
        if name not in columns
    ]


def _notes(
    judges: Mapping[str, Mapping[str, Any]], passed: Mapping[str, int], faces: Compared
) -> list[str]:
    notes = []
    kinds = sorted({str(judge["kind"]) for judge in judges.values()})
    if not judges:
        notes.append(
            "no judge of family 'score' in params.yaml, so nothing is said of likeness and labels; "
            "give a judge `family: score`"
        )
    elif len(kinds) == 1:
        notes.append(
            f"all scoring judges are of one kind ({kinds[0]}): what fools one may fool all; add "
            "one of another kind"
        )
    if judges and not any(judge["features"] for judge in judges.values()):
        notes.append("no scoring judge gives features, so no distance can be taken")
    if passed and not any(passed.values()):
        notes.append("no candidate passed the gate, so there is nothing to compare")
    elif not passed:
        notes.append("params.yaml names no generator, so there is nothing to compare")
    if len(faces.real) < FEWEST:
        notes.append(
            f"only {len(faces.real)} real faces are new to the scoring judges: too few to compare "
            "with"
        )
    return notes


def _tell(found: Mapping[str, Any]) -> None:
    for note in found["notes"]:
        print(f"fidelity: {note}", file=sys.stderr)
    for key, part in found["generators"].items():
        print(f"fidelity: {key}: {_in_words(part)}", file=sys.stderr)


def _in_words(part: Mapping[str, Any]) -> str:
    if "why" in part:
        return str(part["why"])
    words = [f"{part['passed']} passed"]
    if "why" in part["all"]:
        return f"{words[0]}: {part['all']['why']}"
    for feature, found in part["all"]["likeness"].items():
        if "why" in found:
            words.append(f"{feature}: {found['why']}")
            continue
        ratio = found["fd_ratio"]
        told = ratio.get("why") or f"{ratio['value']:.2f} times that between real faces"
        words.append(f"FD ({feature}) {told}")
    for label, seen in part["all"]["target"].items():
        weakest = seen["weakest"]
        if weakest:
            share, real = seen["judges"][weakest]["value"], seen["judges"][weakest]["real"]
            ceiling = f" (real faces {real['value']:.2f})" if "value" in real else ""
            words.append(f"{label} as ordered {share:.2f}{ceiling} by {weakest}")
    return "; ".join(words)
