"""The faces that the gate looks at: candidates, their parents, and real ones to compare with."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from augment.errors import UserError
from augment.schema import OK, SMALL, Labels, candidate_schema, without_predicted
from augment.seeds import row_share
from augment.shards import iterate, read_json, read_schema, read_table
from augment.types import BinSpace

_MEASURED = ("face_hash", "ita", "sharpness", "brightness")


@dataclass(frozen=True)
class FacesOf:
    """Some rows of finished folders. ``rows`` holds no pictures; these are streamed."""

    folders: tuple[Path, ...]
    rows: pa.Table

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def where(self, mask: pa.ChunkedArray) -> "FacesOf":
        return FacesOf(self.folders, self.rows.filter(mask))

    def with_ids(self, ids: Collection[str]) -> "FacesOf":
        return self.where(pc.is_in(self.rows.column("id"), pa.array(sorted(ids), pa.string())))

    def pictures(self) -> Iterator[pa.RecordBatch]:
        """Batches of ``id`` and ``image``: the same rows in the same order."""
        wanted = self.rows.column("id").combine_chunks()
        for folder in self.folders:
            for batch in iterate(folder, ["id", "image"]):
                part = batch.filter(pc.is_in(batch.column("id"), wanted))
                if part.num_rows:
                    yield part


@dataclass(frozen=True)
class GateFaces:
    """Whom one run of the gate looks at.

    Attributes:
        candidates: those with a picture.
        not_made: candidate rows without one.
        unseen: real train faces that no judge learned on, at most so many of a bin; predicted
            labels count as unknown.
        parents: real train faces that candidates were made from, small ones that were restored
            included; where a candidate has several, also a face of every train person, for it
            shall be nobody of them.
        hashes: ``id``, ``split``, ``face_hash`` of all real faces.
    """

    candidates: FacesOf
    not_made: pa.Table
    unseen: FacesOf
    parents: FacesOf
    hashes: pa.Table


def candidate_folders(folder: Path, keys: Sequence[str]) -> tuple[Path, ...]:
    """``data/candidates/<key>`` of every generator, in the order of params.yaml.

    Raises:
        UserError: there is a folder of a generator that params.yaml does not name (any more).
    """
    found = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    unknown = [str(folder / name) for name in sorted(found) if name not in keys]
    if unknown:
        raise UserError(
            f"{', '.join(unknown)}: params.yaml names no such generator, so its faces are not "
            "wanted in the data set. Delete the folder, or name the generator under 'generators'."
        )
    return tuple(folder / key for key in keys)


def read_bin_space(audit: Path) -> BinSpace:
    """The bins that ``reports/audit.json`` counts in."""
    return BinSpace.from_json(read_json(audit)["bin_space"])


def read_faces(aligned: Path, folders: tuple[Path, ...], bins: BinSpace, per_bin: int) -> GateFaces:
    """Read all but the pictures; ``per_bin`` bounds the real faces that judges are asked about."""
    labels = Labels.of(read_schema(aligned))
    columns = ["id", "status", "split", "half", "person", *labels.columns, "label_origin"]
    columns += [*_MEASURED, "points", "native_side"]
    everyone = read_table(aligned, columns)
    certain = without_predicted(everyone).drop_columns("label_origin")
    everyone = everyone.drop_columns("label_origin")
    real = FacesOf((aligned,), certain.filter(pc.equal(certain.column("status"), OK)))
    train = real.where(pc.equal(real.rows.column("split"), "train"))
    # Held-out faces are no parents, whatever an order says: the checks find theirs missing.
    is_parent = pc.and_(
        pc.is_in(everyone.column("status"), pa.array([OK, SMALL])),
        pc.equal(everyone.column("split"), "train"),
    )
    candidates = _read_candidates(folders, labels)
    made = pc.equal(candidates.column("status"), OK)
    parents = {p for ids in candidates.column("parents").to_pylist() for p in ids or ()}
    if any(len(ids or ()) > 1 for ids in candidates.column("parents").to_pylist()):
        parents |= _one_of_each(train.rows)
    unseen = train.where(pc.equal(train.rows.column("half"), "a"))
    return GateFaces(
        candidates=FacesOf(folders, candidates.filter(made)),
        not_made=candidates.filter(pc.invert(made)),
        unseen=unseen.with_ids(_choose(unseen.rows, bins, per_bin)),
        parents=FacesOf((aligned,), everyone.filter(is_parent)).with_ids(parents),
        hashes=real.rows.select(["id", "split", "face_hash"]),
    )


def _read_candidates(folders: Sequence[Path], labels: Labels) -> pa.Table:
    columns = ["id", "generator", "bin", "parents", "changes", "status", "reason"]
    columns += [*labels.columns, *_MEASURED]
    empty = candidate_schema(labels).empty_table().select(columns)
    return pa.concat_tables([empty, *(read_table(folder, columns) for folder in folders)])


def _one_of_each(rows: pa.Table) -> set[str]:
    """The first face by id of every person; of people that are not known, every face."""
    first: dict[str, str] = {}
    columns = (rows.column(name).to_pylist() for name in ("id", "person"))
    for name, person in sorted(zip(*columns, strict=True), key=lambda pair: pair[0]):
        first.setdefault(person or name, name)
    return set(first.values())


def _choose(rows: pa.Table, bins: BinSpace, per_bin: int) -> set[str]:
    """At most ``per_bin`` of each bin (and of the rows in none), in an order of the ids' hashes."""
    ids, codes = rows.column("id").to_pylist(), bins.codes(rows)
    taken = np.zeros(len(bins) + 1, dtype=np.int64)  # the last: faces in no bin, code -1
    chosen = set()
    for place in sorted(range(len(ids)), key=lambda n: row_share(0, "gate", ids[n])):
        if taken[codes[place]] < per_bin:
            taken[codes[place]] += 1
            chosen.add(ids[place])
    return chosen
