"""Takes everything out, in an order that lets a killed run find the rest again.

What tells who is who goes last: the row caches first, then the tables that only hold ids, then
those that name parents, then ``data/aligned``, and ``data/index`` at the very end.
"""

import contextlib
import json
import shutil
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from augment.intake.predictions import FILE as PREDICTIONS
from augment.intake.predictions import drop_predictions
from augment.rowcache import drop_rows
from augment.shards import MARKER
from augment.withdrawing.places import Places
from augment.withdrawing.request import Withdrawal
from augment.withdrawing.tables import Finder, clean_table, group_names, is_parquet, mend_marker

INDEX, ALIGNED, BALANCED = "data/index", "data/aligned", "data/balanced"


def clean(
    places: Places,
    finder: Finder,
    hits: Collection[Path],
    models: Iterable[str],
    assemble: Callable[[], None],
) -> None:
    """Take rows out of all tables, and remove the files that cannot lose just a row.

    Args:
        places: where to look.
        finder: what must go.
        hits: the files that hold any of it.
        models: keys of the models that saw it.
        assemble: writes ``data/balanced`` anew from what is left.
    """
    _clean_dvc_cache(places, hits)
    drop_predictions(places.project / PREDICTIONS, finder.withdrawal.rows, finder.withdrawal.files)
    _clean_work(places.project / ".augment", finder, models)
    for path in _reports_with_pictures(places):
        path.unlink()
    last = (places.project / ALIGNED, places.project / INDEX)
    tables = [path for path in places.tables() if path in hits]
    for path in sorted(tables, key=_order):
        if path.parent not in last:
            clean_table(path, finder, {})
    for folder in {path.parent for path in places.project.glob("data/**/" + MARKER)} - set(last):
        mend_marker(folder)
    _clean_folder(last[0], finder)
    balanced = places.project / BALANCED
    touched = any(path.is_relative_to(balanced) for path in hits)
    if balanced.is_dir() and (touched or not (balanced / MARKER).is_file()):
        assemble()
    for path in places.texts():
        if path in hits and path.is_file() and places.is_made(path) and finder.count(path):
            path.unlink()
    _clean_folder(last[1], finder)


def _order(path: Path) -> bool:
    """Tables that name parents come after those that know a made face by its id alone."""
    return "parents" in pq.read_schema(path).names


def _clean_folder(folder: Path, finder: Finder) -> None:
    paths = sorted(folder.glob("*.parquet"))
    groups = group_names(paths, finder.withdrawal)
    for path in paths:
        clean_table(path, finder, groups)
    mend_marker(folder)


def _reports_with_pictures(places: Places) -> list[Path]:
    """Pages hold pictures stored anew, which cannot be told by their bytes."""
    return [path for path in places.project.glob("reports/**/*.html") if places.is_made(path)]


def _clean_dvc_cache(places: Places, hits: Collection[Path]) -> None:
    """Older and current versions of outputs: an object that holds any of it goes as a whole."""
    removed = set()
    objects = places.cached()
    for path in objects:
        if path in hits or is_page(path):
            removed.add(path.parent.name + path.name)
            path.unlink()
    for path in objects:
        if path.suffix == ".dir" and path.is_file():
            with contextlib.suppress(ValueError, TypeError, KeyError):
                listed = {entry["md5"] for entry in json.loads(path.read_text(encoding="utf-8"))}
                # DVC takes a listing whose files are gone for a broken cache.
                if listed & removed:
                    path.unlink()


def is_page(path: Path) -> bool:
    """Whether it is an HTML page: in DVC's cache, an older report."""
    with path.open("rb") as file:
        return file.read(64).lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _clean_work(folder: Path, finder: Finder, models: Iterable[str]) -> None:
    """``.augment``: rows that may be theirs are computed again, trainings that saw them start anew.

    Joined orders, downstream trainings and the like go as a whole.
    """
    for path in folder.glob("*"):
        if path.name not in ("cache", "train"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for key in models:
        # A chain keeps each step's weights in a folder of the step's key, under which it learned.
        steps = (path.name for path in (folder.parent / "models" / key).glob("*") if path.is_dir())
        for name in (key, *steps):
            shutil.rmtree(folder / "train" / name, ignore_errors=True)
    for part in (folder / "cache").glob("*/*"):
        if part.suffix != ".parquet":
            part.unlink()  # half written when a run was killed
        elif not _traceable(part):
            part.unlink()
        else:
            drop_rows(part, lambda rows: _may_be_theirs(rows, finder.withdrawal))


def _traceable(path: Path) -> bool:
    """Whether a chunk's rows say whose they are; judges' opinions do not, for instance."""
    if not is_parquet(path):
        return False
    with contextlib.suppress(pa.ArrowException):
        return bool({"image", "sha256"} & set(pq.read_schema(path).names))
    return False


def _may_be_theirs(rows: pa.Table, withdrawal: Withdrawal) -> list[bool]:
    """Rows that are not known to be somebody else's.

    A cache also holds faces that no table names: of photos that are gone, or made by a pilot.
    """
    if "image" not in rows.column_names:
        staying = withdrawal.staying_files
        return [digest not in staying for digest in rows.column("sha256").to_pylist()]
    paths = [(image or {}).get("path") or "" for image in rows.column("image").to_pylist()]
    ids = [path.rpartition(".")[0] for path in paths]
    # A person may be called like a row: what goes is asked first.
    return [name in withdrawal.rows or name not in withdrawal.staying for name in ids]
