"""What has no face: parts of photos, photos cut up and shuffled, drawn backgrounds, textures."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from augment.drawing.background import paint_background
from augment.nets.landmarknet.disguises import Random
from augment.types import Image

#: A part of a photo at most so wide, as a share of its face, shows no face.
_PART = (0.12, 0.33)
_DRAWN = 200
_GREY = 128


@dataclass(frozen=True)
class Surroundings:
    """``photos`` uint8 (n, height, width, 3); ``sides`` (n,) of their faces, pixels; ``drawn``
    backgrounds uint8 (m, side, side, 3).
    """

    photos: npt.NDArray[np.uint8]
    sides: npt.NDArray[np.float32]
    drawn: npt.NDArray[np.uint8]

    @classmethod
    def of(
        cls, photos: npt.NDArray[np.uint8], sides: npt.NDArray[np.float32], seed: int, side: int
    ) -> "Surroundings":
        drawn = np.stack([_background(seed + number, side) for number in range(_DRAWN)])
        return cls(photos, sides, drawn)

    def behind(self, side: int, random: Random) -> Image:
        """What lies behind a face: plain grey, as in a detector's look, or anything faceless."""
        kind = random.random()
        if kind < 0.4:
            return np.full((side, side, 3), _GREY, np.uint8)
        if kind < 0.5:
            colour = random.integers(0, 256, 3, dtype=np.uint8)
            return np.full((side, side, 3), colour, np.uint8)
        return self.faceless(side, random)

    def faceless(self, side: int, random: Random) -> Image:
        """A picture without a face, uint8 (side, side, 3)."""
        picture = np.ascontiguousarray(self._sharp(side, random))
        if random.random() < 0.4:
            soft = cv2.GaussianBlur(picture, (0, 0), random.uniform(1.0, 6.0))
            picture = np.asarray(soft, dtype=np.uint8)
        for _ in range(int(random.integers(0, 3)) if random.random() < 0.3 else 0):
            _cover_side(picture, random)
        return picture

    def _sharp(self, side: int, random: Random) -> Image:
        kind = random.random()
        if kind < 0.3:
            return self._part(side, random)
        if kind < 0.6:
            return self._shuffled(side, random)
        if kind < 0.8:
            return np.array(self.drawn[int(random.integers(len(self.drawn)))])
        return _texture(side, random)

    def _part(self, side: int, random: Random) -> Image:
        """A small part of a photo, enlarged: an eye, a cheek, hair, cloth."""
        which = int(random.integers(len(self.photos)))
        photo = self.photos[which]
        width = max(12, int(self.sides[which] * random.uniform(*_PART)))
        top, left = random.integers(0, np.array(photo.shape[:2]) - width)
        part = photo[top : top + width, left : left + width]
        larger = cv2.resize(part, (side, side), interpolation=cv2.INTER_CUBIC)
        return np.asarray(larger, dtype=np.uint8)

    def _shuffled(self, side: int, random: Random) -> Image:
        """A photo in pieces of at most a third of its face, in another order, some turned."""
        which = int(random.integers(len(self.photos)))
        photo = self.photos[which]
        least = int(np.ceil(photo.shape[0] / (self.sides[which] * _PART[1])))
        count = int(random.integers(least, least + 4))
        size = side // count
        small = cv2.resize(photo, (size * count, size * count), interpolation=cv2.INTER_AREA)
        pieces = (
            small.reshape(count, size, count, size, 3).swapaxes(1, 2).reshape(-1, size, size, 3)
        )
        pieces = np.stack(
            [np.rot90(piece, int(random.integers(4))) for piece in random.permutation(pieces)]
        )
        mixed = pieces.reshape(count, count, size, size, 3).swapaxes(1, 2)
        whole = mixed.reshape(size * count, size * count, 3)
        larger = cv2.resize(whole, (side, side), interpolation=cv2.INTER_LINEAR)
        return np.asarray(larger, dtype=np.uint8)


def _background(seed: int, side: int) -> Image:
    linear = np.clip(paint_background(seed, side).transpose(1, 2, 0), 0, 1)
    return np.asarray(linear ** (1 / 2.2) * 255, dtype=np.uint8)


def _cover_side(picture: Image, random: Random) -> None:
    """One flat colour beyond a slanting line, as beside photos that were turned."""
    side = picture.shape[0]
    angle, reach = random.uniform(0, 2 * np.pi), random.uniform(0.0, 0.5) * side
    along = np.array([np.cos(angle), np.sin(angle)])
    edge, across = side / 2 + reach * along, np.array([-along[1], along[0]])
    corners = [edge + side * across, edge - side * across]
    corners += [corners[1] + 2 * side * along, corners[0] + 2 * side * along]
    level = random.integers(0, 256, 3) if random.random() < 0.5 else np.zeros(3)
    colour = tuple(int(value) for value in level)
    cv2.fillPoly(picture, [np.round(corners).astype(np.int32)], colour)


def _texture(side: int, random: Random) -> Image:
    """Clouds of several scales, with stripes, discs, or letters over them."""
    picture = np.zeros((side, side, 3), np.float32)
    for octave in (2, 5, 12, 30, 80):
        cells = random.uniform(-1, 1, (octave, octave, 3)).astype(np.float32)
        if random.random() < 0.5:
            cells[..., 1:] = cells[..., :1]
        strength = random.uniform(0, 70)
        picture += cv2.resize(cells, (side, side), interpolation=cv2.INTER_CUBIC) * strength
    picture += random.uniform(30, 220, 3).astype(np.float32)
    kind = random.random()
    if kind < 0.3:
        y, x = np.mgrid[:side, :side].astype(np.float32)
        angle, length = random.uniform(0, np.pi), random.uniform(3, 40)
        wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * (2 * np.pi / length))
        picture += wave[..., None] * random.uniform(-60, 60, 3).astype(np.float32)
    done = np.clip(picture, 0, 255).astype(np.uint8)
    if kind >= 0.3:
        for _ in range(int(random.integers(0, 12))):
            _shape(done, side, random)
    return done


def _shape(picture: Image, side: int, random: Random) -> None:
    colour = tuple(int(level) for level in random.integers(0, 256, 3))
    x, y = (int(value) for value in random.integers(0, side, 2))
    size = int(random.integers(3, side // 4))
    kind = random.random()
    if kind < 0.5:
        axes = (size, max(2, int(size * random.uniform(0.4, 1.0))))
        turn, fill = random.uniform(0, 180), -1 if random.random() < 0.7 else 2
        cv2.ellipse(picture, (x, y), axes, turn, 0, 360, colour, fill)
    elif kind < 0.8:
        cv2.rectangle(picture, (x, y), (x + size, y + int(random.integers(2, size))), colour, -1)
    else:
        letters = "".join(chr(int(code)) for code in random.integers(65, 91, 3))
        cv2.putText(picture, letters, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size / 30, colour, 2)
