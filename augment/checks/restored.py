"""A restored face, shrunk again, is the small face that it was made from.

What a small photo does not show, a restorer invents; what it does show must stay: light, skin tone,
shape. Faces that were not restored (whose parents were large enough) pass.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import Field

from augment.metrics.parents import mean_of_parents, parent_places
from augment.params import Section
from augment.protocols import Evidence, Reference, Verdict
from augment.schema import SMALL
from augment.types import FloatArray, Image

_SIDE = 12  # cells: even a face of 16 pixels shows as many


class Config(Section):
    # Peak signal-to-noise ratio (dB) to the small face, of both at 12 x 12 cells. 34 dB are 5 grey
    # levels of 255 (root mean square), 30 dB are 8.
    least_psnr: float = Field(34.0, gt=0)


class Check:
    """Score: peak signal-to-noise ratio to the small face, dB."""

    measures: Mapping[str, int] = {"cells": _SIDE * _SIDE * 3}

    def __init__(self, config: Config) -> None:
        self._config = config

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        """Means of 12 x 12 cells, RGB, row by row, 0..255."""
        cells = cv2.resize(image.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        return {"cells": np.asarray(cells, dtype=np.float32).ravel()}

    def fit(self, reference: Reference) -> None:
        parents = reference.parents
        self._parents = parents
        words = parents.rows.column("status").to_pylist()
        self._small = [word == SMALL for word in words]

    def judge(self, candidates: Evidence) -> list[Verdict]:
        places = parent_places(candidates.rows, self._parents.rows)
        before = mean_of_parents(self._parents.measures["cells"], places)
        own = candidates.measures["cells"]
        error = np.square(own - before).mean(axis=1)
        psnr = 10 * np.log10(255.0**2 / np.maximum(error, 1e-6))
        readable: npt.NDArray[np.bool_] = np.all(np.isfinite(own), axis=1)
        return [
            self._verdict(float(psnr[place]), family)
            if readable[place]
            else Verdict(None, None, False, "the picture cannot be read")
            for place, family in enumerate(places)
        ]

    def _verdict(self, score: float, parents: Sequence[int]) -> Verdict:
        least = self._config.least_psnr
        if not any(self._small[parent] for parent in parents if parent >= 0):
            return Verdict(None, None, passed=True)
        if score >= least:
            return Verdict(score, least, passed=True)
        return Verdict(score, least, False, "shrunk again, it is not the small face any more")

    def notes(self) -> list[str]:
        return []
