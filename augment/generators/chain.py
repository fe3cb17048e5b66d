"""``chain``: other generators one after another, to reach bins that none of them reaches alone.

In params.yaml (each step is another generator's whole entry, by its anchor)::

    older_masked: {kind: chain, steps: {age: *age, mask: *mask}}
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path
from typing import Any

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from augment.errors import UserError
from augment.params import Section
from augment.plugins import configure
from augment.protocols import Face, Made, Request
from augment.protocols import Generator as Step
from augment.seeds import row_seed
from augment.shards import write_json
from augment.vocabulary import SOURCE_TYPES, UNKNOWN, DigitalSourceType

_CONFIG = "config.json"
_HISTORY = "history.json"
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
#: Added for each step after the first: of two ways that cost the same, the shorter one is taken.
_FURTHER_STEP = 0.01

Labels = Mapping[str, str]


class Config(Section):
    # Key of another generator -> its whole entry, in the order in which they work. DVC does not see
    # a change of that order alone: it calls for `dvc repro --force`.
    steps: dict[str, dict[str, Any]]

    @field_validator("steps")
    @classmethod
    def _are_generators(cls, entries: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        problem = _problem(entries)
        if problem:
            raise PydanticCustomError("chain_steps", "{problem}", {"problem": problem})
        return entries


def _problem(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """What is wrong with the steps, "" if nothing is."""
    if len(entries) < 2:
        return "a chain needs at least two steps, such as 'age: *age' and 'mask: *mask'"
    for place, (key, entry) in enumerate(entries.items()):
        if not _KEY.fullmatch(key):
            return f"use letters, digits, '_' and '-' in the names of steps, not '{key}'"
        if entry.get("kind") == "chain":
            return f"'{key}' is a chain itself: name its steps here instead"
        try:
            step = _step(key, entry)
        except UserError as error:
            return f"step '{key}': {str(error).removeprefix('params.yaml: ').rstrip('.')}"
        if place and step.parents != 1:
            return (
                f"'{key}' makes one face of {step.parents}, so it can be the first step only: "
                "there is but one face to go on with"
            )
    return ""


def _step(key: str, entry: Mapping[str, Any]) -> Step:
    module, config = configure("generators", entry, f"steps.{key}")
    step: Step = module.Generator(config)
    return step


@dataclass(frozen=True)
class _Route:
    """What each step moves, in order, and what that costs."""

    cost: float
    moves: tuple[tuple[str, ...], ...]


class Generator:
    """The steps, made from their own entries; the first decides how many parents it takes.

    A step may stand still only where its own cost says so: one that makes new faces inside a bin.
    So a chain never offers what one of its movers does alone.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self._steps = {key: _step(key, entry) for key, entry in config.steps.items()}
        steps = list(self._steps.values())
        self.parents = steps[0].parents
        self.digital_source_type: DigitalSourceType = max(
            (step.digital_source_type for step in steps), key=SOURCE_TYPES.index
        )

    def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
        """The cheapest way to share the changed axes among the steps; see :meth:`_route`."""
        changed = [axis for axis, value in target.items() if donor.get(axis) != value]
        route = self._route(donor, target, changed)
        return None if route is None else route.cost

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        """Let every step learn, in the work folder of its own key, and gather its weights.

        What ``train@<step>`` has learned is found finished there and is not learned again.
        """
        history: list[dict[str, Any]] = []
        for key, step in self._steps.items():
            step.train(faces, folder / key, seed, work.parent / key)
            step.load(folder / key)
            points = _read(folder / key / _HISTORY, [])
            history += [{"step": key, **point} for point in points]
            (folder / key / _HISTORY).unlink(missing_ok=True)
        learned = [_read(folder / key / _CONFIG, {}) for key in self._steps]
        summary = {
            "config": self.config.model_dump(mode="json"),
            "images_seen": sum(config.get("images_seen", 0) for config in learned),
            "weights": self.weights(),
            "steps": {key: step.weights() for key, step in self._steps.items()},
        }
        write_json(folder / _HISTORY, history)
        write_json(folder / _CONFIG, summary)

    def load(self, folder: Path) -> None:
        again = f"`python -m augment train@{folder.name}`"
        if not (folder / _CONFIG).is_file():
            raise UserError(f"{folder / _CONFIG} not found: run {again} first, or `dvc repro`.")
        for key, step in self._steps.items():
            try:
                step.load(folder / key)
            except UserError as error:
                raise UserError(
                    f"The chain '{folder.name}' cannot use the weights of its step '{key}': run "
                    f"{again} again. ({error})"
                ) from None

    def weights(self) -> str:
        """sha256 over the steps' keys and weights, in order; "" where no step has any."""
        digests = [(key, step.weights()) for key, step in self._steps.items()]
        if not any(digest for _, digest in digests):
            return ""
        return hashlib.sha256(json.dumps(digests).encode()).hexdigest()

    def make(self, requests: Sequence[Request]) -> list[Made]:
        """Each step takes all requests that are still open, with seeds of its own."""
        ways = [self._way(request) for request in requests]
        for number, (key, step) in enumerate(self._steps.items()):
            going = [way for way in ways if way.end is None]
            asked = [way.request(number, key) for way in going]
            last = number == len(self._steps) - 1
            for way, request, made in zip(going, asked, step.make(asked), strict=True):
                way.take(key, step.weights(), request, made, last)
        return [way.end for way in ways if way.end is not None]

    def _way(self, request: Request) -> "_Way":
        route = self._route_of(request)
        if route is not None:
            return _Way(request, route.moves)
        wanted = ", ".join(request.changes) or "nothing"
        steps = ", then ".join(self._steps)
        return _Way(request, (), Made(None, reason=f"{steps}: they cannot change {wanted}"))

    def _route_of(self, request: Request) -> _Route | None:
        donor = {**request.labels, **_labels_before(request)}
        return self._route(donor, request.labels, request.changes)

    def _route(self, donor: Labels, target: Labels, changed: Sequence[str]) -> _Route | None:
        """The cheapest split of ``changed`` among the steps, None where there is none.

        Every changed axis is moved once, from its first to its last value; every step is asked
        what its part costs, an empty part included.
        """
        reached = {frozenset[str](): _Route(_FURTHER_STEP * (len(self._steps) - 1), ())}
        for number, step in enumerate(self._steps.values()):
            before, reached = reached, {}
            for moved, route in before.items():
                here = {**donor, **{axis: target[axis] for axis in moved}}
                left = [axis for axis in changed if axis not in moved]
                last = number == len(self._steps) - 1
                for part in [tuple(left)] if last else _parts(left):
                    price = step.cost(here, {**here, **{axis: target[axis] for axis in part}})
                    known = reached.get(moved | set(part))
                    if price is not None and (known is None or route.cost + price < known.cost):
                        found = _Route(route.cost + price, (*route.moves, part))
                        reached[moved | set(part)] = found
        return reached.get(frozenset(changed))


class _Way:
    """How far one request has come; ``end`` is what became of it, None while it goes on."""

    def __init__(
        self, start: Request, moves: tuple[tuple[str, ...], ...], end: Made | None = None
    ) -> None:
        self.end = end
        self._start, self._moves = start, moves
        self._parents = start.parents
        self._labels = {**start.labels, **_labels_before(start)}
        self._lines: list[str] = []

    def request(self, number: int, key: str) -> Request:
        """What the next step is asked for."""
        moves, start = self._moves[number], self._start
        labels = {**self._labels, **{axis: start.labels[axis] for axis in moves}}
        seed = row_seed(start.seed, f"chain {number} {key}", start.id)
        return Request(start.id, self._parents, labels, moves, seed)

    def take(self, key: str, weights: str, request: Request, made: Made, last: bool) -> None:
        """Note what a step made: it is the end, or the parent of the next step."""
        if made.image is None:
            self.end = Made(None, reason=f"{key}: {made.reason}")
            return
        moved = [
            f"{name} {self._labels[name]} → {request.labels[name]}" for name in request.changes
        ]
        with_weights = f"{key} (weights {weights[:12]})" if weights else key
        done = "; ".join([*moved, *made.steps]) or "nothing changed"
        self._lines.append(f"{with_weights}: {done}")
        if last:
            self.end = Made(made.image, made.points, tuple(self._lines))
        elif made.points is None:
            self.end = Made(None, reason=f"{key}: it gave no points for the next step to go by")
        else:
            first, alone = self._parents[0], len(self._parents) == 1
            age = first.age if alone and "age_group" not in request.changes else None
            name = f"{first.id} after {key}"
            self._parents = (Face(name, made.image, made.points, request.labels, age),)
            self._labels = dict(request.labels)


def _labels_before(request: Request) -> dict[str, str]:
    """What the labels that shall change are on the first parent."""
    parent = request.parents[0]
    return {name: parent.labels.get(name, UNKNOWN) for name in request.changes}


def _parts(axes: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """All subsets, the empty one first."""
    sizes: Iterable[int] = range(len(axes) + 1)
    return chain.from_iterable(combinations(axes, size) for size in sizes)


def _read(path: Path, otherwise: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else otherwise
