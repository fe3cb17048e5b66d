"""Procedural faces: pictures of people who do not exist, with exact labels.

A head is a smooth union of ellipsoids under a parallel camera; features are painted in the head's
own coordinates and lit with shadows and ambient occlusion. Numpy and OpenCV only, no assets.
"""

from augment.drawing.person import Person, sample_person
from augment.drawing.render import draw
from augment.drawing.spec import Drawing, FaceSpec, random_spec
from augment.drawing.video import draw_video

__all__ = [
    "Drawing",
    "FaceSpec",
    "Person",
    "draw",
    "draw_video",
    "random_spec",
    "sample_person",
]
