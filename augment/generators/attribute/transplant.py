"""Another person's mouth, eyes or beard on a face: pictures to learn undoing from.

A real face whose region comes from somebody with the other value is a rough edit; the editor learns
to make the real face of it again. What it shall make is a real picture of the value asked for, so
nothing can be won by changing nothing (as in back translation: R. Sennrich et al., ACL 2016).
"""

import cv2
import numpy as np

from augment.regions import Mask, widened
from augment.types import Image

_WIDER = 16  # the patch is wider than the guides by the side over this
_SOFT = 32  # and its edge is so soft


def transplanted(
    face: Image, guide: Mask, donor: Image, there: Mask, area: Mask
) -> tuple[Image, Mask]:
    """The face with the donor's region, lit as the face is around it, and where either's lies.

    Args:
        face: uint8 (side, side, 3): who is to be changed, through the region's window.
        guide: (side, side), where the region is.
        donor: whose region is taken, through the same region's window.
        there: where the donor's is.
        area: (side, side), beyond which the face stays.

    Returns:
        uint8 (side, side, 3), and (side, side).
    """
    side = len(face)
    both = (guide | there) & area
    patch = widened(both, max(1, side // _WIDER)) & area
    ring = widened(patch, max(1, side // _WIDER)) & ~patch
    lit = donor.astype(np.float32)
    if ring.any():
        lit += face[ring].mean(0, dtype=np.float32) - donor[ring].mean(0, dtype=np.float32)
    alpha = cv2.GaussianBlur(patch.astype(np.float32), (0, 0), side / _SOFT) * area
    mixed = face + alpha[..., None] * (lit - face)
    return np.asarray(np.clip(np.rint(mixed), 0, 255), dtype=np.uint8), both
