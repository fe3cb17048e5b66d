"""Label tables of others: CSV and Parquet files, their words, and what is wrong with them."""

import csv
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from augment.errors import UserError
from augment.vocabulary import NO, UNKNOWN, YES, AgeGroup, group_of_interval

Row = dict[str, str]
#: A value and, where something was odd, what: ``("unknown", "gender word 'x' is not known")``.
Read = tuple[str, str]

YES_NO = {
    **dict.fromkeys(("yes", "y", "true", "t", "1", "1.0"), YES),
    **dict.fromkeys(("no", "n", "false", "f", "0", "0.0", "-1", "-1.0"), NO),
}
_NO_WORD = ("", "unknown", "nan", "none", "null", "n/a", "na", "?")
_OLDEST = 120
# A spreadsheet takes "3-9" for 3 September (or March 9) and "10-19" for October 2019.
_DATES = {
    "3-9": (("sep", 3), ("mar", 9)),
    "10-19": (("oct", 19),),
}
_ISO_DATES = {"3-9": r"\d{4}-(09-03|03-09)", "10-19": r"\d{4}-10-19|2019-10-01"}


@dataclass(frozen=True)
class Remark:
    """What a row of the data set carries along: something odd, or why it is set aside."""

    note: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Keyed:
    """A label table by file: each file once.

    Attributes:
        rows: the first row of each file.
        repeated: files that stand in the table more than once, always with the same labels.
        conflicts: files that stand in it more than once with different labels.
    """

    rows: Mapping[str, Row]
    repeated: frozenset[str]
    conflicts: frozenset[str]

    def remark(self, key: str) -> Remark:
        if key in self.conflicts:
            return Remark(reason="listed more than once, with different labels")
        if key in self.repeated:
            return Remark(note="listed more than once, with the same labels")
        return Remark()


def by_key(rows: Iterable[Row], column: str) -> Keyed:
    """Gather the rows of a table by the value of one column."""
    kept: dict[str, Row] = {}
    repeated: set[str] = set()
    conflicts: set[str] = set()
    for row in rows:
        key = row[column].strip()
        if kept.setdefault(key, row) is not row:
            (repeated if kept[key] == row else conflicts).add(key)
    return Keyed(kept, frozenset(repeated - conflicts), frozenset(conflicts))


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """The rows of a CSV file (comma, semicolon or tab) or a Parquet file, all values as text.

    Args:
        path: the file; ``.parquet`` is read as Parquet, everything else as CSV.
        columns: those that must be there; all columns are returned.

    Raises:
        UserError: the file is missing or unreadable, or lacks one of ``columns``.
    """
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            yield from _parquet_rows(path, columns)
        else:
            yield from _csv_rows(path, columns)
    except FileNotFoundError:
        raise UserError(f"the label table {path} is missing.") from None
    except UnicodeDecodeError:
        raise UserError(
            f"the label table {path} is not UTF-8 text: save it as CSV UTF-8."
        ) from None
    except (OSError, csv.Error, pa.ArrowInvalid) as error:
        raise UserError(f"the label table {path} cannot be read: {error}.") from None


def _csv_rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        delimiter = max(",;\t", key=first.count)
        lines = csv.reader(itertools.chain([first], file), delimiter=delimiter)
        header = [name.strip() for name in next(lines, [])]
        _require(path, header, columns)
        for cells in lines:
            if any(cell.strip() for cell in cells):
                # Where cells are missing the row's labels are; where there are too many the last
                # ones have no name.
                yield dict(itertools.zip_longest(header, cells[: len(header)], fillvalue=""))


def _parquet_rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    with pq.ParquetFile(path) as file:
        names = [
            name
            for name, kind in zip(file.schema_arrow.names, file.schema_arrow.types, strict=True)
            if not pa.types.is_nested(kind) and not pa.types.is_binary(kind)
        ]
        _require(path, names, columns)
        for batch in file.iter_batches(columns=names):
            for row in batch.to_pylist():
                yield {name: _text(value) for name, value in row.items()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a column of whole numbers with gaps is stored as floats
    return str(value)


def _require(path: Path, header: Sequence[str], columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in header]
    if missing:
        there = ", ".join(header) or "nothing: it is empty"
        raise UserError(
            f"the label table {path} has no column {', '.join(map(repr, missing))}; "
            f"it has: {there}."
        )
    twice = [name for name in columns if header.count(name) > 1]
    if twice:
        raise UserError(f"the label table {path} has more than one column '{twice[0]}'.")


def normal(word: str) -> str:
    """A word as it stands in word tables: lower case, single spaces, no underscores."""
    return " ".join(word.replace("_", " ").casefold().split())


def look_up(label: str, word: str, words: Mapping[str, str]) -> Read:
    """The vocabulary's value of a word; ``unknown`` and a note where ``words`` has it not.

    Args:
        label: the label's name, for the note.
        word: as it stands in the table.
        words: words in their :func:`normal` form -> values.
    """
    known = words.get(normal(word))
    if known is not None:
        return known, ""
    if normal(word) in _NO_WORD:
        return UNKNOWN, ""
    return UNKNOWN, f"{label}: word '{_short(word)}' is not known"


def look_up_age_group(word: str, groups: Sequence[AgeGroup]) -> Read:
    """The group that holds a span of years such as "20-29", "70+" or "more than 70".

    A span that fits into no single group stays unknown, with a note; dates that a spreadsheet made
    of spans ("03-Sep", "Oct-19") are repaired, with a note.
    """
    if normal(word) in _NO_WORD:
        return UNKNOWN, ""
    repaired = _span_of_date(word.strip())
    span = _span(repaired or word)
    if span is None:
        return UNKNOWN, f"age_group: word '{_short(word)}' is not known"
    value = group_of_interval(*span, groups)
    if value == UNKNOWN:
        return UNKNOWN, f"age_group: '{_short(word)}' lies in no single group of params"
    return value, f"age_group: '{_short(word)}' read as '{repaired}'" if repaired else ""


def _span(word: str) -> tuple[int, float] | None:
    text = normal(word).replace("–", "-")
    if match := re.fullmatch(r"(\d{1,3}) ?(?:-|to) ?(\d{1,3})", text):
        return int(match[1]), int(match[2])
    if match := re.fullmatch(r"(\d{1,3}) ?\+|(?:more than|over|>=?) ?(\d{1,3})", text):
        return int(match[1] or match[2]), math.inf
    return None


def _span_of_date(word: str) -> str:
    match = re.fullmatch(
        r"0?(\d{1,2})[-. ]([a-z]{3})[a-z]*|([a-z]{3})[a-z]*[-. ]0?(\d{1,2})", word.lower()
    )
    for span, dates in _DATES.items():
        if match and (match[2] or match[3], int(match[1] or match[4])) in dates:
            return span
        if re.fullmatch(_ISO_DATES[span], word):
            return span
    return ""


def read_years(word: str) -> tuple[float | None, str]:
    """An age in years, and a note where the word is none."""
    if normal(word) in _NO_WORD:
        return None, ""
    try:
        years = float(word)
    except ValueError:
        return None, f"age: '{_short(word)}' is no number"
    if not 0 <= years <= _OLDEST:  # also refuses nan
        return None, f"age: '{_short(word)}' is not within 0 to {_OLDEST} years"
    return years, ""


def joined(notes: Iterable[str]) -> str:
    return "; ".join(note for note in notes if note)


def _short(word: str) -> str:
    """A stranger's word, fit for a note: one line, no quotes (they mark what varies), bounded."""
    text = " ".join(word.split()).replace("'", "’")
    return text if len(text) <= 40 else text[:39] + "…"


def read_pairs(path: Path, value_at: int = 1) -> dict[str, str]:
    """The first word of each line of a text file -> another one of it.

    A first word that comes twice with different values has none.

    Raises:
        UserError: it is missing or unreadable.
    """
    pairs: dict[str, str] = {}
    torn = set()
    for words in (line.split() for line in text_lines(path)):
        if len(words) > value_at and pairs.setdefault(words[0], words[value_at]) != words[value_at]:
            torn.add(words[0])
    return {key: value for key, value in pairs.items() if key not in torn}


def text_lines(path: Path) -> Iterator[str]:
    """The lines of a text file. Raises UserError where it is missing or unreadable."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from file
    except FileNotFoundError:
        raise UserError(f"the label file {path} is missing.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the label file {path} cannot be read: {error}.") from None
