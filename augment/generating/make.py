"""Make the faces of one generator's orders: candidate rows in a finished folder."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from augment.engine import Engine
from augment.generating.donors import write_joined
from augment.generating.operation import MakeFaces
from augment.plugins import configure
from augment.protocols import Generator
from augment.schema import Labels, order_schema


def make_candidates(
    engine: Engine,
    key: str,
    entry: Mapping[str, Any],
    orders: pa.Table,
    aligned: Path,
    weights: Path,
    target: Path,
) -> None:
    """Write ``target``, rows of :func:`augment.schema.candidate_schema`: one an order.

    A candidate that was made before, by whichever stage, comes out of the engine's row cache.

    Args:
        engine: where faces are made.
        key: the generator's.
        entry: its entry in params.yaml.
        orders: rows of :func:`augment.schema.order_schema`.
        aligned: ``data/aligned``.
        weights: what its training left, ``models/<key>``.
        target: the folder to write.

    Raises:
        UserError: the entry is wrong, or the weights are missing.
    """
    module, config = configure("generators", entry, f"generators.{key}")
    labels = Labels.of(orders.schema)
    generator: Generator = module.Generator(config)
    if orders.num_rows:  # else its weights are not needed, nor torch
        generator.load(weights)
    op = MakeFaces(
        kind=entry["kind"],
        settings=config.model_dump_json(),
        folder=weights,
        weights=generator.weights(),
        labels=labels,
        parents=generator.parents,
    )
    joined = engine.cache.parent / "generate" / key
    write_joined(orders, aligned, joined)
    engine.map_folder(
        op, joined, target, f"generate {key}", columns=tuple(order_schema(labels).names)
    )
    shutil.rmtree(joined)
