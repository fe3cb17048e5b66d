"""Video files, each of one person: some frames of every second become rows.

films:
  kind: video
  root: my_films
  table: clips.csv             # optional: file, person, age, gender, ethnicity, split, licence, ...
  columns: {file: clip, gender: sex}
  per_second: 4

Which frames is drawn by the second's own seed, never two adjacent ones: small differences of
expression are kept, near-duplicates are not (Han & Kim, "Face morphing with GANs", J. Digital
Contents Society 19(3), 2018, section 3). The frame's number is in the row's id, and in its uri.

Without a table each clip is a person of its own. Two clips of one person need a table that names
the person, or they may land in different splits; the same file under two names is noticed.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from pydantic import Field

from augment.errors import RowError
from augment.intake import clips
from augment.intake.label_tables import Keyed, Remark, joined
from augment.intake.label_words import LICENCE, PERSON, PLAIN, read_labels
from augment.intake.labelled import TableConfig, read_table_of_files
from augment.intake.photo_files import FileSource, file_version, files_below, resolve
from augment.protocols import Record
from augment.types import Image
from augment.vocabulary import BASE_LABELS, AgeGroup

_FRAME = "#"  # between a clip's path and a frame's number in a uri
#: One wording for all frames, so that audits can count it.
_BLURRED = "blurred: among the least sharp frames of its clip"


class Config(TableConfig):
    #: Frames of each second; fewer where more would be adjacent.
    per_second: int = Field(default=4, ge=1, le=30)
    #: Share of each clip's frames that is set aside as blurred: the least sharp ones.
    blurred: float = Field(default=0.05, ge=0, le=0.9)


class Source(FileSource):
    def __init__(
        self, config: Config, data: Path, age_groups: tuple[AgeGroup, ...], seed: int
    ) -> None:
        super().__init__(config, data, age_groups, seed)
        self.config, self.seed = config, seed
        self.licence = config.licence
        named = config.columns if config.table is not None else ()
        self.attributes = tuple(name for name in named if name not in {*PLAIN, *BASE_LABELS})
        self._words = config.normal_words()

    def records(self) -> Iterator[Record]:
        """One record a frame; one a clip, with a reason, where no frame of it can be used.

        The label table is read at once: what is wrong with it shows before a clip is opened.
        """
        return self._records(read_table_of_files(self.config, self.root))

    def _records(self, listed: Keyed) -> Iterator[Record]:
        first: dict[str, str] = {}
        there = [uri for uri in files_below(self.root, clips.SUFFIXES) if uri not in listed.rows]
        note = "" if self.config.table is None else "no row in the label table"
        known = [(uri, row, listed.remark(uri)) for uri, row in listed.rows.items()]
        for uri, row, remark in [*known, *((uri, {}, Remark(note=note)) for uri in there)]:
            yield from self._of_clip(uri, row, remark, first)

    def read(self, uri: str) -> bytes:
        """The frame as PNG. Raises RowError where it cannot be read."""
        path, version, number = self._place(uri)
        frame = clips.read_frame(path, version, number)
        # The least effort: these bytes are never stored.
        done, content = cv2.imencode(".png", frame[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
        if not done:
            raise RowError("the frame cannot be encoded")
        return bytes(content)

    def version(self, uri: str) -> str:
        clip, _, number = uri.rpartition(_FRAME)
        found = file_version(self.root, clip or uri)
        return f"{found}{_FRAME}{number}" if found else ""

    def around(self, uri: str) -> list[Image]:
        """The frames just before and after; see :class:`augment.protocols.Source`."""
        return clips.neighbours(*self._place(uri))

    def _place(self, uri: str) -> tuple[Path, str, int]:
        """File, its version, frame number."""
        clip, _, number = uri.rpartition(_FRAME)
        path = resolve(self.root, clip)
        if not number.isdecimal():
            raise RowError("the row names no frame")
        return path, file_version(self.root, clip), int(number)

    def _of_clip(
        self, uri: str, row: Mapping[str, str], remark: Remark, first: dict[str, str]
    ) -> Iterator[Record]:
        said = read_labels(row, self.attributes, self._words, self.age_groups)
        usual = Record(
            name=uri,
            uri=uri,
            labels=said.labels,
            age=said.age,
            person=row.get(PERSON) or uri,
            split=said.split,
            note=joined([remark.note, said.note]),
            reason=remark.reason,
            licence=row.get(LICENCE, ""),
        )
        try:
            if remark.reason:
                raise RowError(remark.reason)
            path = resolve(self.root, uri)
            found = clips.survey(path, self.config.per_second, self.seed, uri)
            twin = first.setdefault(_digest(path), uri)
            if twin != uri:
                raise RowError(f"the same file as clip '{twin}'")
        except RowError as error:
            yield replace(usual, reason=str(error))
            return
        limit = float(np.quantile(found.sharpness, self.config.blurred))
        for number, sharpness in zip(found.chosen, found.sharpness, strict=True):
            yield replace(
                usual,
                name=f"{uri}/{number:07d}",
                uri=f"{uri}{_FRAME}{number:07d}",
                note=joined([usual.note, found.note]),
                reason=_BLURRED if sharpness < limit else "",
            )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
