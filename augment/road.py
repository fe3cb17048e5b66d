"""Read the road from dvc.yaml: stages, their keys, and the job that each call of a stage gets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from augment.engine import Engine
from augment.errors import UserError
from augment.job import Job
from augment.params import section


@dataclass(frozen=True)
class Stage:
    """One node of the road, templates filled in. Paths are as written in dvc.yaml."""

    name: str  # "align"
    key: str | None  # "mask" of "train@mask"
    command: str
    params: tuple[str, ...]
    deps: tuple[str, ...]  # code and data
    outs: tuple[str, ...]  # outs, metrics and plots

    @property
    def address(self) -> str:
        return self.name if self.key is None else f"{self.name}@{self.key}"


def read_road(params: Mapping[str, Any], path: Path = Path("dvc.yaml")) -> dict[str, Stage]:
    """All stages by address, in the file's order.

    Raises:
        UserError: dvc.yaml is missing, or a template names a parameter that does not exist.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{path} not found: run the command in the project's folder, where dvc.yaml lies."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    if not isinstance(content, dict) or not isinstance(content.get("stages"), dict):
        raise UserError(f"{path} must hold 'stages:' with at least one stage.")
    stages = [
        stage
        for name, definition in content["stages"].items()
        for stage in _expand(name, definition, params)
    ]
    return {stage.address: stage for stage in stages}


def _expand(name: str, definition: Mapping[str, Any], params: Mapping[str, Any]) -> list[Stage]:
    if "foreach" not in definition:
        return [_stage(name, None, definition, params)]
    where = definition["foreach"].removeprefix("${").removesuffix("}")
    keys = section(params, where) or {}
    if not isinstance(keys, Mapping):
        raise UserError(
            f"params.yaml: {where} must be named entries, such as 'mask: {{kind: mask}}'."
        )
    return [_stage(name, key, definition["do"], params) for key in keys]


def _stage(
    name: str, key: str | None, definition: Mapping[str, Any], params: Mapping[str, Any]
) -> Stage:
    def filled(kind: str) -> tuple[str, ...]:
        # An output with options is a mapping of one path to its options.
        entries = (
            next(iter(entry)) if isinstance(entry, dict) else entry
            for entry in definition.get(kind, ())
        )
        return tuple(_fill(entry, key, params) for entry in entries)

    outs = filled("outs") + filled("metrics") + filled("plots")
    command = _fill(str(definition.get("cmd")), key, params)
    return Stage(name, key, command, filled("params"), filled("deps"), outs)


def _fill(template: str, key: str | None, params: Mapping[str, Any]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] == "key":
            return str(key)
        return str(section(params, match[1]))

    return re.sub(r"\$\{([\w.]+)\}", value, template)


def make_job(stage: Stage, params: Mapping[str, Any], engine: Engine) -> Job:
    """The job of a stage: only the params sections, inputs and outputs that dvc.yaml lists."""
    seed = section(params, "seed")
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise UserError(f"params.yaml: seed must be a whole number from 0, and is {seed!r}.")
    return Job(
        stage=stage.name,
        key=stage.key,
        params=_select(params, [path for path in stage.params if path != "seed"]),
        seed=seed,
        inputs={short_name(path): Path(path) for path in stage.deps if not is_code(path)},
        outputs={short_name(path): Path(path) for path in stage.outs},
        engine=engine,
    )


def is_code(path: str) -> bool:
    return path.split("/")[0] == "augment"


def short_name(path: str) -> str:
    """``data/aligned`` -> ``aligned``, ``reports/plan.json`` -> ``plan.json``."""
    return path.removeprefix("data/").removeprefix("reports/")


def _select(params: Mapping[str, Any], paths: list[str]) -> dict[str, Any]:
    selected: dict[str, Any] = {}
    for path in paths:
        *parents, last = path.split(".")
        place = selected
        for name in parents:
            place = place.setdefault(name, {})
        place[last] = section(params, path)
    return selected
