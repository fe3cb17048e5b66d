"""Labels that a trained network has guessed: ``predicted.csv`` in the project's folder.

``augment predict`` writes it and ingest obeys it. A guess fills only what nobody has labelled, and
only in the train split. It says which bin a face belongs to and what may be made of it; nothing
learns from it or is measured by it (:func:`augment.schema.without_predicted`).
"""

import csv
import io
import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import pyarrow as pa

from augment.errors import UserError
from augment.intake.label_tables import joined, read_rows
from augment.schema import OK, PREDICTED, Labels
from augment.shards import write_text
from augment.vocabulary import UNKNOWN

FILE = "predicted.csv"
_LABEL = "age_group"  # the only one that a generator guesses


@dataclass(frozen=True)
class Prediction:
    """One line of the file: anybody may strike it out, or mend its value.

    Attributes:
        id: the row that was looked at.
        label: a label column.
        value: the guess, one of the column's values.
        probability: how sure the network was, 0..1.
        model: its name and the first digits of its weights' sha256.
        sha256: of the photo's file; another file of that name gets no label of this one.
    """

    id: str
    label: str
    value: str
    probability: float
    model: str
    sha256: str


_COLUMNS = tuple(field.name for field in fields(Prediction))


def read_predictions(path: Path) -> list[Prediction]:
    """The file's lines; none where it is missing or empty.

    Raises:
        UserError: it is no such table, or a line holds no probability.
    """
    if not path.is_file() or not path.stat().st_size:
        return []
    rows = list(read_rows(path, _COLUMNS))
    return [_prediction(row, f"{path}, line {number}") for number, row in enumerate(rows, 2)]


def _prediction(row: dict[str, str], where: str) -> Prediction:
    try:
        probability = float(row["probability"])
    except ValueError:
        raise UserError(
            f"{where}: '{row['probability']}' is no probability. Mend the line or delete it."
        ) from None
    if row["label"] != _LABEL:
        raise UserError(
            f"{where}: only {_LABEL} can be filled in, not '{row['label']}'. Delete the line."
        )
    words = {name: row[name].strip() for name in _COLUMNS}
    return Prediction(**{**words, "probability": probability})  # type: ignore[arg-type]


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """Atomically, sorted by row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(astuple(one) for one in sorted(predictions, key=lambda one: one.id))
    write_text(path, text.getvalue())


def drop_predictions(path: Path, ids: Collection[str], files: Collection[str]) -> int:
    """Take out the lines of these rows and of these files' sha256; returns how many there were."""
    found = read_predictions(path)
    kept = [one for one in found if one.id not in ids and one.sha256 not in files]
    if len(kept) < len(found):
        write_predictions(path, kept)
    return len(found) - len(kept)


def fill(
    index: pa.Table, predictions: Sequence[Prediction], labels: Labels
) -> tuple[pa.Table, Counter[str]]:
    """The index with guesses where a usable train row's age group is unknown.

    Args:
        index: rows of ``index_schema``, with their splits.
        predictions: what ``predicted.csv`` holds.
        labels: the data set's; a group that it does not have (any more) is not filled in.

    Returns:
        The index, and how many guesses were filled in, or why not: ``{"filled in": 12}``.
    """
    told: Counter[str] = Counter()
    by_file = {one.sha256: one for one in predictions if one.sha256}
    names = ("sha256", "status", "split", "note", "label_origin", _LABEL)
    columns = {name: index.column(name).to_pylist() for name in names}
    for row, digest in enumerate(columns["sha256"]):
        one = by_file.get(digest)
        if one is None:
            continue
        found = {name: values[row] for name, values in columns.items()}
        problem = _problem(one, found, labels)
        told[problem or "filled in"] += 1
        if problem:
            continue
        # To a tenth: one wording for many rows, so that summaries can count it.
        tenth = math.floor(one.probability * 10) / 10
        said = f"{_LABEL} predicted by {one.model}, probability {tenth:g} or more"
        columns[_LABEL][row] = one.value
        columns["label_origin"][row] = {**found["label_origin"], _LABEL: PREDICTED}
        columns["note"][row] = joined([found["note"], said])
    gone = by_file.keys() - set(columns["sha256"])
    if gone:
        told["of a file that is not there (any more)"] += len(gone)
    for name in ("note", "label_origin", _LABEL):
        place = index.schema.get_field_index(name)
        field = index.schema.field(place)
        index = index.set_column(place, field, pa.array(columns[name], field.type))
    return index, told


def _problem(one: Prediction, row: dict[str, str], labels: Labels) -> str:
    """Why a guess is not filled in, "" if it is."""
    if row["split"] != "train" or row["status"] != OK:
        return "of a face outside of the train split"
    if row[_LABEL] not in (UNKNOWN, None):
        return "labelled by now"
    if one.value not in labels.age_groups:
        return f"of an age group that ingest.age_groups does not name ('{one.value}')"
    return ""
