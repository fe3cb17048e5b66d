import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from augment import closure
from augment.closure import NEUTRAL, code_digest, import_closure, module_path, plugin_kinds

FILES = {
    "a.py": "from toy import b\n\ndef late():\n    import toy.c\n",
    "b.py": "from typing import TYPE_CHECKING\nfrom .inner import deep\n"
    "if TYPE_CHECKING:\n    from toy import never\n",
    "c.py": "X = 1\n",
    "never.py": "",
    "inner/__init__.py": "",
    "inner/deep.py": "from ..d import D\n",
    "d.py": "D = 1\n",
    "things/__init__.py": "",
    "things/red.py": "COLOUR = 1\n",
    "things/blue.py": "COLOUR = 2\n",
    "op.py": '''"""An op."""
from dataclasses import dataclass
from toy import c
from toy.plugins import load

@dataclass(frozen=True)
class Op:
    kind: str
    def make(self) -> None:
        """Loads its plug-in late."""
        load("things", self.kind)
''',
    "plugins.py": "def load(kind: str, name: str) -> None: ...\n",
    "__init__.py": "",
}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package ``toy`` in the place of augment."""
    for name, text in FILES.items():
        path = tmp_path / "toy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(closure, "PACKAGE", "toy")
    monkeypatch.setattr(closure, "NEUTRAL", frozenset({"toy"}))
    monkeypatch.setattr(closure, "CLASS_NAME", {"things": "Thing"})
    forget()
    yield tmp_path / "toy"
    for name in [name for name in sys.modules if name.split(".")[0] == "toy"]:
        del sys.modules[name]
    forget()


def forget() -> None:
    for function in (module_path, closure._tree, closure._imports, closure._kinds):
        function.cache_clear()
    closure._meaning.cache_clear()


def test_follows_imports_at_any_depth_also_inside_functions(toy: Path) -> None:
    assert import_closure(["toy.a"]) == {
        "toy.a", "toy", "toy.b", "toy.inner", "toy.inner.deep", "toy.d", "toy.c"
    }  # fmt: skip


def test_sees_which_plug_ins_are_loaded_by_name(toy: Path) -> None:
    assert plugin_kinds(["toy.op", "toy.a"]) == {"things"}


def digest_of(kind: str) -> str:
    forget()
    module: ModuleType = importlib.import_module("toy.op")
    return code_digest(module.Op(kind))


def test_digest_changes_with_code_that_counts_only(toy: Path) -> None:
    red = digest_of("red")
    assert digest_of("blue") != red
    (toy / "things/blue.py").write_text("COLOUR = 3\n")  # another plug-in
    (toy / "a.py").write_text("A = 1\n")  # nothing that the op imports
    text = (toy / "op.py").read_text()
    (toy / "op.py").write_text("# a remark\n" + text.replace("An op.", "Our op.") + "\n\n")
    assert digest_of("red") == red
    (toy / "c.py").write_text("X = 2\n")
    imported = digest_of("red")
    assert imported != red
    (toy / "things/red.py").write_text("COLOUR = 7\n")
    assert digest_of("red") not in (red, imported)


def test_sees_plug_ins_named_inside_of_settings(toy: Path) -> None:
    first = digest_of('{"steps": {"a": {"kind": "blue"}}}')
    (toy / "things/red.py").write_text("COLOUR = 7\n")  # not named
    assert digest_of('{"steps": {"a": {"kind": "blue"}}}') == first
    (toy / "things/blue.py").write_text("COLOUR = 3\n")
    assert digest_of('{"steps": {"a": {"kind": "blue"}}}') != first
    assert digest_of("{no JSON") == digest_of("{nor this")


@dataclass
class Holder:
    parts: list[object]


def test_looks_into_what_an_op_holds(toy: Path) -> None:
    op = importlib.import_module("toy.op").Op("red")
    before = code_digest(Holder([{"x": op}]))
    (toy / "c.py").write_text("X = 2\n")
    forget()
    assert code_digest(Holder([{"x": op}])) != before


def test_every_neutral_module_exists() -> None:
    assert [name for name in NEUTRAL if module_path(name) is None] == []


def test_neutral_modules_reach_no_code_that_makes_values() -> None:
    plain = {"augment.types", "augment.vocabulary"}  # words and numbers, no pixels
    assert import_closure(NEUTRAL - {"augment.cli"}) - NEUTRAL == plain
