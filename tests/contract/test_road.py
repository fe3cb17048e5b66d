"""dvc.yaml, params.yaml and the code say the same."""

import importlib
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from augment import plugins
from augment.closure import NEUTRAL, import_closure, module_path, plugin_kinds
from augment.params import Section, read_params
from augment.road import Stage, read_road

ROOT = Path(__file__).parents[2]
PARAMS = read_params(ROOT / "params.yaml")
ROAD = read_road(PARAMS, ROOT / "dvc.yaml")
NAMES = sorted({stage.name for stage in ROAD.values()})

#: The words that all stages speak in. Whoever changes what they mean raises SCHEMA_VERSION.
WORDS = {f"augment.{name}" for name in ("schema", "seeds", "types", "vocabulary")}
#: The plan asks generators what a move costs and never makes a face: nothing that they draw or
#: train with can change it.
NOT_ASKED = {"plan": ("augment.nets", "augment.images")}
WITHOUT_TORCH = ("ingest", "align", "audit", "plan", "assemble")


def code_of(stage: str) -> set[str]:
    """Modules that a stage's result may depend on, plug-ins included."""
    modules = {f"augment.stages.{stage}"}
    while True:
        found = set(import_closure(modules))
        for kind in plugin_kinds(found):
            package = importlib.import_module(f"augment.{kind}")
            found |= {f"augment.{kind}.{m.name}" for m in pkgutil.iter_modules(package.__path__)}
        if found <= modules:
            return modules
        modules |= found


def inside(path: Path, folders: tuple[str, ...]) -> bool:
    return any(path == ROOT / folder or ROOT / folder in path.parents for folder in folders)


@pytest.mark.parametrize("stage", ROAD.values(), ids=ROAD)
def test_the_code_of_a_stage_lies_in_its_deps(stage: Stage) -> None:
    missing = []
    for module in sorted(code_of(stage.name) - NEUTRAL - WORDS):
        path = module_path(module)
        assert path is not None
        skipped = module.startswith(NOT_ASKED.get(stage.name, ()) or ("-",))
        empty = path.name == "__init__.py" and "import " not in path.read_text()
        if not skipped and not empty and not inside(path, stage.deps):
            missing.append(path.relative_to(ROOT).as_posix())
    assert missing == []


@pytest.mark.parametrize("stage", ROAD.values(), ids=ROAD)
def test_no_dep_is_code_that_the_stage_does_not_use(stage: Stage) -> None:
    """A dep too many makes long work run again for nothing."""
    used = [module_path(module) for module in code_of(stage.name)]
    code = [dep for dep in stage.deps if dep.startswith("augment/") and dep.endswith(".py")]
    folders = [dep for dep in stage.deps if dep.startswith("augment/") and "." not in dep]
    idle = [dep for dep in (*code, *folders) if not any(inside(p, (dep,)) for p in used if p)]
    assert idle == []


def test_neutral_and_words_are_short_lists_of_files_directly_below_the_package() -> None:
    for module in NEUTRAL | WORDS:
        path = module_path(module)
        assert path is not None
        assert path.parent == ROOT / "augment"


@pytest.mark.parametrize("stage", ROAD.values(), ids=ROAD)
def test_commands_and_modules(stage: Stage) -> None:
    assert stage.command == f"python -m augment {stage.address}"
    module = importlib.import_module(f"augment.stages.{stage.name}")
    assert callable(module.run)
    if stage.key is None:
        assert issubclass(module.Config, Section)
        assert stage.name in stage.params
    assert "seed" in stage.params


def test_every_stage_module_is_on_the_road() -> None:
    package = importlib.import_module("augment.stages")
    assert sorted(module.name for module in pkgutil.iter_modules(package.__path__)) == NAMES


def test_dvc_reads_the_same_road() -> None:
    dot = subprocess.run(
        [sys.executable, "-m", "dvc", "dag", "--dot"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    nodes = {line.strip('";') for line in dot.splitlines() if line.count('"') == 2}
    nodes |= {word for line in dot.splitlines() for word in line.split('"')[1::2]}
    assert nodes == set(ROAD)


def test_no_two_stages_write_one_path() -> None:
    outs = [out for stage in ROAD.values() for out in stage.outs]
    assert len(outs) == len(set(outs))


@pytest.mark.parametrize("kind", plugins.CLASS_NAME)
def test_every_plug_in_has_a_config_of_its_own(kind: plugins.Kind) -> None:
    assert plugins.names(kind)
    for name in plugins.names(kind):
        assert issubclass(plugins.config_of(kind, name), Section), name
        assert hasattr(plugins.load(kind, name), plugins.CLASS_NAME[kind])


def test_stages_of_the_road_start_without_torch() -> None:
    """Importing all stages and plug-ins, which `augment check` does, must not load torch."""
    modules = [f"augment.stages.{name}" for name in NAMES]
    modules += [f"augment.{k}.{n}" for k in ("generators", "align", "sources") for n in _names(k)]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {', '.join(modules)}; print('torch' in sys.modules)"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == "False", done.stderr


def _names(kind: str) -> list[str]:
    return plugins.names(kind)  # type: ignore[arg-type]


GENERATOR = '''
from collections.abc import Mapping, Sequence
from pathlib import Path

from augment.params import Section
from augment.protocols import Made, Request


class Config(Section):
    upside_down: bool = False


class Generator:
    """Mirrors a donor."""

    parents = 1
    digital_source_type = "algorithmicallyEnhanced"

    def __init__(self, config: Config) -> None:
        self.config = config

    def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
        return 0.0 if donor == target else None

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        pass

    def load(self, folder: Path) -> None:
        pass

    def weights(self) -> str:
        return ""

    def make(self, requests: Sequence[Request]) -> list[Made]:
        return [Made(request.parents[0].image[:, ::-1].copy()) for request in requests]
'''


def test_a_new_generator_is_one_file_and_one_entry(tmp_path: Path) -> None:
    for name in ("dvc.yaml", "params.yaml", "forgotten.json", "predicted.csv"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(
        ROOT / "augment", tmp_path / "augment", ignore=shutil.ignore_patterns("__pycache__")
    )
    (tmp_path / "augment/generators/mirror.py").write_text(GENERATOR)
    text = (tmp_path / "params.yaml").read_text()
    entry = "generators: &generators\n  mirror:\n    kind: mirror\n    upside_down: true\n"
    (tmp_path / "params.yaml").write_text(text.replace("generators: &generators\n", entry))

    def call(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=tmp_path, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    call("dvc", "init", "--no-scm", "-q")
    assert "in order" in call("augment", "check")
    graph = call("dvc", "dag", "--dot")
    assert '"plan" -> "generate@mirror"' in graph
    assert '"train@mirror" -> "generate@mirror"' in graph
    assert '"generate@mirror" -> "gate"' in graph


def test_parameters_that_a_stage_reads_stand_in_its_section_list() -> None:
    content = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for name, definition in content.items():
        body = definition.get("do", definition)
        for section in body["params"]:
            top = section.split(".")[0]
            assert top in PARAMS, f"{name}: {section}"
