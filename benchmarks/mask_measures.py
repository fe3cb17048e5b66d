"""What the mask benchmark measures on two pictures, and its intervals. No files, no networks.

Pictures are uint8 (size, size, 3) RGB, regions bool (size, size).
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt
from skimage.metrics import structural_similarity

from augment.types import FloatArray, Image

Region = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]

#: dB that stand for "not one level differs", where the PSNR is infinite.
IDENTICAL = 99.0
#: A pixel counts as changed when a channel moved by more than this many levels.
CHANGED = 24
_RESAMPLES = 2000
_SPECK = 12  # pixels; smaller holes and islands of a changed region are noise


def psnr(squared_error: float) -> float:
    """Peak signal to noise ratio, dB, of a mean squared error in levels; at most IDENTICAL."""
    if squared_error <= 0:
        return IDENTICAL
    return min(IDENTICAL, float(10 * np.log10(255.0**2 / squared_error)))


def squared_error(made: Image, target: Image, region: Region) -> float:
    """Mean squared difference in a region, levels squared; nan where the region is empty."""
    if not region.any():
        return float("nan")
    return float(np.square(made[region].astype(np.float64) - target[region]).mean())


def ssim_map(made: Image, target: Image) -> FloatArray:
    """Structural similarity around each pixel, (size, size): Z. Wang et al., IEEE TIP 2004, with
    its Gaussian window (sigma 1.5), channels averaged."""
    _, local = structural_similarity(
        made,
        target,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    return np.asarray(local.mean(axis=2), dtype=np.float32)


def laplacian_variance(picture: Image, region: Region) -> float:
    """How sharp a region is: the variance of the Laplacian of its grey levels.

    The region is taken without its rim: the step there belongs to neither side.
    """
    inner = cv2.erode(region.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=1) > 0
    if inner.sum() < _SPECK:
        return float("nan")
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(cv2.Laplacian(grey, cv2.CV_32F)[inner].var())


def changed_region(made: Image, face: Image, threshold: int = CHANGED) -> Region:
    """Where ``made`` differs from ``face``: a channel by more than ``threshold`` levels, after a
    3 x 3 median and without specks and pinholes."""
    differs = np.abs(made.astype(np.int16) - face).max(axis=2) > threshold
    smooth = cv2.medianBlur(differs.astype(np.uint8), 3)
    return _without_specks(~_without_specks(smooth == 0))


def _without_specks(region: Region) -> Region:
    """Connected parts of at least ``_SPECK`` pixels."""
    count, places, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8))
    large = stats[:, cv2.CC_STAT_AREA] >= _SPECK
    large[0] = False
    return np.asarray(large[places]) if count > 1 else np.zeros_like(region)


def overlap(one: Region, other: Region) -> float:
    """Intersection over union; 1 where both are empty."""
    union = int((one | other).sum())
    return 1.0 if union == 0 else int((one & other).sum()) / union


def interval(
    values: Numbers, people: Sequence[str], seed: int, figure: Callable[[Numbers], Numbers]
) -> tuple[float, float]:
    """95 % percentile interval of a figure; people are drawn with replacement, with all their rows.

    Args:
        values: (n,) or (n, k), one row a picture.
        people: (n,) whose picture it is.
        seed: of the resampling.
        figure: weighted mean of values, (resamples, ...) -> the figure, (resamples,).
    """
    _, person = np.unique(np.array(people), return_inverse=True)
    count = int(person.max()) + 1
    drawn = np.random.default_rng(seed).integers(count, size=(_RESAMPLES, count))
    times = np.stack([np.bincount(row, minlength=count) for row in drawn])[:, person]
    means = (times @ values) / times.sum(axis=1).reshape(-1, *[1] * (values.ndim - 1))
    low, high = np.nanpercentile(figure(means), [2.5, 97.5])
    return round(float(low), 4), round(float(high), 4)
