"""`augment export`: the balanced data set in the layouts that other tools read.

Pictures are streamed shard by shard; in memory lie the manifest (under 1 KB a face) and a batch.
The target appears whole or not at all: it is written beside itself and renamed at the end.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from augment.errors import UserError
from augment.exporting.layouts import Csv, ImageFolder, Tars, Writer
from augment.exporting.names import safe_names
from augment.shards import MARKER, iterate_file, write_json

Format = Literal["imagefolder", "webdataset", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)
Origin = Literal["real", "synthetic"]
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Wanted:
    """Which faces, and how.

    Attributes:
        layout: one of :data:`FORMATS`.
        splits: of these splits; empty: of all.
        only: real or synthetic faces alone; None: both.
        tar_mb: a tar file of the webdataset layout holds about so many megabytes.
    """

    layout: Format
    splits: Sequence[str] = ()
    only: Origin | None = None
    tar_mb: float = 256


def export(balanced: Path, target: Path, wanted: Wanted, overwrite: bool = False) -> dict[str, int]:
    """Write the chosen faces to ``target``.

    Args:
        balanced: ``data/balanced``.
        target: a folder that does not exist or is empty.
        wanted: which faces, in which layout.
        overwrite: replace an earlier export at ``target``.

    Returns:
        split -> how many faces were written.

    Raises:
        UserError: no data set, no such face, or a target that may not be replaced.
    """
    if not (balanced / MARKER).is_file():
        raise UserError(f"{balanced} holds no finished data set: `dvc repro assemble` makes it.")
    target = target.resolve()
    _require_free(target, overwrite)
    manifest = _chosen(pq.read_table(balanced / "manifest.parquet"), wanted)
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a run that was killed
    part.mkdir(parents=True)
    counts = _write(balanced, part, manifest, wanted)
    content = {"export": wanted.layout, "faces": counts, "manifest": _digest(balanced)}
    write_json(part / MARKER, content)
    if overwrite and target.exists():
        shutil.rmtree(target)
    part.rename(target)
    return counts


def _require_free(target: Path, overwrite: bool) -> None:
    if target.exists() and not target.is_dir():
        raise UserError(f"{target} is a file: name a folder with --out.")
    if not target.exists() or not any(target.iterdir()):
        return
    if not overwrite:
        raise UserError(f"{target} is not empty: choose another folder, or add --overwrite.")
    if not _is_export(target):
        raise UserError(
            f"{target} holds something else than an export, so --overwrite does not delete it: "
            "choose another folder."
        )


def _is_export(folder: Path) -> bool:
    try:
        content = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("export") in FORMATS


def _chosen(manifest: pa.Table, wanted: Wanted) -> pa.Table:
    """The manifest's rows of the wanted faces.

    Raises:
        UserError: there are none.
    """
    splits = list(wanted.splits or SPLITS)
    unknown = [split for split in splits if split not in SPLITS]
    if unknown:
        raise UserError(f"no split '{unknown[0]}'; there are: {', '.join(SPLITS)}.")
    chosen = pc.is_in(manifest.column("split"), pa.array(splits))
    if wanted.only is not None:
        synthetic = pa.scalar(wanted.only == "synthetic")
        chosen = pc.and_(chosen, pc.equal(manifest.column("synthetic"), synthetic))
    rows = manifest.filter(chosen)
    if not rows.num_rows:
        which = f"{wanted.only} " if wanted.only else ""
        raise UserError(f"there is no {which}face in {', '.join(splits)}: nothing to export.")
    return rows


def _write(balanced: Path, part: Path, manifest: pa.Table, wanted: Wanted) -> dict[str, int]:
    counts: Counter[str] = Counter()
    ids = manifest.column("id").combine_chunks()
    names = safe_names(ids.to_pylist())
    bar = tqdm(total=len(ids), desc=f"export {wanted.layout}", unit="face", mininterval=1)
    with closing(_writer(part, manifest.column_names, wanted)) as writer, bar:
        for split in SPLITS:
            for path in sorted((balanced / "data").glob(f"{split}-*-of-*.parquet")):
                for place, picture in _pictures(path, ids):
                    writer.add(names[place], manifest.slice(place, 1).to_pylist()[0], picture)
                    counts[split] += 1
                    bar.update()
    if counts.total() != len(ids):
        raise UserError(
            f"{balanced} is damaged: of {len(ids):,} faces in its manifest {counts.total():,} have "
            "a picture. `dvc repro assemble` writes it anew."
        )
    return dict(counts)


def _pictures(path: Path, ids: pa.Array) -> Iterator[tuple[int, bytes]]:
    """(place among the wanted ids, encoded picture) of a shard's faces, in stored order."""
    own = pq.read_table(path, columns=["id"]).column("id")
    places = iter(pc.index_in(own, ids).to_pylist())
    for batch in iterate_file(path, ["image"]):
        for image in batch.column("image"):
            place = next(places)
            if place is not None:
                yield place, image["bytes"].as_py()


def _writer(folder: Path, columns: Sequence[str], wanted: Wanted) -> Writer:
    if wanted.layout == "imagefolder":
        return ImageFolder(folder)
    if wanted.layout == "webdataset":
        return Tars(folder, int(wanted.tar_mb * 2**20))
    return Csv(folder, columns)


def _digest(balanced: Path) -> str:
    """sha256 of the data set's manifest.json: which data set this is a copy of."""
    return hashlib.sha256((balanced / "manifest.json").read_bytes()).hexdigest()
