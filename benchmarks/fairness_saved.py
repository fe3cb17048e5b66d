"""What trained models said of held-out faces, kept so that figures can be printed again.

A Parquet file holds one set of held-out faces: what each is labelled, who it shows (a number: no
photo is named), and each prediction. It needs neither the photos nor the trainings.
"""

import hashlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from augment.figures import command, commit
from augment.metrics.fairness import RESAMPLES, Scores, compare
from augment.metrics.resampling import Design, Interval, Said, Words, bootstrap, interval_of
from augment.metrics.tasks import Task, held_out
from augment.shards import AtomicFile

#: variant -> label -> predicted words, shape (seeds, test faces)
Predicted = Mapping[str, Mapping[str, Words]]
#: Where the benchmarks keep them.
SAVED = Path("reports/fairface/predictions")
FIGURES = Path("reports/fairface/fairness.json")
_PERSON = "person"
_META = b"sitting"


@dataclass(frozen=True)
class Sitting:
    """Held-out faces, what was asked of them, and what was said.

    Attributes:
        name: what the figures call the faces.
        test: a row a face: ``person``, and the columns that the tasks name.
        tasks: by name.
        predicted: of each variant.
        main: the variant that baselines are compared with.
        baselines: the variants that all others are compared with, one by one, and with the best.
        made: of each variant, ``commit`` and ``command`` that trained it, and, where that was
            counted, ``learned``: "real" or "synthetic" -> label -> class -> faces.
    """

    name: str
    test: pa.Table
    tasks: Mapping[str, Task]
    predicted: Predicted
    main: str
    baselines: Sequence[str]
    made: Mapping[str, Mapping[str, Any]]

    def compared(self, task: Task, seed: int) -> "Compared":
        """All variants; ``seed`` is the bootstrap's."""
        faces, places = held_out(task, self.test)
        words = {name: said[task.label][:, places] for name, said in self.predicted.items()}
        design = Design.of(faces)
        said = {name: Said.of(design, faces.truth, one).mean() for name, one in words.items()}
        return Compared(
            compare(faces, words, self.main, self.baselines[0], seed).scores,
            bootstrap(design, said, seed, RESAMPLES),
        )


@dataclass(frozen=True)
class Compared:
    """The scores of each variant, and each measure in every resample, the same for all."""

    scores: Mapping[str, Scores]
    resampled: Mapping[str, Mapping[str, npt.NDArray[np.float64]]]

    def difference(self, measure: str, one: str, other: str) -> tuple[float, Interval] | None:
        """``one`` less ``other``, paired; None where there is no such measure."""
        values = getattr(self.scores[one], measure), getattr(self.scores[other], measure)
        if None in values:
            return None
        resampled = self.resampled[one][measure] - self.resampled[other][measure]
        return float(values[0] - values[1]), interval_of(resampled)


def made_now() -> dict[str, str]:
    """For :attr:`Sitting.made`: this command, and the commit of its code."""
    return {"commit": commit(), "command": command(sys.argv)}


def save(folder: Path, sitting: Sitting) -> None:
    """Write ``folder``/<name>.parquet: a column a variant, label and seed, beside those that are
    there of other variants on the same faces, trained as often."""
    path = folder / f"{re.sub('[^a-z0-9]+', '_', sitting.name.lower())}.parquet"
    labels = sorted({c for task in sitting.tasks.values() for c in (task.label, *task.groups)})
    truth = {name: sitting.test.column(name).to_pylist() for name in labels}
    truth[_PERSON] = _numbers(sitting.test.column(_PERSON).to_pylist())
    digest = hashlib.sha256(json.dumps(truth).encode()).hexdigest()
    before = _before(path, digest, _seeds(sitting.predicted))
    predicted = before.predicted | dict(sitting.predicted)
    said = {
        f"{variant}|{label}|{number}": words
        for variant, of_label in predicted.items()
        for label, by_seed in of_label.items()
        for number, words in enumerate(by_seed)
    }
    content = {
        "name": sitting.name,
        "faces": digest,
        "tasks": {name: task.model_dump() for name, task in sitting.tasks.items()},
        "main": sitting.main,
        "baselines": list(dict.fromkeys([*before.baselines, *sitting.baselines])),
        "made": before.made | {name: dict(how) for name, how in sitting.made.items()},
    }
    columns = {
        name: pa.array(words, pa.string()).dictionary_encode()
        for name, words in (truth | said).items()
    }
    table = pa.table(columns).replace_schema_metadata({_META: json.dumps(content).encode()})
    # As one row group: cut into many, as pictures are, the file would be six times as large.
    with AtomicFile(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read(path: Path) -> Sitting:
    """What :func:`save` wrote."""
    table = pq.read_table(path)
    content = json.loads(table.schema.metadata[_META])
    tasks = {name: Task.model_validate(task) for name, task in content["tasks"].items()}
    own = [name for name in table.column_names if "|" not in name]
    return Sitting(
        content["name"], table.select(own), tasks, _predicted(table), content["main"],
        content["baselines"], content["made"],
    )  # fmt: skip


@dataclass(frozen=True)
class _Before:
    predicted: dict[str, Mapping[str, Words]] = field(default_factory=dict)
    baselines: Sequence[str] = ()
    made: dict[str, Mapping[str, Any]] = field(default_factory=dict)


def _before(path: Path, digest: str, seeds: int) -> _Before:
    """What the file says already of these faces, of variants trained as often."""
    if not path.is_file():
        return _Before()
    table = pq.read_table(path)
    content = json.loads(table.schema.metadata[_META])
    if content["faces"] != digest:
        return _Before()
    found = _predicted(table)
    kept = {name: said for name, said in found.items() if _seeds({name: said}) == seeds}
    return _Before(
        kept,
        [name for name in content["baselines"] if name in kept],
        {name: content["made"][name] for name in kept},
    )


def _seeds(predicted: Predicted) -> int:
    return min(len(words) for of_label in predicted.values() for words in of_label.values())


def _predicted(table: pa.Table) -> Predicted:
    found: dict[str, dict[str, list[Words]]] = {}
    for column in table.column_names:
        variant, _, rest = column.partition("|")
        if rest:
            label = rest.partition("|")[0]
            words = np.array(table.column(column).to_pylist(), str)
            found.setdefault(variant, {}).setdefault(label, []).append(words)
    return {
        variant: {label: np.stack(words) for label, words in of_label.items()}
        for variant, of_label in found.items()
    }


def _numbers(persons: Sequence[str | None]) -> list[str | None]:
    """The same number for the same person; None stays. They sort as the names do: in another order
    the bootstrap would draw others."""
    known = {name: f"{n:06d}" for n, name in enumerate(sorted({p for p in persons if p}))}
    return [known[person] if person else None for person in persons]
