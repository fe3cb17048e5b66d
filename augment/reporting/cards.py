"""The cards of chosen candidates: pictures, parents, and why they were refused."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from augment.reporting.faces import Album, Visibility
from augment.reporting.page import Card
from augment.shards import iterate, iterate_file


class Cards:
    """Makes the cards of chosen candidates; reads only the pictures that are needed."""

    def __init__(
        self,
        visibility: Visibility,
        candidates: Sequence[Path],
        balanced: Path,
    ) -> None:
        """``candidates``: their folders; ``balanced``: the folder of picture shards."""
        self._visibility, self._album = visibility, Album(visibility)
        self._candidates, self._balanced = candidates, balanced
        self._rows: dict[str, dict[str, Any]] = {}
        self._parents: dict[str, bytes] = {}
        self._reasons: dict[str, list[str]] = defaultdict(list)
        self._scores: dict[str, dict[str, float]] = defaultdict(dict)

    def load(self, ids: Sequence[str], verdicts: Iterable[Mapping[str, Any]]) -> None:
        """Read what the cards of these candidates need."""
        wanted = set(ids)
        columns = ["id", "generator", "bin", "parents", "steps", "image"]
        for folder in self._candidates:
            for row in _rows(iterate(folder, columns), wanted):
                self._rows[row["id"]] = row
        for verdict in verdicts:
            if verdict["id"] not in wanted:
                continue
            if verdict["score"] is not None and verdict["threshold"] is not None:
                margin = verdict["score"] - verdict["threshold"]
                self._scores[verdict["id"]][verdict["check"]] = round(margin, 4)
            if not verdict["passed"]:
                self._reasons[verdict["id"]].append(
                    f"{verdict['check'].replace('_', ' ')}: {verdict['reason']}"
                )
        parents = {parent for row in self._rows.values() for parent in row["parents"]}
        for path in sorted(self._balanced.glob("train-*.parquet")):
            for row in _rows(iterate_file(path, ["id", "image"]), parents):
                self._parents[row["id"]] = row["image"]["bytes"]

    @property
    def hidden(self) -> bool:
        return not all(self._visibility.allows(row["parents"]) for row in self._rows.values())

    def alone(self, row_id: str) -> Card:
        return self._card(row_id, with_parents=False)

    def with_parents(self, row_id: str) -> Card:
        return self._card(row_id, with_parents=True)

    def _card(self, row_id: str, with_parents: bool) -> Card:
        row = self._rows[row_id]
        verdict = "passed" if not self._reasons[row_id] else "refused"
        alt = f"synthetic face by {row['generator']} for {row['bin']}, {verdict}"
        parents = tuple(
            self._album.real(parent, self._parents.get(parent), f"its parent {parent}")
            for parent in (row["parents"] if with_parents else ())
        )
        content = row["image"] and row["image"]["bytes"]
        return Card(
            id=row_id,
            generator=row["generator"],
            bin=row["bin"],
            passed=not self._reasons[row_id],
            shot=self._album.made(row["parents"], content, alt),
            parents=parents,
            steps=tuple(row["steps"] or ()),
            reasons=tuple(self._reasons[row_id]),
            scores=self._scores[row_id],
        )


def _rows(batches: Iterable[pa.RecordBatch], wanted: set[str]) -> Iterator[dict[str, Any]]:
    ids = pa.array(sorted(wanted), pa.string())
    for batch in batches:
        yield from batch.filter(pc.is_in(batch.column("id"), ids)).to_pylist()
