"""What `augment check` finds: every problem of params.yaml and dvc.yaml at once, before any work.

Nothing is trained, read or computed; plug-ins are made, which looks for the files they name.
"""

import difflib
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from augment import plugins
from augment.closure import module_path
from augment.engine import Engine
from augment.errors import UserError
from augment.params import explain, read_params
from augment.plugins import CLASS_NAME, Kind
from augment.road import Stage, make_job, read_road

#: Sections that are no stage's own.
_PLUGIN_SECTIONS: tuple[Kind, ...] = ("generators", "judges")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def find_problems(project: Path = Path()) -> list[str]:
    """One sentence a problem, in the order of the road; [] where all is well."""
    try:
        params = read_params(project / "params.yaml")
    except UserError as error:
        return [str(error)]
    problems = _Problems()
    problems.extend(_section_names(params, _stage_names()))
    problems.extend(_entry_names(params))
    for stage in _stage_names():
        problems.extend(_stage_section(params, stage))
    problems.attempt(lambda: _open_sources(params))
    for where, kind, entry in _entries(params):
        problems.attempt(partial(_make, kind, entry, where))
    problems.extend(_restorers(params))
    road: dict[str, Stage] = {}
    problems.attempt(lambda: road.update(read_road(params, project / "dvc.yaml")))
    problems.extend(_road(road, params, project))
    return problems.found


class _Problems:
    """Collects sentences, each once."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def attempt(self, action: Callable[[], object]) -> None:
        try:
            action()
        except UserError as error:
            self.extend([str(error)])

    def extend(self, sentences: Iterator[str] | list[str]) -> None:
        self.found += [sentence for sentence in sentences if sentence not in self.found]


def _stage_names() -> list[str]:
    """Stages that have a file."""
    package = importlib.import_module("augment.stages")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def _section_names(params: Mapping[str, Any], stages: list[str]) -> Iterator[str]:
    known = ["seed", *_PLUGIN_SECTIONS, *(name for name in stages if name != "generate")]
    for name in params:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"
            yield f"params.yaml: {name}: unknown section; {hint}"
    for name in known:
        if name not in params:
            yield (
                f"params.yaml: the section '{name}' is missing; with nothing to set it is "
                f"`{name}: {{}}`."
            )


def _entry_names(params: Mapping[str, Any]) -> Iterator[str]:
    """Names of generators and judges become folders, stages of DVC, and keys of `train`."""
    entries = {kind: params.get(kind) or {} for kind in _PLUGIN_SECTIONS}
    for kind, section in entries.items():
        if not isinstance(section, Mapping):
            yield f"params.yaml: {kind} must be named entries, such as 'mask: {{kind: mask}}'."
            return
        for name in section:
            if not _KEY.fullmatch(str(name)):
                yield f"params.yaml: {kind}.{name}: use letters, digits, '_' and '-' in names."
    both = sorted(set(entries["generators"]) & set(entries["judges"]))
    for name in both:
        yield f"params.yaml: '{name}' is a generator and a judge: give one of them another name."
    merged = {**entries["judges"], **entries["generators"]}
    if not both and "train" in params and (params["train"] or {}) != merged:
        yield (
            "params.yaml: train must hold the entries of generators and judges and nothing else; "
            "leave it as `<<: [*generators, *judges]`."
        )


def _stage_section(params: Mapping[str, Any], stage: str) -> Iterator[str]:
    model = getattr(importlib.import_module(f"augment.stages.{stage}"), "Config", None)
    if model is not None and stage in params:
        yield from explain(model, params[stage], stage)


def _entries(params: Mapping[str, Any]) -> Iterator[tuple[str, Kind, Any]]:
    """Every plug-in that params name: dotted place, plug point, entry."""

    def section(*path: str) -> Any:
        part: Any = params
        for name in path:
            part = part.get(name) if isinstance(part, Mapping) else None
        return part

    detector = section("align", "detector")
    if detector is not None:
        yield "align.detector", "align", detector
    places: list[tuple[str, Kind, Any]] = [
        *((kind, kind, section(kind)) for kind in _PLUGIN_SECTIONS),
        ("gate.checks", "checks", section("gate", "checks")),
    ]
    for where, kind, entries in places:
        for name, entry in (entries if isinstance(entries, Mapping) else {}).items():
            yield f"{where}.{name}", kind, entry


def _make(kind: Kind, entry: Any, where: str) -> None:
    """Check an entry's settings; a detector also looks for its file and digest."""
    module, config = plugins.configure(kind, entry, where)
    if kind != "checks":
        getattr(module, CLASS_NAME[kind])(config)


def _restorers(params: Mapping[str, Any]) -> Iterator[str]:
    """Generators that restore small faces, where no face counts as small."""
    align, entries = params.get("align"), params.get("generators")
    if not isinstance(align, Mapping) or not isinstance(entries, Mapping) or align.get("smallest"):
        return
    for name, entry in entries.items():
        try:
            module, _ = plugins.configure("generators", entry, f"generators.{name}")
        except UserError:
            continue  # has been reported
        if getattr(module.Generator, "restores", False):
            yield (
                f"params.yaml: generators.{name} restores faces that are too small, but "
                "align.smallest is 0, so none is: set it to the pixels across that a face needs."
            )


def _open_sources(params: Mapping[str, Any]) -> None:
    from augment.intake import Intake, open_sources

    if not explain(Intake, params.get("ingest"), "ingest"):
        seed = params.get("seed")
        open_sources(Intake.model_validate(params["ingest"]), seed if isinstance(seed, int) else 0)


def _road(road: Mapping[str, Stage], params: Mapping[str, Any], project: Path) -> Iterator[str]:
    made = [Path(out) for stage in road.values() for out in stage.outs]
    for stage in road.values():
        if module_path(f"augment.stages.{stage.name}") is None:
            yield f"dvc.yaml: stage '{stage.address}' has no augment/stages/{stage.name}.py."
        if stage.command != f"python -m augment {stage.address}":
            yield (
                f"dvc.yaml: the command of '{stage.address}' is `{stage.command}`; it must be "
                f"`python -m augment {stage.address}`."
            )
        try:
            make_job(stage, params, Engine())
        except UserError as error:
            yield str(error)
        for dep in stage.deps:
            if not (project / dep).exists() and not _made(Path(dep), made):
                yield f"dvc.yaml: '{stage.address}' depends on {dep}, which does not exist."
    if road:
        yield from (
            f"dvc.yaml: no stage '{name}', but there is augment/stages/{name}.py."
            for name in _stage_names()
            # Without any generator there is no stage that makes faces, and that is allowed.
            if name not in {stage.name for stage in road.values()} and params.get("generators")
        )


def _made(path: Path, made: list[Path]) -> bool:
    """Whether a stage makes it, or makes it inside a folder, or makes something in it."""
    return any(path == out or out in path.parents or path in out.parents for out in made)
