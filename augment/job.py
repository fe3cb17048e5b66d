"""One call of a stage: what it may read, what it must write. Paths come from dvc.yaml alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augment.engine import Engine
from augment.params import SectionType, section, validate


@dataclass(frozen=True)
class Job:
    """What ``run(job)`` of every stage module gets.

    Attributes:
        stage: the stage's name, ``"align"``.
        key: the part behind @ of ``train@mask``, else None.
        params: only the sections that dvc.yaml lists for the stage, nested as in params.yaml.
        seed: the run's seed.
        inputs: data dependencies; the name is the path in dvc.yaml without a leading ``data/`` or
            ``reports/``: ``"aligned"``, ``"models/mask"``, ``"plan.json"``.
        outputs: outputs, metrics and plots, named in the same way.
        engine: where row operations run.
    """

    stage: str
    key: str | None
    params: Mapping[str, Any]
    seed: int
    inputs: Mapping[str, Path]
    outputs: Mapping[str, Path]
    engine: Engine = field(default_factory=Engine)

    def config(self, model: type[SectionType], path: str | None = None) -> SectionType:
        """The validated section at ``path`` (default: the one named like the stage)."""
        where = path or self.stage
        return validate(model, section(self.params, where), where)
