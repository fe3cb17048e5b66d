"""Points of a face on film, steadied by the frames around it.

A detector's points tremble by about a pixel from frame to frame, and an aligned crop trembles with
them. Where a row is a frame of a clip its points become the median over the frames beside it, too
(5 frames; the alignment filter of Han & Kim 2018, J. Digital Contents Society 19(3)).
"""

from collections.abc import Sequence

import numpy as np

from augment.errors import RowError
from augment.protocols import Detection, Detector
from augment.types import FloatArray, Image

#: A second face this wide, as a share of the first one's width, makes it unclear whose film it is.
_SECOND = 0.6
#: A face of the next frame is the same one if its middle moved by less than this share of its box.
_MOVED = 0.5


def require_one(face: Detection, faces: Sequence[Detection]) -> None:
    """A clip is taken for one person's, so that its frames must show one.

    Raises:
        RowError: another face is about as large.
    """
    others = [other for other in faces if other.box[2] >= _SECOND * face.box[2]]
    if len(others) > 1:
        # One wording for all rows, so that audits can count it; how many is in faces_found.
        raise RowError("several faces in the frame: a clip must show one person")


def steadied(face: Detection, around: Sequence[Image], detector: Detector) -> FloatArray:
    """The median of a face's points over frames, (5, 2), pixels.

    Args:
        face: as found on its own frame.
        around: the frames beside it; one where the face is not found again says nothing.
        detector: who found it.
    """
    seen = [face.points]
    for frame in around:
        faces = detector.detect(frame)
        found = [_middle_moved(face, other) for other in faces]
        if found and min(found) < _MOVED:
            seen.append(faces[int(np.argmin(found))].points)
    return np.median(np.stack(seen), axis=0).astype(np.float32)


def _middle_moved(face: Detection, other: Detection) -> float:
    """How far the box's middle moved, as a share of the first box's mean side."""
    moved = face.box[:2] + face.box[2:] / 2 - other.box[:2] - other.box[2:] / 2
    return float(np.hypot(*moved) / max(float(face.box[2:].mean()), 1e-6))
