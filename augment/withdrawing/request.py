"""Who withdraws: what a person asks for, resolved to rows with the help of all tables there are."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from augment.duplicates import groups, near_duplicate_pairs
from augment.errors import UserError
from augment.intake.tombstones import Tombstones

_SHOWN = 3


@dataclass(frozen=True)
class Request:
    """Names in the clear: "<source>/<person>", row ids, keys of ingest.sources."""

    persons: Sequence[str] = ()
    ids: Sequence[str] = ()
    sources: Sequence[str] = ()
    near_duplicates: bool = False  # whether near duplicates of these photos go as well

    def __bool__(self) -> bool:
        return bool(self.persons or self.ids or self.sources)


@dataclass(frozen=True)
class Photo:
    """What the tables say of a real photo."""

    id: str
    person: str | None
    sha256: str  # of the file; "" where it could not be read or no table says it
    split: str | None
    half: str | None
    usable: bool


@dataclass
class Registry:
    """All photos and made faces that any table of the project knows, older versions included."""

    photos: dict[str, Photo] = field(default_factory=dict)
    hashes: dict[str, bytes] = field(default_factory=dict)  # id -> photo_hash
    parents: dict[str, set[str]] = field(default_factory=dict)  # made face -> whom it is made from

    def read(self, paths: Iterable[Path]) -> None:
        """Take in Parquet files; the first to name a photo is believed, so newest come first."""
        for path in paths:
            names = set(pq.read_schema(path).names)
            if {"id", "parents"} <= names:
                rows = pq.read_table(path, columns=["id", "parents"])
                for row_id, parents in zip(*(rows.column(n).to_pylist() for n in rows.column_names),
                                           strict=True):  # fmt: skip
                    if parents:
                        self.parents.setdefault(row_id, set()).update(parents)
            if {"id", "person", "sha256", "uri", "photo_hash"} <= names:
                self._read_photos(pq.read_table(path, columns=_PHOTO_COLUMNS))

    def _read_photos(self, rows: pa.Table) -> None:
        for row in rows.to_pylist():
            if row["id"] not in self.photos:
                self.photos[row["id"]] = Photo(
                    row["id"], row["person"], row["sha256"] or "", row["split"], row["half"],
                    row["status"] == "ok",
                )  # fmt: skip
                if row["photo_hash"]:
                    self.hashes[row["id"]] = row["photo_hash"]

    def descendants(self, ids: set[str]) -> set[str]:
        """Faces made from any of these, and from those."""
        made: set[str] = set()
        while new := {
            child
            for child, parents in self.parents.items()
            if child not in made and (parents & ids or parents & made)
        }:
            made |= new
        return made


_PHOTO_COLUMNS = ["id", "person", "sha256", "photo_hash", "split", "half", "status"]


@dataclass(frozen=True)
class Withdrawal:
    """Everything that must go.

    Attributes:
        asked: photos that were asked for, or had been before.
        copies: other photos with the very same bytes.
        near: near duplicates of those; they go only when asked for, see ``Request``.
        persons: people who withdraw as such, "<source>/<person>".
        made: faces made from any photo that goes.
        files: sha256 of the photos' files.
        gone: ids of all photos that go.
        staying: names of all rows and people that stay.
        staying_files: sha256 of the files of the photos that stay.
    """

    asked: frozenset[str]
    copies: frozenset[str]
    near: frozenset[str]
    persons: frozenset[str]
    made: frozenset[str]
    files: frozenset[str]
    gone: frozenset[str]
    staying: frozenset[str]
    staying_files: frozenset[str]

    @property
    def rows(self) -> frozenset[str]:
        """Ids of all rows that go, photos and made faces."""
        return self.gone | self.made


def resolve(request: Request, registry: Registry, tombstones: Tombstones) -> Withdrawal:
    """Find the rows of a request, and those of earlier ones that are still there.

    Raises:
        UserError: a name is known neither to the tables nor to the tombstones.
    """
    photos = registry.photos
    _require_known(request, registry, tombstones)
    persons = {
        photo.person
        for photo in photos.values()
        if photo.person is not None
        and (
            photo.person in request.persons
            or photo.person.partition("/")[0] in request.sources
            or tombstones.holds("person", photo.person)
            or tombstones.holds("source", photo.person.partition("/")[0])
        )
    } | set(request.persons)
    asked = {
        photo.id
        for photo in photos.values()
        if photo.person in persons
        or photo.id in request.ids
        or photo.id.partition("/")[0] in request.sources
        or tombstones.holds_row(photo.id, photo.person)
    }
    copies = _copies(asked, registry, tombstones)
    near = _near(asked | copies, registry)
    gone = asked | copies | (near | _copies(near, registry, tombstones) if request.near_duplicates
                             else set())  # fmt: skip
    made = registry.descendants(gone)
    staying = (set(photos) | set(registry.parents)) - gone - made
    staying |= {p.person for p in photos.values() if p.person and p.person not in persons}
    files = {photos[name].sha256 for name in gone} - {""}
    kept_files = {photo.sha256 for photo in photos.values() if photo.id not in gone} - {""}
    found = (asked, copies, near, persons, made, files, gone, staying, kept_files)
    return Withdrawal(*map(frozenset, found))


def _copies(ids: set[str], registry: Registry, tombstones: Tombstones) -> set[str]:
    """Other photos with the same bytes as any of these, or as one withdrawn before."""
    photos = registry.photos.values()
    files = {photo.sha256 for photo in photos if photo.id in ids} - {""}
    return {
        photo.id
        for photo in photos
        if photo.id not in ids and (photo.sha256 in files or tombstones.holds("file", photo.sha256))
    }


def _near(ids: set[str], registry: Registry) -> set[str]:
    """Other photos that look the same, as ingest and audit take it."""
    names = sorted(registry.hashes)
    if not names or not ids:
        return set()
    content = b"".join(registry.hashes[name] for name in names)
    pairs = near_duplicate_pairs(np.frombuffer(content, dtype=np.uint8).reshape(-1, 32))
    group = groups(len(names), pairs)
    theirs = {int(group[place]) for place, name in enumerate(names) if name in ids}
    return {n for n, number in zip(names, group, strict=True) if int(number) in theirs} - ids


def _require_known(request: Request, registry: Registry, tombstones: Tombstones) -> None:
    photos = registry.photos
    for name in request.ids:
        if name in registry.parents:
            parents = ", ".join(sorted(registry.parents[name])[:_SHOWN])
            raise UserError(
                f"'{name}' is a made face: who withdraws is a photo or a person. It is made from "
                f"{parents}; `augment forget --id` one of them takes all that was made from it out."
            )
    known = {
        "person": ({p.person for p in photos.values() if p.person}, request.persons),
        "id": (set(photos), request.ids),
        "source": ({name.partition("/")[0] for name in photos}, request.sources),
    }
    for kind, (names, wanted) in known.items():
        for name in wanted:
            if name not in names and not tombstones.holds(kind, name):
                raise UserError(_unknown(kind, name, names, bool(photos)))


def _unknown(kind: str, name: str, names: set[str], any_table: bool) -> str:
    if not any_table:
        return (
            "no table of photos is here (data/index), so nobody can be found: run `dvc repro "
            "ingest` or `dvc checkout` first."
        )
    if not names:
        return f"no photo has a {kind}: no data set says who is in it. Use --id or --source."
    near = difflib.get_close_matches(name, sorted(names), n=_SHOWN, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else f"one is called {min(names)}."
    form = {"person": "<source>/<person>", "id": "<source>/<photo>", "source": "its key in params"}
    return (
        f"no photo here has the {kind} '{name}' ({form[kind]}), and none was withdrawn before; "
        f"{hint}"
    )
