"""Pictures in a folder: listed, read, and never anything outside of that folder.

Paths come from label tables that others wrote, so each is resolved and must stay inside.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from augment.errors import RowError, UserError
from augment.params import Section
from augment.types import Image
from augment.vocabulary import NO, YES, AgeGroup, value_order

_UNREAD = (".heic", ".heif", ".avif")  # listed all the same: their rows say that they are not read
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", *_UNREAD)
#: A larger file is refused unread: no face photo is that large, and memory must stay bounded.
MAX_FILE_BYTES = 256 * 2**20


class SourceConfig(Section):
    """What every source takes."""

    #: Labels that hold for all faces of a source, such as ``{mask: "no"}``; only where the data set
    #: itself says nothing.
    assume: dict[str, str] = Field(default={})

    @field_validator("assume", mode="before")
    @classmethod
    def _as_words(cls, assume: Any) -> Any:
        """YAML reads a bare yes or no as a truth value: take it as the word it is."""
        if not isinstance(assume, Mapping):
            return assume  # pydantic says what is wrong
        return {label: yaml_word(value) for label, value in assume.items()}

    @field_validator("assume")
    @classmethod
    def _in_vocabulary(cls, assume: dict[str, str]) -> dict[str, str]:
        for label, value in assume.items():
            # The names of age groups are params, too: that one is for the stage to check.
            if label != "age_group" and value not in value_order(label):
                raise ValueError(f"{label}: '{value}' is none of {', '.join(value_order(label))}")
        return assume


def yaml_word(value: Any) -> str:
    """The text of a scalar from YAML; truth values are "yes" and "no"."""
    return (YES if value else NO) if isinstance(value, bool) else str(value)


class FilesConfig(SourceConfig):
    """What every source of picture files takes."""

    root: str = "."  # the data set's folder, relative to ingest.data


class FileSource:
    """Base of the sources that read picture files below one folder."""

    def __init__(
        self, config: FilesConfig, data: Path, age_groups: tuple[AgeGroup, ...], seed: int
    ) -> None:
        self.root = data / config.root
        self.age_groups = age_groups
        self.assume = config.assume
        if not self.root.is_dir():
            raise UserError(
                f"{self.root} is no folder: set ingest.data to the folder of your data sets, and "
                "the source's 'root' to the one inside it."
            )

    def read(self, uri: str) -> bytes:
        """The file's bytes. Raises RowError where they cannot be read."""
        return read_file(self.root, uri)

    def version(self, uri: str) -> str:
        """Changes whenever the file does; the file is not opened."""
        return file_version(self.root, uri)

    def parsing(self, uri: str) -> Image | None:
        """No face parts are labelled."""
        return None


def resolve(root: Path, uri: str) -> Path:
    """The file that ``uri`` names below ``root``, links followed.

    Raises:
        RowError: the path is empty or leads outside of ``root``.
    """
    if not uri or "\0" in uri:
        raise RowError("the file has no usable name")
    # Text, not Path: this runs for each of a million rows.
    inside = _real(root)
    path = os.path.realpath(os.path.join(inside, uri))  # noqa: PTH118
    if path != inside and not path.startswith(inside.rstrip("/") + "/"):
        raise RowError("the path leads outside of the data set's folder")
    return Path(path)


@lru_cache(maxsize=64)
def _real(root: Path) -> str:
    return os.path.realpath(root)


def read_file(root: Path, uri: str) -> bytes:
    """All bytes of a file below ``root``.

    Raises:
        RowError: it is outside, missing, no plain file, too large, or unreadable.
    """
    path = resolve(root, uri)
    try:
        status = path.stat()
        # A named pipe would make the read wait for ever.
        if not stat.S_ISREG(status.st_mode):
            raise RowError("it is no plain file")
        if status.st_size > MAX_FILE_BYTES:
            raise RowError(f"the file is larger than {MAX_FILE_BYTES // 2**20} MiB")
        return path.read_bytes()
    except FileNotFoundError:
        raise RowError("the file is missing") from None
    except OSError as error:
        raise RowError(f"the file cannot be read ({error.strerror})") from None


def file_version(root: Path, uri: str) -> str:
    """Path, size and time of the last change (of content or rights), "" where there is no file."""
    try:
        path = resolve(root, uri)
        status = path.stat()
    except (RowError, OSError):
        return ""
    return f"{path}:{status.st_size}:{status.st_ctime_ns}"


def photos_below(root: Path, folder: str = ".") -> Iterator[str]:
    """Paths of all picture files in ``folder`` and below; see :func:`files_below`."""
    return files_below(root, SUFFIXES, folder)


def files_below(root: Path, suffixes: tuple[str, ...], folder: str = ".") -> Iterator[str]:
    """Paths, relative to ``root`` and sorted, of all files of a kind in ``folder`` and below.

    Known by their suffix; hidden files (such as the ``._1.jpg`` of a Mac's archive) are passed
    over, links to folders are not followed.

    Raises:
        UserError: a folder cannot be listed: its photos would be missed without a word.
    """
    for place, folders, files in os.walk(root / folder, onerror=_unlisted):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.lower().endswith(suffixes) and not name.startswith("."):
                path = os.path.relpath(os.path.join(place, name), root)  # noqa: PTH118 (speed)
                # A name that is not UTF-8 cannot be stored: its row says that the file is missing.
                yield path.encode("utf-8", "backslashreplace").decode()


def _unlisted(error: OSError) -> None:
    # A folder that is not there has no files; it is for the caller to say what that means.
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise UserError(
            f"{error.filename} cannot be listed ({error.strerror}): change its rights, or move it "
            "away."
        ) from None
