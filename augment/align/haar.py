"""OpenCV's bundled Haar cascades: needs no file, finds near-frontal faces and their eyes.

Method: P. Viola and M. Jones, "Rapid Object Detection using a Boosted Cascade of Simple Features",
CVPR 2001. The cascades give boxes of faces and of eyes only: nose tip and mouth corners are
*estimated* from the eye line with the proportions of the ArcFace template; an eye that is not found
is placed where eyes usually lie in a face's box. Good for the drawn demonstration and a first look
at photos; for photos of all poses take ``yunet`` or ``insightface``.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import Field

from augment.crop import TEMPLATE, similarity, transform
from augment.params import Section
from augment.protocols import Detection
from augment.types import Image

_Array = npt.NDArray[np.float64]
_Grey = npt.NDArray[np.uint8]

#: The looks at a photo, in order, until one shows a face: cascade, degrees the photo is turned, and
#: whether its greys are equalised, which shows faces in poor light but hides dark ones in good.
#: alt2 finds the most faces, with the fewest false ones and the steadiest boxes.
_LOOKS = (
    ("frontalface_alt2", 0.0, False),
    ("frontalface_alt2", 0.0, True),
    ("frontalface_alt2", 22.0, False),
    ("frontalface_alt2", -22.0, False),
    ("frontalface_default", 0.0, False),
    ("frontalface_default", 0.0, True),
)
_EYE = "eye_tree_eyeglasses"
#: Room around the photo, as a share of its longer side: cascades miss faces that touch the edge.
_ROOM = 0.15
#: Where alt2's boxes have their eyes, as shares of the box's side (medians over photos).
_EYES_IN_BOX = np.array([[0.303, 0.386], [0.688, 0.386]])
#: An eye hit farther than this from there, as a share of the box's side, is something else.
_EYE_REACH = 0.13
#: A face is brought to this width before its eyes are searched: the cascade's eyes are 20 pixels.
_EYE_SEARCH = 160
#: A face smaller than this on the canvas (pixels) is looked at again at twice the size.
_SMALL = 56
#: How far a hit, which is off by some pixels itself, moves the eye from its usual place.
_EYE_TRUST = 0.6


class Config(Section):
    #: Photos are looked at with their longer side at this many pixels.
    look_size: int = Field(160, ge=96, le=1024)
    #: Neighbouring hits that a face needs: more means fewer false faces and fewer faces.
    min_neighbours: int = Field(3, ge=1, le=20)
    #: Width of the smallest face that is looked for, as a share of the photo's longer side.
    smallest: float = Field(0.2, ge=0.05, le=1)
    #: Search each face for its eyes. Without, points are where they usually lie in a face's box:
    #: rough, and found in a third of the time.
    eyes: bool = True


class Detector:
    """Photo -> faces. Scores rank faces only: the cascade's last margin m as 1 - exp(-m / 4)."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._cascades: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"_config": self._config, "_cascades": {}}

    def identity(self) -> str:
        config = self._config
        eyes = "" if config.eyes else " no eyes"
        sizes = f"{config.look_size} {config.smallest} {config.min_neighbours}"
        return f"haar {cv2.__version__} {sizes}{eyes}"

    def detect(self, image: Image) -> list[Detection]:
        """Near-frontal faces, in pixels of the photo.

        Args:
            image: uint8 (height, width, 3), RGB.
        """
        size, long_side = self._config.look_size, max(image.shape[:2])
        faces = self._look(image, size)
        if faces and long_side > size:
            shown = max(float(face.box[2]) for face in faces) * size / long_side
            if shown < _SMALL:
                faces = self._look(image, 2 * size) or faces
        return faces

    def _look(self, image: Image, size: int) -> list[Detection]:
        grey, to_grey = _prepared(image, size)
        for cascade, degrees, equalised in _LOOKS:
            turned, turn = _turn(cv2.equalizeHist(grey) if equalised else grey, degrees)
            faces = self._find(turned, cascade)
            if faces:
                back = cv2.invertAffineTransform(_chain(turn, to_grey))
                return [_moved(face, back) for face in faces]
        return []

    def _find(self, grey: _Grey, cascade: str) -> list[Detection]:
        smallest = max(24, int(self._config.look_size * self._config.smallest))
        boxes, _, margins = self._cascade(cascade).detectMultiScale3(
            grey, 1.1, self._config.min_neighbours, minSize=(smallest, smallest),
            outputRejectLevels=True,
        )  # fmt: skip
        return [
            self._face(grey, np.asarray(box, dtype=np.float64), float(margin))
            for box, margin in zip(boxes, np.ravel(margins), strict=True)
        ]

    def _face(self, grey: _Grey, box: _Array, margin: float) -> Detection:
        usual = box[:2] + _EYES_IN_BOX * box[2:]
        hits = self._eye_hits(grey, box) if self._config.eyes else np.zeros((0, 2))
        seen = [_nearest(hits, eye, _EYE_REACH * box[2]) for eye in usual]
        eyes = np.array(
            [eye + _EYE_TRUST * (hit - eye) for eye, hit in zip(usual, seen, strict=True)]
        )
        if not (np.array_equal(seen[0], usual[0]) or np.array_equal(seen[1], usual[1])):
            # The box knows nothing of the head's tilt, two hits do.
            eyes = _turned_to(eyes, seen[1] - seen[0])
        points = transform(TEMPLATE, similarity(TEMPLATE[:2], eyes))
        return Detection(box.astype(np.float32), points, 1.0 - float(np.exp(-max(margin, 0.0) / 4)))

    def _eye_hits(self, grey: _Grey, box: _Array) -> _Array:
        """Centres of what the eye cascade finds in the upper part of a face, (n, 2)."""
        x, y, side = (int(value) for value in box[:3])
        part = grey[y + side // 8 : y + side * 5 // 8, x : x + side]
        larger = _EYE_SEARCH / side
        part = cv2.resize(part, None, fx=larger, fy=larger, interpolation=cv2.INTER_LINEAR)
        found = self._cascade(_EYE).detectMultiScale(
            part, 1.1, 2, minSize=(_EYE_SEARCH // 7,) * 2, maxSize=(_EYE_SEARCH // 2,) * 2
        )
        hits: _Array = np.asarray(found, dtype=np.float64).reshape(-1, 4)
        centres: _Array = (hits[:, :2] + hits[:, 2:] / 2) / larger - 0.5
        centres += (x, y + side // 8)
        return centres

    def _cascade(self, name: str) -> Any:
        if name not in self._cascades:
            file = Path(cv2.__file__).parent / "data" / f"haarcascade_{name}.xml"
            self._cascades[name] = cv2.CascadeClassifier(str(file))
        return self._cascades[name]


def _nearest(hits: _Array, place: _Array, reach: float) -> _Array:
    """The hit nearest to a place, or the place itself where none is within reach."""
    away = np.linalg.norm(hits - place, axis=1)
    return hits[away.argmin()] if len(hits) and away.min() <= reach else place


def _turned_to(eyes: _Array, direction: _Array) -> _Array:
    """Both eyes (2, 2) at the same distance around the same middle, along ``direction``."""
    middle = eyes.mean(axis=0)
    half = direction * (np.linalg.norm(eyes[1] - eyes[0]) / np.linalg.norm(direction) / 2)
    return np.array([middle - half, middle + half])


def _prepared(image: Image, size: int) -> tuple[_Grey, _Array]:
    """The photo in grey, its longer side ``size`` pixels, with room around; and the way there."""
    height, width = image.shape[:2]
    ratio = size / max(height, width)
    inside = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    small = cv2.resize(
        cv2.cvtColor(image, cv2.COLOR_RGB2GRAY),
        inside,
        interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR,
    )
    room = round(_ROOM * size)
    grey = cv2.copyMakeBorder(small, room, room, room, room, cv2.BORDER_REPLICATE)
    scale = np.array(inside) / (width, height)
    return grey, np.column_stack([np.diag(scale), 0.5 * scale - 0.5 + room])


def _turn(grey: _Grey, degrees: float) -> tuple[_Grey, _Array]:
    """The picture turned about its centre, and the transform that did it."""
    height, width = grey.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    if degrees == 0.0:
        return grey, turn
    return cv2.warpAffine(grey, turn, (width, height), borderMode=cv2.BORDER_REPLICATE), turn


def _chain(second: _Array, first: _Array) -> _Array:
    """The transform that does ``first``, then ``second``."""
    chained: _Array = second @ np.vstack([first, [0.0, 0.0, 1.0]])
    return chained


def _moved(face: Detection, matrix: _Array) -> Detection:
    centre = transform((face.box[:2] + face.box[2:] / 2)[None], matrix)[0]
    sides = face.box[2:] * np.hypot(matrix[0, 0], matrix[1, 0])
    box = np.concatenate([centre - sides / 2, sides]).astype(np.float32)
    return Detection(box, transform(face.points, matrix), face.score)
