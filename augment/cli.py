"""The command line."""

import importlib
import os
import sys
from typing import cast

from augment.engine import Engine, EngineName
from augment.errors import UserError
from augment.params import read_params
from augment.road import make_job, read_road


def main() -> None:
    try:
        run_stage(sys.argv[1])
    except UserError as error:
        print(f"augment: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def run_stage(address: str) -> None:
    params = read_params()
    road = read_road(params)
    stage = road[address]
    engine = Engine(cast(EngineName, os.environ.get("AUGMENT_ENGINE", "pool")))
    importlib.import_module(f"augment.stages.{stage.name}").run(make_job(stage, params, engine))
