"""The plan's question: what is lacking, who is there, which generators there are and how good."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augment import plugins
from augment.errors import UserError
from augment.metrics.balance import Counts, deficits
from augment.planning.config import Config, GeneratorLimits, check_generators
from augment.planning.faces import TrainFaces, read_train_faces
from augment.planning.problem import Problem
from augment.planning.rates import Rates
from augment.planning.suppliers import Mover, supplier
from augment.planning.targets import target_counts
from augment.shards import read_json
from augment.types import BinSpace


@dataclass(frozen=True)
class Question:
    """What the plan, its pilot and its top-ups ask alike.

    Attributes:
        space: the bins.
        faces: train faces that may become parents.
        targets: faces that each bin shall hold, shape (bins,).
        problem: what is lacking and allowed before anything is made.
    """

    space: BinSpace
    faces: TrainFaces
    targets: Counts
    problem: Problem


def pose(
    config: Config, movers: Mapping[str, Mover], rates: Rates, aligned: Path, audit: Path
) -> Question:
    """Read who is there and ask every generator what it can do.

    Args:
        config: the section ``plan``.
        movers: the generators by key.
        rates: how many candidates each takes for a face.
        aligned: ``data/aligned``.
        audit: ``reports/audit.json``.

    Raises:
        UserError: params are wrong, or no usable train face is in any bin.
    """
    check_generators(config, list(movers))
    content = read_json(audit)
    space = BinSpace.from_json(content["bin_space"])
    faces = read_train_faces(aligned, space)
    have = faces.census()
    if not have.sum():
        raise UserError("no usable train face is in any bin of audit.axes: there are no donors.")
    targets = target_counts(space, have, config.target)
    lacking = deficits(have, targets)
    suppliers = [
        supplier(
            key, mover, space, lacking, config.generators.get(key, GeneratorLimits()),
            rates.spares(key, space.names),
        )
        for key, mover in movers.items()
    ]  # fmt: skip
    problem = Problem.fresh(
        lacking, have, suppliers, config.max_children_per_parent, config.max_synthetic_share,
        faces.small(), config.most_spare,
    )  # fmt: skip
    return Question(space, faces, targets, problem)


def make_movers(entries: Mapping[str, Any] | None) -> dict[str, Mover]:
    """The generators that params.yaml names, not loaded.

    Raises:
        UserError: an entry is wrong.
    """
    movers: dict[str, Mover] = {}
    for key, entry in (entries or {}).items():
        module, config = plugins.configure("generators", entry, f"generators.{key}")
        movers[key] = module.Generator(config)
    return movers
