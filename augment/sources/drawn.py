"""Faces drawn by code, at any time and anywhere the same: the embedded data set.

All labels are true by construction. The train and validation faces are as skewed as ``skew`` says;
the test faces can be drawn balanced over age group, gender and skin tone.

A person's pictures may lie up to ``years_apart`` years apart, as they do in sets of real people.
The line of ages is cut into pieces of that length, for each person elsewhere; the first picture's
age is drawn from all ages as skewed as ``skew`` says, the others' likewise, but from its piece. So
every picture by itself has an age of the whole skewed distribution. In the balanced test split the
pictures of a person take neighbouring age groups in turn, so that each is seen equally often.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from augment.drawing import Drawing, FaceSpec, draw, random_spec, sample_person
from augment.drawing.spec import MASKS
from augment.errors import RowError, UserError
from augment.images import encode
from augment.intake.photo_files import SourceConfig
from augment.protocols import Record
from augment.seeds import row_generator, row_seed
from augment.types import Image
from augment.vocabulary import GENDERS, NO, SKIN_TONES, YES, AgeGroup

#: From which value on (0..1) a drawn trait is labelled: where a person would say so too.
SMILING_FROM = 0.5
MOUTH_OPEN_FROM = 0.25
BEARD_FROM = 0.3
#: A beard is not set by a share: it goes with age and gender.
SETTABLE = ("mask", "glasses", "smiling", "mouth_open")
ATTRIBUTES = (*SETTABLE, "beard")
OLDEST = 90


class Config(SourceConfig):
    faces: int = Field(default=2400, ge=1)
    faces_per_person: int = Field(default=3, ge=1)
    years_apart: float = Field(default=0, ge=0, le=OLDEST)  # of one person's pictures, at most
    size: int = Field(default=128, ge=32, le=512)  # pixels
    validation: float = Field(default=0.1, ge=0, lt=1)  # share of the people
    test: float = Field(default=0.25, ge=0, lt=1)
    test_balanced: bool = True
    #: How often values are drawn, against 1 for those not named: {age_group: {"70+": 0.2}}; for
    #: age_group, gender and skin_tone.
    skew: dict[str, dict[str, float]] = Field(default={})
    #: Share of the faces with it, of mask, glasses, smiling, mouth_open; those not named come as
    #: they do in everyday pictures, masks not at all. A balanced test split shows them on every
    #: other face.
    attributes: dict[str, float] = Field(default={})

    @model_validator(mode="after")
    def _sensible(self) -> "Config":
        for label, weights in self.skew.items():
            if label not in ("age_group", "gender", "skin_tone"):
                raise ValueError(f"skew.{label}: only age_group, gender and skin_tone are skewed")
            if any(not 0 <= weight < math.inf for weight in weights.values()):
                raise ValueError(f"skew.{label}: weights are 0 or more")
        for name, share in self.attributes.items():
            if name not in SETTABLE or not 0 <= share <= 1:
                raise ValueError(f"attributes.{name}: shares 0 to 1 of {', '.join(SETTABLE)}")
        if self.validation + self.test >= 1:
            raise ValueError("validation and test leave nobody to train on")
        return self


@dataclass(frozen=True)
class _Person:
    name: str
    split: str
    place: int  # in its split
    labels: Mapping[str, str]  # that all pictures share
    group: AgeGroup  # of the first picture
    age: float  # on the first picture
    start: float  # of the years that its pictures come from, if these are drawn as skewed
    seed: int


class Source:
    licence = "CC0 1.0 (drawn by code)"
    attributes: tuple[str, ...] = ATTRIBUTES

    def __init__(
        self, config: Config, data: Path, age_groups: tuple[AgeGroup, ...], seed: int
    ) -> None:
        self.config, self.seed = config, seed
        self.assume = config.assume
        self.age_groups = tuple(group for group in age_groups if group.low <= OLDEST)
        self._values = {
            "gender": GENDERS,
            "age_group": tuple(group.name for group in self.age_groups),
            "skin_tone": SKIN_TONES,
        }
        for label, weights in config.skew.items():
            values = self._values[label]
            wrong = [value for value in weights if value not in values]
            if wrong:
                raise UserError(f"skew.{label}: '{wrong[0]}' is none of {', '.join(values)}.")
            if not any(weights.get(value, 1.0) for value in values):
                raise UserError(f"skew.{label}: some value must have a weight above 0.")

    def records(self) -> Iterator[Record]:
        for number in range(self.config.faces):
            person = self._person(number // self.config.faces_per_person)
            spec = self._spec(number)
            group = next(g for g in self.age_groups if spec.age < g.high + 1)
            yield Record(
                name=f"{number:06d}",
                uri=str(number),
                labels={**person.labels, "age_group": group.name, **_attributes(spec)},
                age=spec.age,
                person=person.name,
                split=person.split,
            )

    def read(self, uri: str) -> bytes:
        """Draws the face of this number and encodes it."""
        return encode(_drawing(self._spec(self._number(uri)), self.config.size).image)

    def version(self, uri: str) -> str:
        groups = [group.name for group in self.age_groups]
        # How many faces there are changes none of them.
        content = [self.config.model_dump(mode="json", exclude={"faces"}), self.seed, groups, uri]
        return hashlib.blake2b(json.dumps(content).encode(), digest_size=16).hexdigest()

    def parsing(self, uri: str) -> Image | None:
        """The exact map of the face without its mask, uint8 (size, size)."""
        return _drawing(self._spec(self._number(uri)), self.config.size).parsing

    def _number(self, uri: str) -> int:
        if not uri.isdecimal() or int(uri) >= self.config.faces:
            raise RowError(f"there is no drawn face '{uri}'")
        return int(uri)

    def _spec(self, number: int) -> FaceSpec:
        person = self._person(number // self.config.faces_per_person)
        rng = row_generator(self.seed, "drawn face", str(number))
        settings: dict[str, Any] = {}
        for name in SETTABLE:
            has = bool(rng.random() < self._share(name, person.split))
            strength = float(rng.random())
            if name in self.config.attributes:
                settings |= _settings(name, has, strength)
        return random_spec(
            sample_person(person.seed, person.labels["gender"], int(person.labels["skin_tone"])),
            self._age(person, number),
            int(rng.integers(1 << 31)),
            **settings,
        )

    def _share(self, attribute: str, split: str) -> float:
        """How many of a split's faces have an attribute: every other one where it is balanced."""
        if attribute not in self.config.attributes:
            return 0.0
        balanced = split == "test" and self.config.test_balanced
        return 0.5 if balanced else self.config.attributes[attribute]

    def _person(self, number: int) -> _Person:
        """Everything that stays the same over a person's faces."""
        name = f"{number:06d}"
        rng = row_generator(self.seed, "drawn person", name)
        split, place = self._split(number)
        balanced = split == "test" and self.config.test_balanced
        gender, group, tone = self._balanced(place) if balanced else self._skewed(rng)
        age = _years(group.low, _end(group), float(rng.random()))
        seed = row_seed(self.seed, "drawn person", name) >> 31
        # In tenths of a year, as ages are.
        start = age - math.floor(10 * self.config.years_apart * float(rng.random())) / 10
        alike = {"gender": gender, "skin_tone": tone}
        return _Person(name, split, place, alike, group, age, start, seed)

    def _age(self, person: _Person, number: int) -> float:
        """How old the person is on picture ``number``."""
        turn = number % self.config.faces_per_person
        if turn == 0 or self.config.years_apart == 0:
            return person.age
        rng = row_generator(self.seed, "drawn age", str(number))
        start, end = person.start, person.start + self.config.years_apart
        if person.split == "test" and self.config.test_balanced:
            near = self._neighbours(person)
            group = near[(near.index(person.group) + turn) % len(near)]
            # A group of its own may be longer than the piece.
            start, end = (start, end) if len(near) == 1 else (group.low, _end(group))
        else:
            group = self._group(rng, start, end)
        return _years(max(group.low, start), min(_end(group), end), float(rng.random()))

    def _neighbours(self, person: _Person) -> list[AgeGroup]:
        """The age groups that a person of the balanced split is seen in: as many as lie no more
        than ``years_apart`` years apart.

        All groups are cut into such runs, beginning with the youngest for every other person of
        one gender and group, and with the oldest for those between.
        """
        from_oldest = person.place // (len(GENDERS) * len(self.age_groups)) % 2
        order = self.age_groups[::-1] if from_oldest else self.age_groups
        runs: list[list[AgeGroup]] = []
        for group in order:
            run = [*runs[-1], group] if runs else [group]
            span = max(map(_end, run)) - min(g.low for g in run)
            if runs and span <= self.config.years_apart:
                runs[-1] = run
            else:
                runs.append([group])
        return next(run for run in runs if person.group in run)

    def _split(self, number: int) -> tuple[str, int]:
        """The person's split, and how many of its people come before: shares hold for any count."""
        test, rest = _turn(number, self.config.test)
        if test is not None:
            return "test", test
        validation, train = _turn(rest, self.config.validation / (1 - self.config.test))
        return ("train", train) if validation is None else ("validation", validation)

    def _balanced(self, place: int) -> tuple[str, AgeGroup, str]:
        """Every gender and age group in turn, each of them through all skin tones in turn."""
        turn, bin_number = divmod(place, len(GENDERS) * len(self.age_groups))
        group, gender = divmod(bin_number, len(GENDERS))
        tone = (7 * place + turn) % len(SKIN_TONES)
        return GENDERS[gender], self.age_groups[group], SKIN_TONES[tone]

    def _skewed(self, rng: np.random.Generator) -> tuple[str, AgeGroup, str]:
        gender, tone = self._weighted(rng, "gender", {}), self._weighted(rng, "skin_tone", {})
        return gender, self._group(rng, 0, math.inf), tone

    def _group(self, rng: np.random.Generator, start: float, end: float) -> AgeGroup:
        """An age group, as skewed as ``skew`` says, of those who are ``start`` to ``end`` years."""
        shares = {}
        for group in self.age_groups:
            inside = min(_end(group), end) - max(group.low, start)
            shares[group.name] = max(0.0, inside) / (_end(group) - group.low)
        name = self._weighted(rng, "age_group", shares)
        return next(group for group in self.age_groups if group.name == name)

    def _weighted(self, rng: np.random.Generator, label: str, shares: Mapping[str, float]) -> str:
        """A value, as often as ``skew`` says; ``shares`` are how much of each there is to draw."""
        values, named = self._values[label], self.config.skew.get(label, {})
        weights = np.cumsum([named.get(value, 1.0) * shares.get(value, 1.0) for value in values])
        return values[int(np.searchsorted(weights, rng.random() * weights[-1], "right"))]


@lru_cache(maxsize=4)
def _drawing(spec: FaceSpec, size: int) -> Drawing:
    """Kept for a moment: a face's picture and its map are asked for one after the other."""
    return draw(spec, size)


def _end(group: AgeGroup) -> float:
    """The age that nobody of the group has reached."""
    return float(min(group.high, OLDEST) + 1)


def _years(start: float, end: float, share: float) -> float:
    """An age from ``start`` up to, but not, ``end``; ``share`` (0..1) says where."""
    # Rounded down: 9.96 years must not become 10.0, another group.
    return max(start, math.floor(10 * (start + share * (end - start))) / 10)


def _turn(number: int, share: float) -> tuple[int | None, int]:
    """Spread a share evenly over the numbers 0, 1, 2, …: is this one of them, and the how-manieth?

    Returns:
        (its place among the chosen, or None; its place among all others).
    """
    before = math.floor(number * share)
    chosen = math.floor((number + 1) * share) > before
    return (before, -1) if chosen else (None, number - before)


def _settings(name: str, has: bool, strength: float) -> dict[str, Any]:
    """What draws an attribute, or its absence; ``strength`` (0..1) varies it."""
    if name == "mask":
        return {"mask": MASKS[int(strength * len(MASKS))] if has else None}
    if name == "glasses":
        return {"glasses": has}
    if name == "smiling":
        return {"smile": 0.65 + 0.35 * strength if has else 0.35 * strength}
    return {"mouth_open": 0.4 + 0.5 * strength if has else 0.1 * strength}


def _attributes(spec: FaceSpec) -> dict[str, str]:
    shown = {
        "mask": spec.mask is not None,
        "glasses": spec.glasses,
        "smiling": spec.smile >= SMILING_FROM,
        "mouth_open": spec.mouth_open >= MOUTH_OPEN_FROM,
        "beard": spec.beard >= BEARD_FROM,
    }
    return {name: YES if has else NO for name, has in shown.items()}
