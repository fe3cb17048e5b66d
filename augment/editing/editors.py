"""What can be done to a face of a photo: one class a generator, with the words people use."""

from pathlib import Path
from typing import Any, Protocol, get_args

import numpy as np

from augment.errors import UserError
from augment.generators.age.ages import OLDEST, years_of
from augment.generators.mask.style import Kind
from augment.nets.weights import read_config, read_crop
from augment.params import validate
from augment.plugins import CLASS_NAME, load
from augment.protocols import Face, Made, Request
from augment.shipped import shipped_folder
from augment.types import FloatArray
from augment.vocabulary import (
    UNKNOWN,
    YES,
    DigitalSourceType,
    group_of_years,
    parse_age_groups,
)


class Editor(Protocol):
    """One change of one face."""

    #: Whether what is made covers the face, as a mask does, or tints what is there.
    covers: bool
    digital_source_type: DigitalSourceType
    #: Where a face's five points lie in the crops that it knows, shares of the side, (5, 2).
    crop: FloatArray

    def change(self, face: Face, seed: int) -> Made:
        """The face after the change, in the same crop; or None and a reason."""
        ...

    def asked(self) -> dict[str, Any]:
        """What is done, as JSON: another wish, or another network, is another one."""
        ...


class MaskWearer:
    """Puts a face mask on."""

    covers = True

    def __init__(
        self, kind: str = "surgical", models: str | Path | None = None, key: str = "mask"
    ) -> None:
        """Load the generator.

        Args:
            kind: ``surgical``, ``n95``, ``cloth`` or ``gas``.
            models: the folder with trained models, as ``dvc repro`` leaves it; None: the weights
                that come with the package.
            key: of the generator in there.

        Raises:
            UserError: no such kind of mask, or no trained model.
        """
        if kind not in get_args(Kind):
            raise UserError(
                f"no kind of mask is called '{kind}'; there are: {', '.join(get_args(Kind))}."
            )
        self._kind = kind
        folder = _folder("mask", models, key)
        self._generator = _loaded("mask", folder, {"make": {"types": [kind]}})
        self.crop = np.array(read_crop(folder), np.float32)
        self.digital_source_type = self._generator.digital_source_type

    def change(self, face: Face, seed: int) -> Made:
        labels = {**face.labels, "mask": YES}
        made: Made = self._generator.make([Request(face.id, (face,), labels, ("mask",), seed)])[0]
        return made

    def asked(self) -> dict[str, Any]:
        return {"mask": self._kind, "weights": self._generator.weights()}


class AgeEditor:
    """Makes a face look as old as asked."""

    covers = False

    def __init__(
        self,
        years: float,
        now: float | None = None,
        models: str | Path | None = None,
        key: str = "age",
    ) -> None:
        """Load the generator.

        Args:
            years: the age to show.
            now: the age that faces show now, years; None: the network's guess for each, which on
                photos is often wrong (reports/systems/age.md).
            models: the folder with trained models, as ``dvc repro`` leaves it; None: the weights
                that come with the package.
            key: of the generator in there.

        Raises:
            UserError: no trained model, an age that nobody reaches, or one that lies outside of
                those that it has learned.
        """
        for age in (years, now):
            # Written so that "not a number" is refused, too.
            if age is not None and not 0 <= age <= OLDEST:
                raise UserError(f"age {age:g} is none that people reach: say 0 to {OLDEST} years.")
        folder = _folder("age", models, key)
        self._generator = _loaded("age", folder, {})
        self.crop = np.array(read_crop(folder), np.float32)
        self._years, self._now = years, now
        self.digital_source_type = self._generator.digital_source_type
        learned = self._generator.age_groups()
        # One by one: groups of which there were too few faces are left out.
        groups = [group for name in learned for group in parse_age_groups([name])]
        for age in (years, now):
            if age is not None and group_of_years(age, groups) == UNKNOWN:
                raise UserError(
                    f"age {age:g} lies outside of what {folder} has learned: {', '.join(learned)}."
                )

    def change(self, face: Face, seed: int) -> Made:
        now = self._guess(face) if self._now is None else self._now
        image = self._generator.edit([face.image], [now], [self._years], [face.points])[0]
        step = f"age about {now:.0f} → {self._years:g} years"
        return Made(image, face.points, (step,))

    def _guess(self, face: Face) -> float:
        """The middle of the group that the network takes it for, years."""
        opinion = self._generator.classify([face.image])[0]
        span = years_of(self._generator.age_groups()[int(opinion.argmax())])
        assert span is not None  # the groups were read when they were learned
        return sum(span) / 2

    def asked(self) -> dict[str, Any]:
        return {"age": self._years, "now": self._now, "weights": self._generator.weights()}


def _folder(kind: str, models: str | Path | None, key: str) -> Path:
    return shipped_folder(kind) if models is None else Path(models) / key


def _loaded(kind: str, folder: Path, settings: dict[str, Any]) -> Any:
    """A trained generator, set up as it was trained, with some other settings.

    Raises:
        UserError: there is no model in the folder, it is another kind's, or a setting is wrong.
    """
    module = load("generators", kind)
    trained = read_config(folder)
    known = module.Config.model_fields
    config = {name: value for name, value in trained.items() if name in known}
    generator = getattr(module, CLASS_NAME["generators"])(
        validate(module.Config, {**config, **settings}, f"{folder}")
    )
    generator.load(folder)
    return generator
