from pathlib import Path

import pytest

import augment.checks
from augment import plugins
from augment.errors import UserError

TEXT = """from augment.params import Section

class Config(Section):
    limit: float = 0.5

class Check:
    pass
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose files count as checks."""
    monkeypatch.setattr(augment.checks, "__path__", [str(tmp_path)])
    return tmp_path


def test_a_file_is_found_by_its_name(folder: Path) -> None:
    (folder / "toy_a.py").write_text(TEXT)
    (folder / "helper.py").write_text("class Helper:\n    pass\n")
    grown = folder / "toy_b"
    grown.mkdir()
    (grown / "__init__.py").write_text("from augment.checks.toy_a import Check, Config\n")
    assert plugins.names("checks") == ["toy_a", "toy_b"]
    assert plugins.config_of("checks", "toy_a")().limit == 0.5
    assert plugins.load("checks", "toy_b").Check.__name__ == "Check"


@pytest.mark.parametrize("name", ["helper", "toy", "../engine", "os.path", "", "Toy_a"])
def test_an_unknown_name_lists_what_there_is(folder: Path, name: str) -> None:
    (folder / "toy_c.py").write_text(TEXT)
    (folder / "helper.py").write_text("")
    with pytest.raises(UserError, match="There are: toy_c"):
        plugins.load("checks", name)


def test_looking_up_names_runs_no_plug_in(folder: Path) -> None:
    (folder / "toy_d.py").write_text("raise RuntimeError\n" + TEXT)
    assert plugins.names("checks") == ["toy_d"]
