"""A restored face, shrunk again, is the small face that it was made from; and it is sharper than
that one merely enlarged.

What a small photo does not show, a restorer invents; what it does show must stay: light, skin tone,
shape. A face that gained nothing would be a soft one in a set of sharp ones. Faces that were not
restored (whose parents were large enough) pass.
"""

from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import Field

from augment.metrics.parents import mean_of_parents, of_small, parent_places
from augment.params import Section
from augment.protocols import Evidence, Reference, Verdict
from augment.types import FloatArray, Image

_SIDE = 12  # cells: even a face of 16 pixels shows as many
_FINE = 2 * _SIDE
_SHOWS_FINE = 22.0  # pixels a face needs to show these


class Config(Section):
    # Peak signal-to-noise ratio (dB) to the small face, of both at 12 x 12 cells; of faces from 22
    # pixels on also at 24 x 24. 34 dB are 5 grey levels of 255 (root mean square), 30 dB are 8.
    least_psnr: float = Field(34.0, gt=0)
    # Sharpness over the small face's, enlarged as it is. 1 is no restorer's work, and to be stored
    # once more adds up to 0.1; 0: not looked at.
    least_sharpening: float = Field(1.12, ge=0)


class Check:
    """Score: peak signal-to-noise ratio to the small face, dB; of a face that is no sharper than
    that, its sharpness over the small face's."""

    measures: Mapping[str, int] = {"cells": _FINE * _FINE * 3}

    def __init__(self, config: Config) -> None:
        self._config = config

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        """Means of 24 x 24 cells, RGB, row by row, 0..255."""
        cells = cv2.resize(image.astype(np.float32), (_FINE, _FINE), interpolation=cv2.INTER_AREA)
        return {"cells": np.asarray(cells, dtype=np.float32).ravel()}

    def fit(self, reference: Reference) -> None:
        parents = reference.parents
        self._parents = parents
        self._native = _column(parents, "native_side")

    def judge(self, candidates: Evidence) -> list[Verdict]:
        places = parent_places(candidates.rows, self._parents.rows)
        restored = of_small(candidates.rows, self._parents.rows)
        error = candidates.measures["cells"] - mean_of_parents(
            self._parents.measures["cells"], places
        )
        shows_fine = mean_of_parents(self._native, places)[:, 0] >= _SHOWS_FINE
        psnr = np.where(shows_fine, np.fmin(_psnr(error, 1), _psnr(error, 2)), _psnr(error, 2))
        before = mean_of_parents(_column(self._parents, "sharpness"), places)[:, 0]
        # A face without any edge: sharper than it is everything that has one.
        sharpening = _column(candidates, "sharpness")[:, 0] / np.maximum(before, 1e-3)
        readable: npt.NDArray[np.bool_] = np.all(np.isfinite(candidates.measures["cells"]), axis=1)
        return [
            self._verdict(float(psnr[place]), float(sharpening[place]), restored[place])
            if readable[place]
            else Verdict(None, None, False, "the picture cannot be read")
            for place in range(len(places))
        ]

    def _verdict(self, score: float, sharpening: float, restored: bool) -> Verdict:
        least, sharper = self._config.least_psnr, self._config.least_sharpening
        if not restored:
            return Verdict(None, None, passed=True)
        if score < least:
            return Verdict(score, least, False, "shrunk again, it is not the small face any more")
        if sharpening <= sharper and sharper > 0:
            reason = "no sharper than the small face that was merely enlarged"
            return Verdict(sharpening, sharper, False, reason)
        return Verdict(score, least, passed=True)

    def notes(self) -> list[str]:
        return []


def _psnr(error: FloatArray, cells: int) -> FloatArray:
    """(faces,), dB, of the means over so many cells a side; (faces, 24 x 24 x 3) in grey levels."""
    side = _FINE // cells
    means = error.reshape(-1, side, cells, side, cells, 3).mean(axis=(2, 4))
    square = np.square(means).mean(axis=(1, 2, 3))
    return np.asarray(10 * np.log10(255.0**2 / np.maximum(square, 1e-6)), dtype=np.float32)


def _column(faces: Evidence, name: str) -> FloatArray:
    """(faces, 1), nan where it is not known."""
    if name not in faces.rows.column_names:
        return np.full((faces.rows.num_rows, 1), np.nan, np.float32)
    values = faces.rows.column(name).to_pylist()
    numbers = [np.nan if value is None else value for value in values]
    return np.array(numbers, dtype=np.float32).reshape(-1, 1)
