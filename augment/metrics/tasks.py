"""The downstream tasks: what is predicted, on which held-out faces, by which groups."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from augment.errors import UserError
from augment.metrics.resampling import SEPARATOR, SMALL_GROUP, HeldOutFaces, Words
from augment.params import Section, require_known
from augment.schema import Labels
from augment.vocabulary import UNKNOWN, spoken

_MOST_NAMED = 6  # groups that one sentence names


class Task(Section):
    """One question to the downstream classifier."""

    label: str  # the label column to predict
    groups: list[str] = Field(min_length=1)  # intersections of these columns are reported


def check_tasks(tasks: Mapping[str, Task], manifest: pa.Table) -> None:
    """Refuse what cannot be evaluated, before the long work.

    Raises:
        UserError: naming the task, what is wrong with it, and what there is.
    """
    for name, task in tasks.items():
        check_columns(name, task, Labels.of(manifest.schema).columns)
        where = _place(name)
        for split in ("train", "test"):
            rows = real_faces(manifest, split)
            if rows.num_rows == 0:
                raise UserError(
                    f"{where}: the data set has no real face in its {split} split, so nothing can "
                    "be evaluated. Give it one (ingest.split), or leave evaluate.tasks empty."
                )
            known = sorted(set(rows.column(task.label).to_pylist()) - {UNKNOWN, None})
            if len(known) < 2:
                found = f"only '{known[0]}'" if known else "no known value"
                raise UserError(
                    f"{where}: the label '{task.label}' has {found} among the "
                    f"{rows.num_rows} real {split} faces, and a task needs two classes."
                )
        _check_groups(where, task, real_faces(manifest, "test"))


def check_columns(name: str, task: Task, columns: Sequence[str]) -> None:
    """Refuse a task whose columns cannot be, whatever words the faces have.

    Raises:
        UserError: it names a column that is none of the label ``columns``, or a group twice.
    """
    lack = "the data set has no such label column"
    require_known([task.label, *task.groups], columns, f"evaluate.tasks.{name}", lack)
    twice = [column for column in task.groups if task.groups.count(column) > 1]
    if twice:
        raise UserError(f"{_place(name)}: groups names '{twice[0]}' twice: leave it there once.")


def _place(name: str) -> str:
    return f"params.yaml: evaluate.tasks.{name}"


def _check_groups(where: str, task: Task, test: pa.Table) -> None:
    labelled = _words(test, task.label) != UNKNOWN
    for column in task.groups:
        if not (_words(test, column)[labelled] != UNKNOWN).any():
            raise UserError(
                f"{where}: groups names '{column}', which is unknown of every one of the "
                f"{labelled.sum()} real test faces whose '{task.label}' is known, so no group has "
                "a face. Take it out of groups."
            )


def remarks(task: Task, manifest: pa.Table) -> list[str]:
    """What a person should know of a task before it is trained for: sentences, [] if all is well.

    Names classes that no real train face has, and groups with no test face or with too few.
    """
    train, test = (real_faces(manifest, split) for split in ("train", "test"))
    return [*_of_classes(task, train, test), *_of_groups(task, train, test)]


def _of_classes(task: Task, train: pa.Table, test: pa.Table) -> Iterator[str]:
    learned = set(_words(train, task.label).tolist())
    words, sizes = np.unique(_words(test, task.label), return_counts=True)
    for word, n in zip(words.tolist(), sizes.tolist(), strict=True):
        if word != UNKNOWN and word not in learned:
            yield (
                f"No real train face is labelled '{spoken(task.label, word)}': the arms without "
                f"synthetic faces cannot learn it (n={n} test faces)."
            )


def _of_groups(task: Task, train: pa.Table, test: pa.Table) -> Iterator[str]:
    in_train, in_test = (_sizes(task, rows) for rows in (train, test))
    empty = {name: n for name, n in in_train.items() if name not in in_test}
    if empty:
        yield (
            f"No test face, so nothing can be said of: {_listed(empty, 'train faces')}. Give the "
            "test split such faces (ingest.split, test_balanced)."
        )
    small = {name: n for name, n in in_test.items() if n < SMALL_GROUP}
    if len(small) == len(in_test):
        yield (
            f"No group has {SMALL_GROUP} labelled test faces ({_listed(small, 'test faces')}): "
            "there will be no worst group and no gap."
        )
    elif small:
        yield (
            f"Fewer than {SMALL_GROUP} labelled test faces, so shown but never called the worst: "
            f"{_listed(small, 'test faces')}."
        )


def _sizes(task: Task, rows: pa.Table) -> dict[str, int]:
    """Known groups of labelled faces and their sizes."""
    faces, _ = held_out(task, rows)
    names, sizes = np.unique(faces.group, return_counts=True)
    pairs = zip(names.tolist(), sizes.tolist(), strict=True)
    return {name: n for name, n in pairs if UNKNOWN not in name.split(SEPARATOR)}


def _listed(groups: Mapping[str, int], what: str) -> str:
    named = [f"{name} (n={n} {what})" for name, n in list(groups.items())[:_MOST_NAMED]]
    more = len(groups) - len(named)
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def real_faces(manifest: pa.Table, split: str) -> pa.Table:
    """The rows of real faces of a split."""
    chosen = pc.and_(pc.equal(manifest.column("split"), split),
                     pc.invert(manifest.column("synthetic")))  # fmt: skip
    return manifest.filter(chosen)


def held_out(task: Task, rows: pa.Table) -> tuple[HeldOutFaces, npt.NDArray[np.int64]]:
    """The faces whose label is known, and which rows they are."""
    truth = _words(rows, task.label)
    places = np.flatnonzero(truth != UNKNOWN)
    columns = {name: _words(rows, name)[places] for name in task.groups}
    others = {name: words for name, words in columns.items() if name != task.label}
    person = np.array([word or "" for word in rows.column("person").to_pylist()], dtype=str)
    faces = HeldOutFaces(
        truth[places],
        group_names(columns),
        person[places],
        group_names(others) if others else None,
    )
    return faces, places


def group_names(columns: Mapping[str, Words]) -> Words:
    """Intersections of label columns: ``"70+ · mask yes"``, shape (faces,)."""
    names = [_spoken(label, words) for label, words in columns.items()]
    joined = names[0]
    for words in names[1:]:
        joined = np.char.add(np.char.add(joined, SEPARATOR), words)
    return joined


def _spoken(label: str, words: Words) -> Words:
    values, places = np.unique(words.astype(str), return_inverse=True)
    return np.array([spoken(label, value) for value in values], dtype=str)[places]


def _words(rows: pa.Table, column: str) -> Words:
    return np.array([word or UNKNOWN for word in rows.column(column).to_pylist()], dtype=str)
