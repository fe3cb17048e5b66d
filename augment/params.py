"""Typed parameters: every section is a pydantic model beside the code that uses it.

Unknown keys are errors, found in seconds by ``augment check``, before any long work.
"""

import difflib
import textwrap
from collections.abc import Mapping, Sequence
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
    except OSError as error:  # a folder of that name, no right to read it
        raise UserError(
            f"{path} cannot be read: {error.strerror}. It must be a text file of named sections."
        ) from None
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
        return f"{place}: {_in_plain_words(problem)}{_found(problem)}"
    known = _fields_at(model, problem["loc"][:-1])
    near = _near(str(problem["loc"][-1]), known)
    hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(sorted(known))}"
    return f"{place}: unknown key; {hint}"


#: How pydantic's kinds of problem begin -> what must be written; in braces: pydantic's figures.
_MUST = {
    "int_": "must be a whole number",
    "float_": "must be a number",
    "finite_number": "must be a number",
    "bool_": "must be true or false",
    "string_type": "must be text",
    "list_type": "must be a list, such as [a, b]",
    "tuple_type": "must be a list, such as [a, b]",
    "dict_type": "must be named entries, such as {{name: value}}",
    "mapping_type": "must be named entries, such as {{name: value}}",
    "model_type": "must be named entries, such as {{name: value}}",
    "path_type": "must be the path of a file or folder",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be above {gt}",
    "less_than_equal": "must be {le} or less",
    "less_than": "must be below {lt}",
    "too_short": "must name at least {min_length}",
}


def _in_plain_words(problem: Any) -> str:
    """What is wrong, for somebody who has not heard of pydantic."""
    if problem["type"] == "value_error":  # our own sentence
        return str(problem["ctx"]["error"])
    for kind, words in _MUST.items():
        if problem["type"].startswith(kind):
            limits = problem.get("ctx", {}).items()
            return words.format(**{name: _number(limit) for name, limit in limits})
    return str(problem["msg"]).replace("Input should be", "must be")


def _number(limit: Any) -> Any:
    """Pydantic takes a limit of 20 on a number as 20.0."""
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _found(problem: Any) -> str:
    """What stands there, as YAML would have it."""
    value = problem["input"]
    if problem["type"] == "value_error" and isinstance(value, Mapping):
        return ""  # the sentence has named what it is about
    if value is None:
        return " (nothing stands there)"
    word = str(value).lower() if isinstance(value, bool) else repr(value)
    return f" (it is {textwrap.shorten(word, 60)})"


def _fields_at(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """Field names of the nested model that ``path`` leads to; the outermost where it cannot."""
    for part in path:
        field = model.model_fields.get(str(part))
        inner = getattr(field, "annotation", None)
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            continue
        model = inner
    return list(model.model_fields)


def require_known(names: Sequence[str], known: Sequence[str], where: str, lack: str) -> None:
    """Refuse names in params.yaml of things that there are not.

    Args:
        names: as they stand there.
        known: those there are.
        where: dotted path of the place.
        lack: what it means that one is not known: "the data set has no such label column".

    Raises:
        UserError: each wrong name, a near known one, and all that there are.
    """
    wrong = [
        f"'{name}'" + "".join(f" (did you mean '{near}'?)" for near in _near(name, known))
        for name in dict.fromkeys(names)
        if name not in known
    ]
    if wrong:
        raise UserError(
            f"params.yaml: {where} names {', '.join(wrong)}, but {lack}; "
            f"there are: {', '.join(known) or 'none'}."
        )


def _near(name: str, known: Sequence[str]) -> list[str]:
    return difflib.get_close_matches(name, known, n=1)


class NoSection(UserError):
    """A part of params.yaml is not there.

    Attributes:
        missing: its dotted path, up to the first name that is not found.
    """

    def __init__(self, path: str, missing: str) -> None:
        name = missing.rpartition(".")[2]
        super().__init__(f"params.yaml has no section '{path}' (looked for '{name}').")
        self.missing = missing


def section(params: Mapping[str, Any], path: str) -> Any:
    """The part of params at a dotted path such as ``"generators.mask"``.

    Raises:
        NoSection: there is no such part.
    """
    part: Any = params
    names = path.split(".")
    for place, name in enumerate(names, start=1):
        if not isinstance(part, Mapping) or name not in part:
            raise NoSection(path, ".".join(names[:place]))
        part = part[name]
    return part
