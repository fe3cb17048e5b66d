"""A small road from the pilot to the data set: real planning, making and gating, made-up faces.

Faces come from ``copies``, and one check refuses them: ``novelty``, whose ``same_levels`` says how
much a copy must differ from its parent. That makes the pass rate, from all to none.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from augment.engine import Engine
from augment.job import Job
from augment.metrics.passes import failed_checks
from augment.shards import read_table, write_json
from augment.stages import assemble, gate, generate, pilot, plan, topup
from augment.types import Axis, BinSpace
from tests.unit.gate_rows import face, write_faces

STAGES: dict[str, Any] = {
    "pilot": pilot, "plan": plan, "generate": generate, "gate": gate, "topup": topup,
    "assemble": assemble,
}  # fmt: skip
#: Copies that hardly differ from their parents.
STILL = {"kind": "copies", "mirror": False, "turn": 0.0, "light": 0.02, "hue": 0, "degrade": 0.0}


class OrderingProject:
    """40 women and 12 men in the train split, where 30 of each are wanted: 18 men are lacking."""

    def __init__(
        self,
        folder: Path,
        levels: float = 2.0,
        generators: dict[str, Any] | None = None,
        engine: str = "inline",
        more: Sequence[dict[str, Any]] = (),
        **sections: Any,
    ) -> None:
        """``levels``: of novelty's ``same_levels``; ``more`` rows of aligned faces; ``sections``
        replace those of params."""
        self.folder, self.engine = folder, engine
        people = [face(f"s/w{n:02d}", half="ab"[n % 2]) for n in range(40)]
        people += [face(f"s/m{n:02d}", half="ab"[n % 2], gender="male") for n in range(12)]
        people += [face(f"t/{n}", "test") for n in range(3)]
        write_faces(folder, [*people, *more], shards=2)
        bins = BinSpace((Axis("gender", ("female", "male")),))
        write_json(folder / "audit.json", {"bin_space": bins.to_json()})
        self.params: dict[str, Any] = {
            "pilot": {"per_bin": 12},
            "plan": {"target": {"kind": "floor", "n": 30}, "max_children_per_parent": 20,
                     "max_synthetic_share": 1.0},
            "topup": {"rounds": 2},
            "assemble": {},
            "judges": {},
            "generators": generators or {"copies": {"kind": "copies"}},
            "gate": {"checks": {"novelty": {"kind": "novelty", "same_levels": levels}},
                     "smallest_group": 20},
            **sections,
        }  # fmt: skip

    def job(self, stage: str, key: str | None = None) -> Job:
        names = ["aligned", "audit.json", "pilot.json", "plan", "plan.json", "candidates",
                 "verdicts", "models", "topup", "balanced"]  # fmt: skip
        paths = {name: self.folder / name for name in names}
        for name in self.params["generators"]:
            paths[f"plan/{name}.parquet"] = self.folder / "plan" / f"{name}.parquet"
            paths |= {part: self.folder / part for part in (f"models/{name}", f"candidates/{name}")}
        cache = self.folder / ".augment" / "cache"
        engine = Engine(self.engine, 2, cache, progress=False)  # type: ignore[arg-type]
        return Job(stage, key, self.params, 7, paths, paths, engine)

    def run(self, *stages: str) -> "OrderingProject":
        for stage in stages:
            keys = list(self.params["generators"]) if stage == "generate" else [None]
            for key in keys:
                STAGES[stage].run(self.job(stage, key))
        return self

    def json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def orders(self, key: str = "copies") -> pa.Table:
        return pq.read_table(self.folder / "plan" / f"{key}.parquet")

    def candidates(self, *parts: str) -> list[dict[str, Any]]:
        """Rows of ``candidates`` or ``topup``/``candidates`` without their pictures."""
        folder = self.folder.joinpath(*parts, "candidates")
        columns = ["id", "generator", "bin", "parents", "seed", "status", "face_hash"]
        return [
            row
            for key in self.params["generators"]
            for row in read_table(folder / key, columns).to_pylist()
        ]

    def passed(self, *parts: str) -> set[str]:
        """Ids that passed every check."""
        rows = read_table(self.folder.joinpath(*parts, "verdicts")).to_pylist()
        return {row_id for row_id, failed in failed_checks(rows).items() if not failed}

    def cached(self, label: str) -> int:
        """Rows computed so far of operations of this name."""
        folders = (self.folder / ".augment" / "cache").glob(f"{label}-*")
        return sum(pq.read_metadata(path).num_rows for f in folders for path in f.glob("*.parquet"))
