"""What writes faces: one class a layout."""

import csv
import io
import json
import os
import tarfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TextIO

METADATA = "metadata.jsonl"
MANIFEST = "manifest.csv"
_SUFFIX = ".jpg"  # the project's one codec
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet read a cell as a formula


class Writer(Protocol):
    """Takes one face after the other."""

    def add(self, name: str, row: Mapping[str, Any], picture: bytes) -> None: ...

    def close(self) -> None: ...


def as_text(row: Mapping[str, Any]) -> dict[str, Any]:
    """Every value as text but ``synthetic``: "" for none, JSON for lists and records.

    Readers guess a column's type from its first rows, split by split; guesses of numbers and lists
    would differ where a split holds none.
    """
    return {name: value if name == "synthetic" else _text(value) for name, value in row.items()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(_rounded(value), ensure_ascii=False)
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _rounded(value: Any) -> Any:
    """Without the digits that a 32-bit number gains as a 64-bit one; NaN is not JSON."""
    if isinstance(value, float):
        return float(f"{value:.7g}") if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list) else value


class ImageFolder:
    """``<split>/<name>.jpg`` and ``<split>/metadata.jsonl``, as ``load_dataset("imagefolder")``
    reads it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._metadata: dict[str, TextIO] = {}

    def add(self, name: str, row: Mapping[str, Any], picture: bytes) -> None:
        split = row["split"]
        if split not in self._metadata:
            (self._folder / split).mkdir()
            self._metadata[split] = (self._folder / split / METADATA).open("w", encoding="utf-8")
        with (self._folder / split / f"{name}{_SUFFIX}").open("xb") as file:
            file.write(picture)
        line = {"file_name": f"{name}{_SUFFIX}", **as_text(row)}
        self._metadata[split].write(json.dumps(line, ensure_ascii=False) + "\n")

    def close(self) -> None:
        for file in self._metadata.values():
            _finish(file)


class Tars:
    """``<split>-000000.tar`` …, in each ``<name>.jpg`` and ``<name>.json`` of a face."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most = folder, most_bytes
        self._number: Counter[str] = Counter()
        self._split = ""
        self._file: BinaryIO | None = None
        self._tar: tarfile.TarFile | None = None

    def add(self, name: str, row: Mapping[str, Any], picture: bytes) -> None:
        tar = self._open(row["split"])
        _put(tar, f"{name}{_SUFFIX}", picture)
        _put(tar, f"{name}.json", json.dumps(as_text(row), ensure_ascii=False).encode())

    def _open(self, split: str) -> tarfile.TarFile:
        """The tar that the next face of a split goes into."""
        full = self._file is not None and self._file.tell() >= self._most
        if self._tar is None or split != self._split or full:
            self.close()
            path = self._folder / f"{split}-{self._number[split]:06d}.tar"
            self._split = split
            self._number[split] += 1
            self._file = path.open("xb")
            self._tar = tarfile.TarFile(fileobj=self._file, mode="w", format=tarfile.USTAR_FORMAT)
        return self._tar

    def close(self) -> None:
        if self._tar is not None and self._file is not None:
            self._tar.close()
            _finish(self._file)
        self._tar = self._file = None


def _put(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)  # no time, no owner: the same faces give the same bytes
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


class Csv:
    """``manifest.csv``, whose column ``file`` names ``images/<split>/<name>.jpg``."""

    def __init__(self, folder: Path, columns: Sequence[str]) -> None:
        self._folder = folder
        self._file = (folder / MANIFEST).open("w", encoding="utf-8", newline="")
        self._rows = csv.DictWriter(self._file, ["file", *columns], lineterminator="\n")
        self._rows.writeheader()

    def add(self, name: str, row: Mapping[str, Any], picture: bytes) -> None:
        file = f"images/{row['split']}/{name}{_SUFFIX}"
        path = self._folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as opened:
            opened.write(picture)
        self._rows.writerow(
            {"file": file} | {name: _inert(row[name], text) for name, text in as_text(row).items()}
        )

    def close(self) -> None:
        _finish(self._file)


def _inert(value: Any, text: Any) -> Any:
    """``text`` with an apostrophe before it where a spreadsheet would run it as a formula.

    Names of files and people come with the photos, that is from strangers; numbers stay numbers.
    """
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _finish(file: BinaryIO | TextIO) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
