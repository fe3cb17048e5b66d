"""Reads a folder of mask templates in MaskTheFace's layout, and says what is wrong with it.

Layout: ``masks.cfg`` (INI) has a section a mask with its RGBA picture and six key points ``mask_a``
to ``mask_f`` (pixels ``x, y``): the ends and the middle of the upper rim, then of the lower. A
section whose name ends in ``_left`` or ``_right`` is the same mask seen on a turned head.
(A. Anwar and A. Raychowdhury, "Masked Face Recognition for Secure Authentication", 2020.)
"""

import configparser
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from augment.errors import UserError
from augment.types import FloatArray, Image

LAYOUT = "masks.cfg"
_KEYS = ("mask_a", "mask_b", "mask_c", "mask_d", "mask_e", "mask_f")
_SIDES = ("_left", "_right")
#: Key points may lie so far outside of the picture, a share of its side: some of MaskTheFace's do.
_OVERHANG = 0.15
_FINEST = 512  # pixels of a stored template's longer side, at most: faces are smaller

Plane = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class View:
    """A mask seen from one side.

    Attributes:
        picture: uint8 (h, w, 4), RGBA, straight alpha.
        anchors: float32 (6, 2), pixels (x, y): upper rim left, middle, right; lower rim likewise.
    """

    picture: Image
    anchors: FloatArray

    @property
    def turn(self) -> float:
        """Where the middle lies between the ends of the upper rim, 0..1; 0.5: seen from before."""
        return turn_of(self.anchors)


@dataclass(frozen=True, eq=False)
class Template:
    """One mask of a folder: ``views[0]`` from before, then those of turned heads that there are."""

    name: str
    views: tuple[View, ...]
    sha256: str  # of the first view's picture file

    def view(self, turn: float) -> View:
        """The view nearest to a head whose :func:`turn_of` is this."""
        return min(self.views, key=lambda view: abs(view.turn - turn))


def turn_of(anchors: Plane) -> float:
    """Place of the second of six anchors between the first and the third: 0..1, 0.5 in front."""
    across = anchors[2] - anchors[0]
    return float((anchors[1] - anchors[0]) @ across / max(float(across @ across), 1e-6))


def read_templates(folder: Path) -> list[Template]:
    """All masks of a folder, by name.

    Raises:
        UserError: no ``masks.cfg``, or a template that cannot be used; says which and why.
    """
    sections = _sections(folder)
    fronts = {name for name in sections if not name.endswith(_SIDES)}
    # A side view alone is a mask of its own.
    fronts |= {name for name in sections if name.rpartition("_")[0] not in fronts}
    views = {name: _view(folder, name, dict(section)) for name, section in sections.items()}
    found = []
    for name in sorted(fronts):
        keys = [key for key in (name, *(name + side for side in _SIDES)) if key in views]
        content = _file(folder, name, dict(sections[name])).read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        found.append(Template(name, tuple(views[key] for key in keys), sha256))
    return found


def digest(folder: Path) -> str:
    """sha256 over ``masks.cfg`` and the pictures that it names: the same for the same masks."""
    result = hashlib.sha256((folder / LAYOUT).read_bytes())
    for name, section in sorted(_sections(folder).items()):
        result.update(_file(folder, name, dict(section)).read_bytes())
    return result.hexdigest()


def _sections(folder: Path) -> dict[str, configparser.SectionProxy]:
    parser = configparser.ConfigParser(interpolation=None)
    path = folder / LAYOUT
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
    except OSError:
        raise UserError(
            f"{path} is missing: a folder of mask templates holds RGBA pictures and a masks.cfg "
            "with their key points, as MaskTheFace's does."
        ) from None
    except (configparser.Error, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {str(error).splitlines()[0]}.") from None
    # MaskTheFace's own file has empty sections, names of things that are no pictures.
    sections = {name: parser[name] for name in parser.sections() if parser[name]}
    if not sections:
        raise UserError(f"{path} names no mask: it needs a section a template, such as [cloth].")
    return sections


def _file(folder: Path, name: str, section: dict[str, str]) -> Path:
    """The template's picture: as written, or below the folder, as MaskTheFace's own files are."""
    written = section.get("template", "")
    if not written:
        raise UserError(f"{folder / LAYOUT}: [{name}] has no 'template: <picture>'.")
    parts = Path(written.replace("\\", "/")).parts
    for start in range(len(parts)):
        path = folder.joinpath(*parts[start:])
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            return path
    raise UserError(f"{folder / LAYOUT}: the picture of [{name}], {written}, is not in {folder}.")


def _view(folder: Path, name: str, section: dict[str, str]) -> View:
    path = _file(folder, name, section)
    content = np.frombuffer(path.read_bytes(), np.uint8)
    picture = cv2.imdecode(content, cv2.IMREAD_UNCHANGED) if content.size else None
    if picture is None or picture.dtype != np.uint8:
        raise UserError(f"Mask template [{name}]: {path} is no 8-bit picture that can be read.")
    if picture.ndim != 3 or picture.shape[2] != 4 or picture[..., 3].min() == 255:
        raise UserError(
            f"Mask template [{name}]: {path} has no transparent pixels, so where its mask ends "
            "is not known: save it as PNG with an alpha channel."
        )
    if picture[..., 3].max() == 0:
        raise UserError(f"Mask template [{name}]: {path} is transparent everywhere.")
    anchors = np.array([_point(folder, name, key, section) for key in _KEYS], np.float32)
    height, width = picture.shape[:2]
    for key, (x, y) in zip(_KEYS, anchors, strict=True):
        beyond = max(-x / width, x / width - 1, -y / height, y / height - 1)
        if beyond > _OVERHANG:
            raise UserError(
                f"Mask template [{name}]: {key} ({x:g}, {y:g}) lies outside of {path}, which is "
                f"{width} x {height} pixels: correct it in {folder / LAYOUT}."
            )
    _check_order(folder, name, anchors)
    return _stored(np.asarray(picture[..., [2, 1, 0, 3]]), anchors)


def _check_order(folder: Path, name: str, anchors: FloatArray) -> None:
    a, b, c, d, e, f = anchors
    if not (a[0] < b[0] < c[0] and d[0] < e[0] < f[0] and (a[1], b[1], c[1]) < (d[1], e[1], f[1])):
        raise UserError(
            f"Mask template [{name}]: the key points in {folder / LAYOUT} are in the wrong order: "
            "a, b, c go along the upper rim from left to right, d, e, f along the lower one."
        )


def _point(folder: Path, name: str, key: str, section: dict[str, str]) -> tuple[float, float]:
    try:
        x, y = (float(value) for value in section.get(key, "").split(","))
    except ValueError:
        raise UserError(
            f"{folder / LAYOUT}: [{name}] needs '{key}: x, y' in pixels, not '{section.get(key)}'."
        ) from None
    return x, y


def _stored(picture: Image, anchors: FloatArray) -> View:
    height, width = picture.shape[:2]
    factor = min(1.0, _FINEST / max(height, width))
    if factor == 1.0:
        return View(picture, anchors)
    return shrunk(View(picture, anchors), factor)


def shrunk(view: View, factor: float) -> View:
    """The view with fewer pixels; colours are weighed by alpha, or rims would take on the
    colour of what is transparent."""
    size = tuple(max(2, round(side * factor)) for side in view.picture.shape[1::-1])
    alpha = view.picture[..., 3:].astype(np.float32)
    weighed = np.concatenate([view.picture[..., :3] * (alpha / 255), alpha], axis=2)
    small = cv2.resize(weighed, size, interpolation=cv2.INTER_AREA)
    colour = small[..., :3] * (255 / np.maximum(small[..., 3:], 1e-3))
    picture = np.concatenate([np.clip(colour, 0, 255), small[..., 3:]], axis=2)
    ratio = np.array(size, np.float32) / np.array(view.picture.shape[1::-1], np.float32)
    anchors = ((view.anchors + 0.5) * ratio - 0.5).astype(np.float32)
    return View(np.round(picture).astype(np.uint8), anchors)
