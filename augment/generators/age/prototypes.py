"""What age does to the average face: the classical start of face ageing, and ours.

D. M. Burt & D. I. Perrett, "Perception of age in adult Caucasian male faces", Proc. R. Soc. B 1995,
bend a face as two group averages differ in shape, and add by what they differ in colour. Here faces
are first laid on each other by their five points (registration.py), and a linear model of points
and pixels gives the averages for any year, with all other labels held: a set whose children are
girls must not make girls of everybody. Averages lose wrinkles, which texture.py keeps, and what
faces of an age differ by, which variety.py keeps.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from augment.generators.age.ages import KNOTS, ordinal_code
from augment.generators.age.hair import Tones, hair_of, priors, tone_of
from augment.generators.age.regions import head_region, skin_likeness, soft_skin
from augment.generators.age.registration import (
    SIDE,
    bend,
    cardinals,
    flow_of,
    mirrored,
    shift_of,
    template_of,
)
from augment.generators.age.texture import strength
from augment.generators.age.variety import Variety
from augment.nets.data import to_tensor
from augment.types import FloatArray, Image
from augment.vocabulary import UNKNOWN

_RIDGE = 3.0  # in faces: so many faces' worth of doubt about each number
_LABEL = "age_group"
_AT_ONCE = 256  # faces
_MIDDLE = 25.0  # the year whose shape all others are compared with
_YEARS = np.array([*np.arange(0.5, 20, 1.5), *np.arange(21, 83, 4)], np.float32)
_SHOWN = 256  # pixels a side at which averages are compared
_MOUTH = 0.2  # so far around the mouth, of half a side
_SOFT = 8.0  # standard deviation of the blur of a flow, of those pixels


@dataclass(frozen=True)
class AverageFace:
    """What is added when a bit of the ordinal code turns on. Maps have SIDE pixels a side.

    Attributes:
        template: (5, 2), where the points of the average face lie, -1 to 1.
        cardinals: (5, SIDE, SIDE), see registration.py.
        middle: (len(KNOTS),) code of the age whose shape ``colours`` are in.
        points: (len(KNOTS), 5, 2), by how much points move.
        flows: (len(KNOTS), 2, SIDE, SIDE), x and y: where a pixel is taken from beyond that,
            relative to its own place, in halves of the side.
        colours: (len(KNOTS), 3, SIDE, SIDE), levels span 2: of pixels that look like skin.
        others: the same, of those that do not: hair turns grey, and skin where babies have hair
            shall not.
        details: (len(KNOTS), BANDS, SIDE, SIDE), logarithm of how much stronger detail becomes.
        skin: (SIDE, SIDE), 0 to 1: where the face is.
        head: (SIDE, SIDE), 0 to 1: where face and hair are. Beyond, averages show what children
            and old people are photographed before: that is no part of age.
        parts: (5, SIDE, SIDE), where a picture has skin, hair and what is neither.
        variety: what faces of the same age differ by.
        tones: colours of hair.
    """

    template: FloatArray
    cardinals: FloatArray
    middle: FloatArray
    points: FloatArray
    flows: FloatArray
    colours: FloatArray
    others: FloatArray
    details: FloatArray
    skin: FloatArray
    head: FloatArray
    parts: FloatArray
    variety: Variety
    tones: Tones


@dataclass(frozen=True)
class Inputs:
    """What the linear model goes by.

    Attributes:
        code: (n, len(KNOTS)) ordinal codes of the ages.
        others: (n, m), all other labels, one-hot; unknown ones are 0.
        weights: (n,), how much each face counts; 1 on average.
    """

    code: FloatArray
    others: FloatArray
    weights: FloatArray

    @classmethod
    def of(
        cls, years: FloatArray, labels: Mapping[str, Sequence[str]], weights: FloatArray
    ) -> "Inputs":
        hot = [_one_hot(words) for name, words in labels.items() if name != _LABEL]
        others = np.concatenate([np.zeros((len(years), 0), np.float32), *hot], axis=1)
        return cls(ordinal_code(years), others, (weights / weights.mean()).astype(np.float32))

    def mean(self, values: FloatArray) -> FloatArray:
        """Weighted, of faces, which come first."""
        shares = self.weights / self.weights.sum()
        return np.asarray(np.tensordot(shares, values, axes=1), dtype=np.float32)

    def slopes(self, values: FloatArray) -> FloatArray:
        """Ridge regression of ``values`` (n, ...) on age and all other labels: by how much each
        number changes, on average, when an input turns on, (len(KNOTS) + m, ...)."""
        inputs = np.concatenate([self.code, self.others], axis=1)
        inputs = inputs - self.mean(inputs)
        flat = values.reshape(len(values), -1)
        weighted = inputs * self.weights[:, None]
        doubt = _RIDGE * np.eye(inputs.shape[1], dtype=np.float32)
        # The mean of the values needs no taking off: weighted inputs sum to nothing.
        found = np.linalg.solve(weighted.T @ inputs + doubt, weighted.T @ flat)
        return np.asarray(found.reshape(-1, *values.shape[1:]), dtype=np.float32)

    def slopes_where(self, values: FloatArray, shares: FloatArray) -> FloatArray:
        """As :meth:`slopes`, place by place of the faces that count there.

        Args:
            values: (n, channels, places).
            shares: (n, places), by how much each face counts at each place.

        Returns:
            (len(KNOTS) + m, channels, places)
        """
        inputs = np.concatenate([self.code, self.others], axis=1)
        inputs = inputs - self.mean(inputs)
        inputs = np.concatenate([inputs, np.ones_like(inputs[:, :1])], axis=1)
        count, weights = inputs.shape[1], shares * self.weights[:, None]
        products = (inputs[:, :, None] * inputs[:, None]).reshape(len(inputs), -1)
        system = (weights.T @ products).reshape(-1, count, count)
        doubt = np.diag([_RIDGE] * (count - 1) + [1e-3]).astype(np.float32)
        sums = np.stack(
            [inputs.T @ (weights * values[:, channel]) for channel in range(values.shape[1])]
        )
        found = np.linalg.solve(system + doubt, sums.transpose(2, 1, 0))
        return np.ascontiguousarray(found[:, :-1].transpose(1, 2, 0), dtype=np.float32)

    def left(self, values: FloatArray, slopes: FloatArray) -> FloatArray:
        """What age and labels do not say of ``values`` (n, m)."""
        inputs = np.concatenate([self.code, self.others], axis=1)
        rest = values - self.mean(values)
        rest -= (inputs - self.mean(inputs)) @ slopes
        return rest


def average_face(
    images: npt.NDArray[np.uint8],
    points: FloatArray,
    years: FloatArray,
    labels: Mapping[str, Sequence[str]],
    weights: FloatArray,
) -> AverageFace:
    """Learn shapes from averages of all ages, and colours from faces bent to one shape.

    Args:
        images: (n, SIDE, SIDE, 3).
        points: (n, 5, 2), -1 to 1; nan: not known.
        years: (n,).
        labels: column -> each face's word; age_group is not looked at.
        weights: (n,), how much each face counts.
    """
    inputs, bits = Inputs.of(years, labels, weights), len(KNOTS)
    template = template_of(points)
    leading = cardinals(template)
    shifts = shift_of(torch.from_numpy(points), torch.from_numpy(template))
    flow = flow_of(shifts, torch.from_numpy(leading))
    faces = torch.cat([bend(to_tensor(images[part]), flow[part]) for part in _parts(len(images))])
    moved = inputs.slopes(shifts.numpy())[:bits]
    head = head_region(template)
    details = inputs.slopes(_strengths(faces))[:bits] * head
    middle, flows = _shapes(inputs, years, faces)
    flows *= _beside_mouth(template)
    ways = torch.from_numpy(middle - inputs.code)
    for part in _parts(len(faces)):
        way = torch.einsum("nk,kcyx->ncyx", ways[part], torch.from_numpy(flows))
        faces[part] = bend(faces[part], way)
    pixels = faces.flatten(1).numpy()
    slopes, skin = inputs.slopes(pixels), soft_skin()
    likeness = torch.cat([skin_likeness(faces[part], torch.from_numpy(skin))
                          for part in _parts(len(faces))])[:, 0].flatten(1).numpy()  # fmt: skip
    parts = priors(template)
    hair, tones = _hair(faces, parts, likeness, inputs, years)
    maps = [inputs.slopes_where(faces.flatten(2).numpy(), shares)[:bits]
            for shares in (likeness, (1 - likeness) * (1 - hair * (1 - skin.ravel())))]  # fmt: skip
    colours, others = (_symmetric(found.reshape(-1, 3, SIDE, SIDE)) for found in maps)
    variety = Variety.of(
        inputs.left(pixels, slopes), inputs.mean(pixels), slopes[:bits], years, skin, inputs.weights
    )
    both = np.asarray((moved + mirrored(moved)) / 2, dtype=np.float32)
    return AverageFace(
        template, leading, middle, both, flows, colours, others, details, skin, head, parts,
        variety, tones,
    )  # fmt: skip


def _hair(
    faces: Tensor, parts: FloatArray, likeness: FloatArray, inputs: Inputs, years: FloatArray
) -> tuple[FloatArray, Tones]:
    """Where faces have hair (n, SIDE * SIDE), and what becomes of its colour."""
    known, like = torch.from_numpy(parts), torch.from_numpy(likeness).reshape(-1, 1, SIDE, SIDE)
    hair = torch.cat([hair_of(faces[part], known, like[part]) for part in _parts(len(faces))])
    tones, enough = (found.numpy() for found in tone_of(faces, hair))
    seen = Inputs(inputs.code, inputs.others, inputs.weights * enough + 1e-6)
    slopes = seen.slopes(tones)[: len(KNOTS)]
    return hair[:, 0].flatten(1).numpy(), Tones.of(tones, slopes, years, seen.weights)


def _beside_mouth(template: FloatArray) -> FloatArray:
    """(SIDE, SIDE), 0 on the mouth to 1 away from it. Who smiles more is not who is older: there,
    the points alone say how shapes change."""
    middles = ((np.arange(SIDE) + 0.5) * 2 / SIDE - 1).astype(np.float32)
    left, right = template[3:]
    mouth = [left + share * (right - left) for share in np.linspace(0, 1, 5)]
    squared = [np.square(middles - x) + np.square(middles - y)[:, None] for x, y in mouth]
    nearest = np.min(squared, axis=0)
    return np.asarray(1 - np.exp(-0.5 * nearest / _MOUTH**2), dtype=np.float32)


def _shapes(inputs: Inputs, years: FloatArray, faces: Tensor) -> tuple[FloatArray, FloatArray]:
    """Code of the middle age, and flows (len(KNOTS), 2, SIDE, SIDE) from the averages of ages."""
    seen = compared_years(years)
    middle = int(np.abs(seen - _MIDDLE).argmin())
    pixels = faces.numpy()
    slopes = inputs.slopes(pixels)[: len(KNOTS)]
    away = ordinal_code(seen) - inputs.mean(inputs.code)
    averages = _symmetric(inputs.mean(pixels) + np.tensordot(away, slopes, axes=1))
    shifts = _shifts(averages.transpose(0, 2, 3, 1), middle)
    codes = ordinal_code(seen) - ordinal_code(seen[middle])
    doubt = 0.1 * np.eye(len(KNOTS), dtype=np.float32)
    flows = np.linalg.solve(codes.T @ codes + doubt, codes.T @ shifts.reshape(len(seen), -1))
    flows = flows.reshape(-1, SIDE, SIDE, 2).transpose(0, 3, 1, 2) / (SIDE / 2)
    return ordinal_code(seen[middle]), np.ascontiguousarray(flows, dtype=np.float32)


def compared_years(years: FloatArray) -> FloatArray:
    """Ages that are compared, of those that faces have; at least two."""
    seen = _YEARS[(years.min() <= _YEARS) & (years.max() >= _YEARS)]
    return seen if len(seen) > 1 else np.array([years.min(), years.max()], np.float32)


def _strengths(faces: Tensor) -> FloatArray:
    """Of detail, as texture.py measures it: (n, BANDS, SIDE, SIDE), mirror images as well."""
    found = [strength(faces[part]) for part in _parts(len(faces))]
    return np.concatenate([((maps + maps.flip(3)) / 2).numpy() for maps in found])


def _symmetric(maps: FloatArray) -> FloatArray:
    return np.ascontiguousarray((maps + maps[..., ::-1]) / 2, dtype=np.float32)


def _parts(count: int) -> Iterator[slice]:
    yield from (slice(start, start + _AT_ONCE) for start in range(0, count, _AT_ONCE))


def _one_hot(words: Sequence[str]) -> FloatArray:
    values = sorted(set(words) - {UNKNOWN})
    found = [[word == value for value in values] for word in words]
    return np.array(found, np.float32).reshape(len(words), len(values))


def _shifts(averages: FloatArray, middle: int) -> FloatArray:
    """Where each average's pixels lie in the middle one: (ages, SIDE, SIDE, 2), pixels.

    Summed up from age to age: from one to the next hair turns grey by so little that it is not
    taken for a move. Optical flow: T. Kroeger et al., "Fast optical flow using dense inverse
    search", ECCV 2016.
    """
    seeing = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    seeing.setFinestScale(0)
    grey = [_grey(average) for average in averages]
    found = np.zeros((len(averages), SIDE, SIDE, 2), np.float32)
    for step in (1, -1):
        last = len(averages) if step == 1 else -1
        for place in range(middle + step, last, step):
            flow = seeing.calc(grey[place], grey[place - step], None)
            soft = cv2.GaussianBlur(flow, (0, 0), _SOFT)
            small = cv2.resize(soft, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            found[place] = found[place - step] + small * (SIDE / _SHOWN)
    both = (found + found[:, :, ::-1] * np.array([-1, 1], np.float32)) / 2
    return np.asarray(both, dtype=np.float32)


def _grey(average: FloatArray) -> Image:
    levels = np.clip((average + 1) * 127.5, 0, 255).astype(np.uint8)
    large = cv2.resize(levels, (_SHOWN, _SHOWN), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.cvtColor(large, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
