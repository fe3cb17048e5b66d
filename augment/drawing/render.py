"""From a spec to a picture with its true answers."""

from dataclasses import dataclass

import cv2
import numpy as np

from augment.drawing.anatomy import anatomy
from augment.drawing.canvas import Labels
from augment.drawing.fields import Array, encode_srgb
from augment.drawing.geometry import View, rotation_matrix
from augment.drawing.landmarks import landmarks
from augment.drawing.scene import Scene
from augment.drawing.spec import Drawing, FaceSpec

PIVOT = (0.0, 0.25, 0.3)  # what stays in place when the head turns


@dataclass
class Layers:
    """A picture before noise: `base` (size, size, 3) sRGB 0..255 float32 without mask, the mask's
    `alpha` (size, size) and premultiplied `paint`, all with the spec's blur applied."""

    base: Array
    alpha: Array
    paint: Array
    parsing: Labels


def draw(spec: FaceSpec, size: int = 128) -> Drawing:
    """Draw `spec` as a (size, size) picture; another size is the same picture at that resolution.

    Only the sensor noise is drawn per pixel of the size asked for. The picture is
    alpha * mask + (1 - alpha) * unmasked in sRGB values, plus the same noise with and without mask.
    Raises ValueError for a size outside 32..1024.
    """
    if not 32 <= size <= 1024:
        raise ValueError(f"size must be 32..1024 pixels, not {size}")
    layers = draw_layers(spec, size)
    picture = layers.paint + (1.0 - layers.alpha)[..., None] * layers.base
    if spec.noise > 0:
        rng = np.random.default_rng([0x2015E, spec.person.seed, spec.seed])
        picture += rng.standard_normal(picture.shape, np.float32) * np.float32(spec.noise)
    image = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    view = _camera(spec, size, spec.yaw, spec.pitch, spec.roll)
    five, all_points = landmarks(spec, anatomy(spec), view, size)
    return Drawing(image, five, all_points, layers.parsing, layers.alpha)


def draw_layers(spec: FaceSpec, size: int) -> Layers:
    """Render on a finer grid and average down; the mask stays a layer of its own."""
    cells = size + 96
    view = _camera(spec, cells, spec.yaw, spec.pitch, spec.roll)
    body_view = _camera(spec, cells, 0.3 * spec.yaw, 0.1 * spec.pitch, 0.0)
    scene = Scene(spec, view, body_view)
    base = encode_srgb(_shrink(scene.picture, size))
    alpha = np.zeros((size, size), np.float32)
    paint = np.zeros((size, size, 3), np.float32)
    if scene.mask is not None:
        layer = scene.mask
        covered = np.zeros(view.shape, np.float32)
        covered[layer.window] = layer.alpha
        premultiplied = np.zeros((3, *view.shape), np.float32)
        premultiplied[:, *layer.window] = encode_srgb(layer.colour) * layer.alpha
        alpha = cv2.resize(covered, (size, size), interpolation=cv2.INTER_AREA)
        paint = _shrink(premultiplied, size)
    sigma = spec.blur * size
    if sigma > 0.05:
        base, alpha, paint = (cv2.GaussianBlur(p, (0, 0), sigma) for p in (base, alpha, paint))
        alpha = np.minimum(alpha, np.float32(1.0))  # the blur's weights sum to 1 +- rounding
    nearest = ((np.arange(size) + 0.5) * (cells / size)).astype(np.intp)
    return Layers(base, alpha, paint, scene.labels[np.ix_(nearest, nearest)])


def _camera(spec: FaceSpec, cells: int, yaw: float, pitch: float, roll: float) -> View:
    unit = spec.scale / anatomy(spec).face_width
    axis = (np.arange(cells, dtype=np.float64) + 0.5) / cells
    x = ((axis - spec.centre[0]) / unit).astype(np.float32)[None, :]
    y = ((axis - spec.centre[1]) / unit).astype(np.float32)[:, None]
    return View(x, y, 1.0 / (cells * unit), rotation_matrix(yaw, pitch, roll), PIVOT)


def _shrink(picture: Array, size: int) -> Array:
    """Planes (3, n, n) to a picture (size, size, 3)."""
    interleaved = cv2.merge([picture[0], picture[1], picture[2]])
    small: Array = cv2.resize(interleaved, (size, size), interpolation=cv2.INTER_AREA)
    return small
