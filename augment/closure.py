"""Which of the package's files a result depends on, read from import statements.

DVC does not follow Python imports, and a cache of rows must not outlive the code that made
them. Both questions have one answer: the files that a module imports, and that those import.
"""

import ast
import hashlib
import importlib.util
import json
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

from augment.plugins import CLASS_NAME

PACKAGE = "augment"

#: Modules that carry rows and parameters about and put no value into a result: a change in them
#: neither re-runs a stage nor empties a cache.
NEUTRAL = frozenset(
    f"{PACKAGE}.{name}"
    for name in (
        "cli", "closure", "engine", "errors", "figures", "job", "operation", "params", "plugins",
        "pool", "protocols", "ray_engine", "road", "rowcache", "shards", "shipped",
    )
) | {PACKAGE}  # fmt: skip


def import_closure(modules: Iterable[str]) -> frozenset[str]:
    """The modules of this package that ``modules`` import, at any depth, with themselves.

    Imports inside functions count, those for type checkers do not. What is loaded by name (a
    plug-in) is not seen: :func:`plugin_kinds` says which kinds a module loads.
    """
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            # The package itself offers the data set to users; that is no import of its modules.
            waiting += [] if module == PACKAGE else _imports(module)
    return frozenset(found)


def plugin_kinds(modules: Iterable[str]) -> frozenset[str]:
    """Kinds of plug-in that these modules may load by name: ``load("align", …)`` gives "align"."""
    return frozenset(kind for module in modules for kind in _kinds(module))


def code_digest(operation: Any) -> str:
    """A digest of the code that an operation's results depend on, blind to comments and docstrings.

    Looked at: the modules of the classes and functions that the operation holds, the plug-ins whose
    names it holds where its module loads plug-ins by name (also inside of settings that it holds as
    JSON), and all that those import.
    """
    modules, words = _parts(operation)
    kinds = plugin_kinds(modules)
    modules |= {
        f"{PACKAGE}.{kind}.{word}"
        for kind in kinds
        for word in words
        if word.isidentifier() and module_path(f"{PACKAGE}.{kind}.{word}") is not None
    }
    content = hashlib.blake2b(digest_size=8)
    for module in sorted(import_closure(modules) - NEUTRAL):
        content.update(f"{module}\n{_meaning(module)}\n".encode())
    return content.hexdigest()


@cache
def module_path(module: str) -> Path | None:
    """The source file of a module, None where there is none."""
    loaded = getattr(sys.modules.get(module), "__file__", None)
    if loaded is not None:
        return Path(loaded)
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin and spec.has_location else None


@cache
def _tree(module: str) -> ast.Module:
    path = module_path(module)
    return ast.parse("" if path is None else path.read_text(encoding="utf-8"))


@cache
def _imports(module: str) -> tuple[str, ...]:
    return tuple(
        name
        for statement in _statements(_tree(module))
        for name in _named(statement, module)
        if name.split(".")[0] == PACKAGE and module_path(name) is not None
    )


def _statements(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        else:
            yield from _statements(node)


def _named(statement: ast.Import | ast.ImportFrom, module: str) -> Iterator[str]:
    """Every dotted name that may be a module: "from augment import images" names two."""
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
        return
    base = statement.module or ""
    if statement.level:
        package = module.split(".")
        path = module_path(module)
        up = statement.level - (1 if path is not None and path.name == "__init__.py" else 0)
        base = ".".join([*package[: len(package) - up], *([base] if base else [])])
    yield base
    yield from (f"{base}.{alias.name}" for alias in statement.names)


@cache
def _kinds(module: str) -> tuple[str, ...]:
    if module in NEUTRAL or f"{PACKAGE}.plugins" not in _imports(module):
        return ()
    nodes = list(ast.walk(_tree(module)))
    asked = [
        node.args[0]
        for node in nodes
        if isinstance(node, ast.Call)
        and node.args
        and ast.unparse(node.func).split(".")[-1] in ("load", "configure", "config_of")
    ]
    # The kind may come in a variable, as in train: then it stands elsewhere in the module.
    where = asked if all(isinstance(node, ast.Constant) for node in asked) else nodes
    words = {node.value for node in where if isinstance(node, ast.Constant)}
    return tuple(kind for kind in CLASS_NAME if kind in words)


@cache
def _meaning(module: str) -> str:
    """A module's code without comments, docstrings and layout."""
    tree = _tree(module)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                body[0] = ast.Pass()
    return ast.dump(tree)


def _parts(operation: Any) -> tuple[set[str], set[str]]:
    """Modules of the classes that a value holds, and the short words in it."""
    modules: set[str] = set()
    words: set[str] = set()
    seen: dict[int, Any] = {}  # holds the values themselves: a number is not given to another one
    waiting = [operation]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value
        if isinstance(value, str):
            words.add(value)
            waiting += _read_settings(value)
        elif isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set | frozenset):
            waiting += value
        elif isinstance(value, MethodType):
            waiting += [value.__func__, value.__self__]
        elif isinstance(value, FunctionType):
            modules |= {value.__module__} if value.__module__.split(".")[0] == PACKAGE else set()
        elif type(value).__module__.split(".")[0] == PACKAGE or value is operation:
            modules.add(type(value).__module__)
            waiting += _held(value)
    return modules, words


def _read_settings(text: str) -> list[Any]:
    """What a JSON object holds: a plug-in's settings may name further plug-ins."""
    if not text.startswith("{"):
        return []
    try:
        return [json.loads(text)]
    except ValueError:
        return []


def _held(value: Any) -> list[Any]:
    slots = [getattr(value, name, None) for name in getattr(type(value), "__slots__", ())]
    return [*getattr(value, "__dict__", {}).values(), *slots]
