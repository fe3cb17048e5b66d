"""What `augment check` finds: every problem of params.yaml and dvc.yaml at once, before any work.

Nothing is trained or computed and no picture is opened. Plug-ins are made, which looks for the
files they name; label tables are read; names are held against the labels and generators there are.
"""

import difflib
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from augment import plugins
from augment.auditing.axes import check_axes
from augment.closure import module_path
from augment.engine import Engine
from augment.errors import UserError
from augment.gating.verdicts import check_groups
from augment.intake import open_sources
from augment.metrics.tasks import check_columns
from augment.params import NoSection, Section, SectionType, explain, read_params, validate
from augment.planning.config import check_generators
from augment.plugins import CLASS_NAME, Kind
from augment.protocols import Source
from augment.road import Stage, make_job, read_road
from augment.stages import audit, evaluate, gate, ingest, plan

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
    problems.missing |= {name for name in _known_sections() if name not in params}
    problems.extend(_section_names(params))
    problems.extend(_entry_names(params))
    for stage in _stage_names():
        problems.extend(_stage_section(params, stage))
    opened: dict[str, Source] = {}
    problems.attempt(lambda: opened.update(_open_sources(params)))
    for key, source in opened.items():
        problems.attempt(partial(_begin_to_read, key, source))
    columns: list[str] = []
    problems.attempt(lambda: columns.extend(_label_columns(params, opened)))
    for question in _named_things(params, columns):
        problems.attempt(question)
    for where, kind, entry in _entries(params):
        problems.attempt(partial(_make, kind, entry, where))
    problems.extend(_restorers(params))
    road: dict[str, Stage] = {}
    problems.attempt(lambda: road.update(read_road(params, project / "dvc.yaml")))
    for node in road.values():
        problems.attempt(partial(make_job, node, params, Engine()))
    problems.extend(_road(road, params, project))
    return problems.found


class _Problems:
    """Collects sentences, each once.

    Attributes:
        found: the sentences.
        missing: sections of which it is said already that they are not there.
    """

    def __init__(self) -> None:
        self.found: list[str] = []
        self.missing: set[str] = set()

    def attempt(self, action: Callable[[], object]) -> None:
        try:
            action()
        except NoSection as error:
            # Every stage that needs a section would say once more that it is missing.
            told = f"params.yaml: {error.missing} is missing" in self.found
            if not told and error.missing not in self.missing:
                self.missing.add(error.missing)
                self.extend([str(error)])
        except UserError as error:
            self.extend([str(error)])

    def extend(self, sentences: Iterator[str] | list[str]) -> None:
        self.found += [text for text in dict.fromkeys(sentences) if text not in self.found]


def _stage_names() -> list[str]:
    """Stages that have a file."""
    package = importlib.import_module("augment.stages")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def _known_sections() -> list[str]:
    return ["seed", *_PLUGIN_SECTIONS, *(name for name in _stage_names() if name != "generate")]


def _section_names(params: Mapping[str, Any]) -> Iterator[str]:
    known = _known_sections()
    misspelt = set()
    for name in params:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            misspelt.update(near)
            hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"
            yield f"params.yaml: {name}: unknown section; {hint}"
    for name in known:
        if name not in params and name not in misspelt:
            yield f"params.yaml: the section '{name}' is missing; {_remedy(name)}."


def _remedy(section: str) -> str:
    """What to write where a section is missing."""
    if section == "seed":
        return "any whole number from 0 will do: `seed: 7`"
    if section == "train":
        return "it is `train: {<<: [*generators, *judges]}`, and nothing to edit"
    model = _model(section)
    needed = [] if model is None else [k for k, f in model.model_fields.items() if f.is_required()]
    if needed:
        return f"it must set {' and '.join(needed)}"
    return f"with nothing to set it is `{section}: {{}}`"


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
    whole = not both and {*_PLUGIN_SECTIONS, "train"} <= set(params)
    if whole and (params["train"] or {}) != merged:
        yield (
            "params.yaml: train must hold the entries of generators and judges and nothing else; "
            "leave it as `<<: [*generators, *judges]`."
        )


def _stage_section(params: Mapping[str, Any], stage: str) -> Iterator[str]:
    model = _model(stage)
    if model is not None and stage in params:
        yield from explain(model, params[stage], stage)


def _model(stage: str) -> type[Section] | None:
    """What a stage's section holds; None where it has none of its own."""
    if stage not in _stage_names():
        return None
    model: type[Section] | None
    model = getattr(importlib.import_module(f"augment.stages.{stage}"), "Config", None)
    return model


def _entries(params: Mapping[str, Any]) -> Iterator[tuple[str, Kind, Any]]:
    """Every plug-in that params name: dotted place, plug point, entry."""

    def section(*path: str) -> Any:
        part: Any = params
        for name in path:
            part = part.get(name) if isinstance(part, Mapping) else None
        return part

    detector = section("align", "detector")
    if isinstance(detector, Mapping):  # what it is otherwise, its section has said
        yield "align.detector", "align", detector
    places: list[tuple[str, Kind, Any]] = [
        *((kind, kind, section(kind)) for kind in _PLUGIN_SECTIONS),
        ("gate.checks", "checks", section("gate", "checks")),
    ]
    for where, kind, entries in places:
        for name, entry in (entries if isinstance(entries, Mapping) else {}).items():
            if kind == "checks" and not isinstance(entry, Mapping):
                continue
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


def _checked(params: Mapping[str, Any], stage: str, model: type[SectionType]) -> SectionType | None:
    """A stage's section; None where something in it is wrong, which has been reported."""
    content = params.get(stage)
    if stage not in params or explain(model, content, stage):
        return None
    return validate(model, content, stage)


def _open_sources(params: Mapping[str, Any]) -> Mapping[str, Source]:
    """The sources; none where the section is wrong. Raises UserError where one cannot be opened."""
    config = _checked(params, "ingest", ingest.Config)
    seed = params.get("seed")
    return open_sources(config, seed if isinstance(seed, int) else 0) if config else {}


def _begin_to_read(key: str, source: Source) -> None:
    """Read a source as `ingest` does, its label tables and then the name of its first picture.

    Raises:
        UserError: see :func:`augment.stages.ingest.records_of`.
    """
    records = ingest.records_of(key, source)
    if not hasattr(source, "around"):  # a film's first record means to decode the film
        next(records)


def _label_columns(params: Mapping[str, Any], sources: Mapping[str, Source]) -> tuple[str, ...]:
    """The data set's label columns; none where its sources could not be opened."""
    config = _checked(params, "ingest", ingest.Config)
    return ingest.labels_of(config, sources).columns if config and sources else ()


def _named_things(
    params: Mapping[str, Any], columns: Sequence[str]
) -> Iterator[Callable[[], object]]:
    """What stages ask of generators and labels by name, as they ask it; each raises UserError."""
    planned = _checked(params, "plan", plan.Config)
    generators = params.get("generators") or {}
    if planned and "generators" in params and isinstance(generators, Mapping):
        yield partial(check_generators, planned, [str(name) for name in generators])
    if not columns:
        return
    if audited := _checked(params, "audit", audit.Config):
        yield partial(check_axes, audited.axes, columns)
    if gated := _checked(params, "gate", gate.Config):
        yield partial(check_groups, gated, columns)
    if evaluated := _checked(params, "evaluate", evaluate.Config):
        for name, task in evaluated.tasks.items():
            yield partial(check_columns, name, task, columns)


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
