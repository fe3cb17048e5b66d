"""Sources of files with a label table of the person's own: its settings, and reading it."""

import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from augment.intake.label_tables import Keyed, by_key, normal, read_rows
from augment.intake.label_words import FILE
from augment.intake.photo_files import FilesConfig, yaml_word
from augment.vocabulary import UNKNOWN, value_order


class TableConfig(FilesConfig):
    """What every source with a label table takes."""

    table: str | None = None  # label table, relative to root
    #: What we call it -> the table's column: file, age, person, split, licence, age_group, gender,
    #: ethnicity, skin_tone, and any further name for an attribute.
    columns: dict[str, str] = Field(default={FILE: "file"})
    #: Label -> the data set's words -> ours, which for attributes are yes and no.
    words: dict[str, dict[str, str]] = Field(default={})
    licence: str = "unknown"

    @field_validator("words", mode="before")
    @classmethod
    def _as_text(cls, words: Any) -> Any:
        """YAML reads bare yes, no and numbers as values: take them as the words they are."""
        if not isinstance(words, Mapping) or not all(
            isinstance(w, Mapping) for w in words.values()
        ):
            return words  # pydantic says what is wrong
        return {
            label: {yaml_word(a): yaml_word(b) for a, b in one.items()}
            for label, one in words.items()
        }

    @model_validator(mode="after")
    def _sensible(self) -> "TableConfig":
        if self.table is not None and FILE not in self.columns:
            raise ValueError("columns must name the table's column of file paths: {file: …}")
        for label, words in self.words.items():
            known = (*value_order(label), UNKNOWN)
            wrong = [value for value in words.values() if value not in known]
            if wrong and label != "age_group":
                raise ValueError(f"words.{label}: '{wrong[0]}' is none of {', '.join(known)}")
        return self

    def normal_words(self) -> dict[str, dict[str, str]]:
        """``words`` as :func:`augment.intake.label_words.read_labels` takes them."""
        return {
            label: {normal(word): value for word, value in words.items()}
            for label, words in self.words.items()
        }


def read_table_of_files(config: TableConfig, root: Path, below: str = ".") -> Keyed:
    """The label table by path below ``root``, its columns by our names; empty where there is none.

    Args:
        config: names the table and its columns.
        root: the source's folder.
        below: the folder that the table's paths start from, relative to root.

    Raises:
        UserError: the table is missing, unreadable, or lacks a column.
    """
    if config.table is None:
        return by_key((), FILE)
    prefix = f"{root.resolve().as_posix()}/"
    rows = read_rows(root / config.table, tuple(config.columns.values()))
    ours = ({name: row[theirs] for name, theirs in config.columns.items()} for row in rows)
    return by_key(({**row, FILE: _uri(row[FILE].strip(), below, prefix)} for row in ours), FILE)


def _uri(file: str, below: str, prefix: str) -> str:
    """One spelling a file, so that table and folder agree; safe only once resolved."""
    path = posixpath.normpath(posixpath.join(below, file)) if file else ""
    return path.removeprefix(prefix)
