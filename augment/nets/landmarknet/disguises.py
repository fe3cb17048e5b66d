"""What befalls a face or a picture in training: masks, things in front, light, blur, a file."""

import cv2
import numpy as np

from augment.types import FloatArray, Image

Random = np.random.Generator

_MASKS = (
    (124, 178, 205), (150, 200, 190), (228, 232, 235), (40, 42, 48), (52, 60, 92), (150, 58, 66),
    (196, 178, 150), (92, 118, 86), (235, 236, 234), (18, 18, 20),
)  # fmt: skip


def wear_mask(photo: Image, points: FloatArray, random: Random) -> None:
    """Paint a face mask from the bridge of the nose to the chin, in place.

    Args:
        photo: uint8 (height, width, 3).
        points: (5, 2), pixels.
        random: of this picture.
    """
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    down = mouth - eyes
    across = np.array([-down[1], down[0]]) * -1.0
    # Seen from the side a face is narrower; its outline follows the shift of the nose.
    turn = float((points[2] - eyes) @ across / max(1e-6, float(across @ across)))
    top, low = random.uniform(0.28, 0.62), random.uniform(1.45, 1.75)
    wide = random.uniform(0.75, 0.98)
    outline = np.array([
        [0.0, top - 0.08], [0.45, top + 0.04], [wide, top + random.uniform(0.0, 0.25)],
        [wide * 0.95, 1.05], [0.5, low - 0.08], [0.0, low],
        [-0.5, low - 0.08], [-wide * 0.95, 1.05], [-wide, top + random.uniform(0.0, 0.25)],
        [-0.45, top + 0.04],
    ])  # fmt: skip
    outline[:, 0] += turn * np.clip(1.0 - np.abs(outline[:, 0]), 0.0, 1.0)
    corners = eyes + outline[:, :1] * across + outline[:, 1:] * down
    cover = _filled(photo.shape, corners, blur=0.012 * float(np.linalg.norm(down)))
    colour = np.array(_MASKS[int(random.integers(len(_MASKS)))], np.float32)
    colour = np.asarray(np.clip(colour + random.uniform(-25, 25, 3), 0, 255), np.float32)
    _lay(photo, cover, _cloth(photo, colour, down, random))


def _cloth(photo: Image, colour: FloatArray, down: FloatArray, random: Random) -> FloatArray:
    """Folds, a soft shade of the photo's own light, a little grain; (height, width, 3)."""
    height, width = photo.shape[:2]
    along = np.asarray(down, np.float64) / max(1e-6, float(down @ down))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    phase = (x * along[0] + y * along[1]) * random.uniform(8, 40) + random.uniform(0, 6)
    folds = 1.0 + random.uniform(0.0, 0.08) * np.sin(phase)
    light = cv2.resize(photo, (8, 8), interpolation=cv2.INTER_AREA).mean(axis=2)
    light = cv2.resize(light.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    light = np.maximum(light, 5.0)
    light = (light / max(20.0, float(light.mean()))) ** random.uniform(0.3, 1.0)
    return np.asarray(colour * (folds * light)[..., None], dtype=np.float32)


def hide_part(photo: Image, box: FloatArray, points: FloatArray, random: Random) -> None:
    """Lay dark glasses, a hand-like patch or a bar over part of a face, in place."""
    width = float(box[2])
    if random.random() < 0.35:  # glasses
        eyes = points[:2]
        gap = float(np.linalg.norm(eyes[1] - eyes[0])) + 1e-6
        dark = np.zeros(photo.shape[:2], np.float32)
        for eye in eyes:
            size = (gap * random.uniform(0.3, 0.45), gap * random.uniform(0.22, 0.4))
            angle = float(np.degrees(np.arctan2(*(eyes[1] - eyes[0])[::-1])))
            ellipse = (tuple(eye.tolist()), (2 * size[0], 2 * size[1]), angle)
            cv2.ellipse(dark, ellipse, 1.0, -1)
        black = np.full(photo.shape, random.uniform(0, 70), np.float32)
        _lay(photo, dark * random.uniform(0.7, 1.0), black)
        return
    # Not over the whole face: its middle stays within reach of an edge.
    place = box[:2] + box[2:] * random.uniform(0.0, 1.0, 2)
    angles = np.sort(random.uniform(0, 2 * np.pi, int(random.integers(4, 9))))
    radius = width * random.uniform(0.12, 0.3) * random.uniform(0.6, 1.0, len(angles))
    corners = place + radius[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    cover = _filled(photo.shape, corners, blur=random.uniform(0.3, 2.0))
    x, y = np.clip(points[2], 0, np.array(photo.shape[1::-1]) - 1).astype(int)
    seen = photo[y, x].astype(np.float64)
    colour = seen if random.random() < 0.5 else random.uniform(0, 255, 3)
    grain = random.normal(0, 6, photo.shape[:2]).astype(np.float32)
    _lay(photo, cover, np.asarray(colour, np.float32) + grain[..., None])


def _filled(shape: tuple[int, ...], corners: FloatArray, blur: float) -> FloatArray:
    cover = np.zeros(shape[:2], np.float32)
    cv2.fillPoly(cover, [np.round(corners).astype(np.int32)], 1.0)
    return np.asarray(cv2.GaussianBlur(cover, (0, 0), max(0.3, blur)), dtype=np.float32)


def _lay(photo: Image, cover: FloatArray, paint: FloatArray) -> None:
    mixed = photo + cover[..., None] * (paint - photo)
    photo[...] = np.clip(mixed, 0, 255).astype(np.uint8)


def weather(picture: Image, random: Random) -> Image:
    """Another camera, light and file: what may befall a whole picture."""
    if random.random() < 0.85:
        picture = _exposed(picture, random)
    if random.random() < 0.12:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        picture = np.repeat(grey[..., None], 3, axis=2)
    if random.random() < 0.15:
        picture = _side_light(picture, random)
    if random.random() < 0.3:
        picture = _softened(picture, random)
    if random.random() < 0.25:
        noise = random.standard_normal(picture.shape, dtype=np.float32)
        picture = np.clip(picture + noise * random.uniform(1, 12), 0, 255).astype(np.uint8)
    if random.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(20, 90))]
        content = cv2.imencode(".jpg", picture, quality)[1]
        picture = np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), dtype=np.uint8)
    return picture


def _exposed(picture: Image, random: Random) -> Image:
    """Brightness, contrast, gamma and colour cast by one table a channel."""
    levels = np.arange(256, dtype=np.float32) / 255
    kind = random.random()
    if kind < 0.1:  # night
        gamma, gain, lift = random.uniform(1.0, 2.0), random.uniform(0.25, 0.7), 0.0
    elif kind < 0.18:  # overexposed, or faded
        gamma, gain, lift = random.uniform(0.4, 0.8), random.uniform(1.0, 1.5), 0.05
    else:
        gamma, gain = np.exp(random.normal(0, 0.2)), random.uniform(0.75, 1.25)
        lift = random.uniform(-0.08, 0.12)
    casts = 1.0 + random.normal(0, 0.06, 3)
    table = np.stack([np.clip(lift + gain * cast * levels**gamma, 0, 1) for cast in casts], axis=1)
    return np.asarray(cv2.LUT(picture, (table * 255)[None].astype(np.uint8)), dtype=np.uint8)


def _side_light(picture: Image, random: Random) -> Image:
    height, width = picture.shape[:2]
    angle, depth = random.uniform(0, 2 * np.pi), random.uniform(0.3, 0.8)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    along = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    shade = 1.0 - depth / (1.0 + np.exp(-along * random.uniform(4, 16)))
    return np.asarray(picture * shade[..., None], dtype=np.uint8)


def _softened(picture: Image, random: Random) -> Image:
    """Out of focus, moved, or enlarged from a small file."""
    kind = random.random()
    if kind < 0.4:
        soft = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.4, 2.0))
    elif kind < 0.55:
        length = int(random.integers(3, 9))
        kernel = np.zeros((length, length), np.float32)
        ends = random.integers(0, length, 4).tolist()
        cv2.line(kernel, (ends[0], ends[1]), (ends[2], ends[3]), 1.0)
        soft = cv2.filter2D(picture, -1, kernel / kernel.sum())
    else:
        side = picture.shape[0]
        small = max(24, int(side * random.uniform(0.25, 0.8)))
        soft = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
        soft = cv2.resize(soft, (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(soft, dtype=np.uint8)
