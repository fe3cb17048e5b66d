"""A few steps of learning on the very face that is to be restored (J. W. Soh et al., "Meta-Transfer
Learning for Zero-Shot Super-Resolution", CVPR 2020, section 3.4; there from meta-learned weights).
"""

import copy

import numpy as np
import torch

from augment.generators.superres.network import Enlarger, PaperEnlarger
from augment.generators.superres.pairs import Pairs
from augment.generators.superres.training import PixelStep
from augment.nets.device import reproducible
from augment.types import Image

_SMALLEST = 8  # pixels a side; its shrunken copy has 2
_BATCH = 8  # the face mirrored or not, cut in different places
_RATE = 1e-4  # low: the shared weights know more of faces than one face tells
_CROP = 64


def adapted(
    network: Enlarger | PaperEnlarger, face: Image, steps: int, seed: int
) -> Enlarger | PaperEnlarger:
    """A copy of the network that has learned on one face, uint8 (side, side, 3); the network itself
    where the face is too small to learn from."""
    if len(face) < _SMALLEST:
        return network
    own = copy.deepcopy(network).eval()
    pairs = Pairs(face[None], _CROP, degraded=False)
    step = PixelStep(own, pairs, consistency=0.5)
    optimiser = torch.optim.Adam(own.parameters(), _RATE)
    random = np.random.default_rng(seed)
    with reproducible(threads=1):
        for _ in range(steps):
            loss = step(np.zeros(_BATCH, np.int64), random)["loss"]
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return own
