"""Typed parameters: every section is a pydantic model beside the code that uses it.

Unknown keys are errors, found in seconds by ``augment check``, before any long work.
"""

import difflib
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from augment.errors import UserError


class Section(BaseModel):
    """Base of every part of params.yaml: frozen, and no key that the code does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, which also refuses a key that stands twice: the first would be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key.value}' stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


SectionType = TypeVar("SectionType", bound=Section)


def read_params(path: Path = Path("params.yaml")) -> dict[str, Any]:
    """The parsed file.

    Raises:
        UserError: the file is missing, is not YAML, or is no mapping of sections.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 (it is safe)
    except FileNotFoundError:
        raise UserError(
            f"{path} not found: run the command in the project's folder, where params.yaml lies."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold named sections such as 'ingest:' and 'plan:'.")
    return content


def validate(model: type[SectionType], content: Any, where: str) -> SectionType:
    """Check one section against its model.

    Args:
        model: the pydantic model.
        content: what params.yaml holds there.
        where: dotted path of the section, for the message.

    Raises:
        UserError: naming each wrong key, what is wrong with it, and a near known key.
    """
    try:
        return model.model_validate({} if content is None else content)
    except ValidationError as error:
        problems = "; ".join(_explain(problem, model, where) for problem in error.errors())
        raise UserError(f"params.yaml: {problems}") from None


def explain(model: type[Section], content: Any, where: str) -> list[str]:
    """What :func:`validate` would object to, one sentence a problem; [] where all is well."""
    try:
        model.model_validate({} if content is None else content)
    except ValidationError as error:
        return [f"params.yaml: {_explain(problem, model, where)}" for problem in error.errors()]
    except UserError as error:  # a section that looks into its plug-ins
        return [str(error)]
    return []


def _explain(problem: Any, model: type[BaseModel], where: str) -> str:
    place = ".".join([where, *(str(part) for part in problem["loc"])]).strip(".")
    if problem["type"] == "missing":
        return f"{place} is missing"
    if problem["type"] != "extra_forbidden":
        return f"{place}: {problem['msg']} (it is {textwrap.shorten(repr(problem['input']), 60)})"
    known = _fields_at(model, problem["loc"][:-1])
    near = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(sorted(known))}"
    return f"{place}: unknown key; {hint}"


def _fields_at(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """Field names of the nested model that ``path`` leads to; the outermost where it cannot."""
    for part in path:
        field = model.model_fields.get(str(part))
        inner = getattr(field, "annotation", None)
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            continue
        model = inner
    return list(model.model_fields)


def section(params: Mapping[str, Any], path: str) -> Any:
    """The part of params at a dotted path such as ``"generators.mask"``.

    Raises:
        UserError: there is no such part.
    """
    part: Any = params
    for name in path.split("."):
        if not isinstance(part, Mapping) or name not in part:
            raise UserError(f"params.yaml has no section '{path}' (looked for '{name}').")
        part = part[name]
    return part
