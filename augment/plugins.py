"""Find a plug-in by its name: the file ``augment/<kind>/<name>.py``, nothing to register.

Each such file holds a ``Config`` (its parameters) and one class named after the kind:
``Source``, ``Detector``, ``Generator``, ``Judge`` or ``Check`` (see :mod:`augment.protocols`).
"""

import importlib
import pkgutil
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Literal

from augment.errors import UserError
from augment.params import validate
from augment.shipped import wants_shipped

Kind = Literal["sources", "align", "generators", "judges", "checks"]

CLASS_NAME = {
    "sources": "Source",
    "align": "Detector",
    "generators": "Generator",
    "judges": "Judge",
    "checks": "Check",
}


def load(kind: Kind, name: str) -> ModuleType:
    """Import the module of a plug-in.

    Raises:
        UserError: no such file; the message lists those there are.
    """
    found = re.fullmatch(r"[a-z][a-z0-9_]*", name) and name in names(kind)
    if not found:
        raise UserError(
            f"params.yaml names '{name}' under {kind}, but there is no augment/{kind}/{name}.py. "
            f"There are: {', '.join(names(kind))}."
        )
    return importlib.import_module(f"augment.{kind}.{name}")


def names(kind: Kind) -> list[str]:
    """All plug-ins of a kind: modules of its folder that define the kind's class."""
    package = importlib.import_module(f"augment.{kind}")
    return sorted(
        module.name
        for module in pkgutil.iter_modules(package.__path__)
        if _defines(package.__path__[0], module.name, CLASS_NAME[kind])
    )


def _defines(folder: str, name: str, class_name: str) -> bool:
    """Whether a module's text defines the class: looked up without importing torch and the like."""
    from pathlib import Path

    path = Path(folder) / f"{name}.py"
    if not path.is_file():
        path = Path(folder) / name / "__init__.py"
    text = path.read_text(encoding="utf-8")
    return (
        re.search(rf"^(class {class_name}\b|from .* import .*\b{class_name}\b)", text, re.M)
        is not None
    )


def configure(kind: Kind, entry: Any, where: str) -> tuple[ModuleType, Any]:
    """The module that an entry ``{kind: name, ...its settings}`` names, and its checked ``Config``.

    What learns may also say ``weights: shipped`` (see :mod:`augment.shipped`).

    Args:
        kind: which plug point.
        entry: the mapping that params.yaml holds at ``where``.
        where: dotted path of the entry, for messages.

    Raises:
        UserError: no ``kind``, no such plug-in, or wrong settings.
    """
    if not isinstance(entry, Mapping) or not isinstance(entry.get("kind"), str):
        raise UserError(
            f"params.yaml: {where} needs a 'kind'; there are: {', '.join(names(kind))}."
        )
    module = load(kind, entry["kind"])
    apart = {"kind"}
    if kind in ("generators", "judges"):
        wants_shipped(entry, where)
        apart.add("weights")
    settings = {name: value for name, value in entry.items() if name not in apart}
    return module, validate(module.Config, settings, where)


def config_of(kind: Kind, name: str) -> Any:
    """The ``Config`` model of a plug-in."""
    return load(kind, name).Config
