"""The face of a film's frame: one person's, found again, its points steadied by the frames around.

A detector's points tremble from frame to frame, and an aligned crop trembles with them. Where a row
is a frame of a clip its points become the median over the frames beside it, too (5 frames; the
alignment filter of Han & Kim 2018, J. Digital Contents Society 19(3)). A clip is taken for one
person's, so that frames of crowds, in which now this is found and now that, must not pass.
"""

from collections.abc import Sequence

import numpy as np

from augment import protocols
from augment.errors import RowError
from augment.protocols import Detection
from augment.types import FloatArray, Image

#: A second face this wide, as a share of the first one's width, makes it unclear whose film it is.
_SECOND = 0.6
#: A face is the same one if its middle moved by less than this share of its box, and its width is
#: the same within this factor. Faces of one person's clips: within 0.03 and 1.06.
_MOVED, _GROWN = 0.5, 1.3
#: How near a second and third look come, sides of the face's box.
_CLOSER = (1.5, 2.2)
#: Frames around in which it must be found again, as a share of them.
_AGAIN = 0.5
# One wording for all rows, so that audits can count it; how many faces there are is in faces_found.
_SEVERAL = "several faces in the frame: a clip must show one person"
_UNSTEADY = "no steady face: it is not found again from nearer, or in the frames beside it"


def film_points(
    face: Detection,
    faces: Sequence[Detection],
    frame: Image,
    around: Sequence[Image],
    detector: protocols.Detector,
) -> FloatArray:
    """The median of a face's points over frames, (5, 2), pixels.

    Args:
        face: that is to be cut out.
        faces: all that were found on its frame.
        frame: where it was found, uint8 (height, width, 3).
        around: the frames beside it.
        detector: who found it.

    Raises:
        RowError: another face is about as large, or the face is not found again.
    """
    if sum(bool(other.box[2] >= _SECOND * face.box[2]) for other in faces) > 1:
        raise RowError(_SEVERAL)
    for sides in _CLOSER:
        nearer, corner = _cut(frame, face, sides)
        found = [_moved(other, corner) for other in detector.detect(nearer)]
        if not any(_same(face, other) for other in found):
            raise RowError(_UNSTEADY)
    beside = [[one for one in detector.detect(other) if _same(face, one)] for other in around]
    seen = [face.points, *(one[0].points for one in beside if one)]
    if len(seen) - 1 < _AGAIN * len(around):
        raise RowError(_UNSTEADY)
    return np.median(np.stack(seen), axis=0).astype(np.float32)


def _cut(frame: Image, face: Detection, sides: float) -> tuple[Image, FloatArray]:
    """The square around a face, ``sides`` of its box wide, and its corner in the frame."""
    half = sides * float(face.box[2:].max()) / 2
    middle = face.box[:2] + face.box[2:] / 2
    low = np.maximum(np.floor(middle - half).astype(int), 0)
    high = np.maximum(np.ceil(middle + half).astype(int), low + 1)
    return np.ascontiguousarray(frame[low[1] : high[1], low[0] : high[0]]), low.astype(np.float32)


def _moved(face: Detection, corner: FloatArray) -> Detection:
    box = np.concatenate([face.box[:2] + corner, face.box[2:]]).astype(np.float32)
    return Detection(box, (face.points + corner).astype(np.float32), face.score)


def _same(face: Detection, other: Detection) -> bool:
    moved = face.box[:2] + face.box[2:] / 2 - other.box[:2] - other.box[2:] / 2
    side = max(float(face.box[2:].mean()), 1e-6)
    grown = float(other.box[2]) / max(float(face.box[2]), 1e-6)
    return float(np.hypot(*moved)) < _MOVED * side and 1 / _GROWN < grown < _GROWN
