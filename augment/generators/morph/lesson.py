"""What morphing networks learn from: faces at the network's size, and who is on them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from augment.errors import UserError
from augment.images import resize
from augment.nets.data import to_tensor
from augment.nets.device import best_device
from augment.nets.loop import Indices
from augment.types import FloatArray

#: Fewer faces are learned by heart.
FEWEST = 20


class Lesson:
    """Faces and their people.

    Attributes:
        images: uint8 (faces, side, side, 3).
        weights: (faces,), how often each is drawn: people with many photos come as often as those
            with as many as most have, two people of a film equally often.
        digest: of all that.

    Args:
        images: uint8 (faces, size, size, 3).
        who: of each face, "" where it is not known: then nobody else is on any other.
        side: pixels.
        digest: of the faces.
        mirrored: faces are shown mirrored every other time.

    Raises:
        UserError: fewer than FEWEST faces.
    """

    def __init__(
        self,
        images: npt.NDArray[np.uint8],
        who: Sequence[str],
        side: int,
        digest: str,
        mirrored: bool,
    ) -> None:
        if len(images) < FEWEST:
            raise UserError(
                f"the morph generator has {len(images)} faces to learn from, and needs {FEWEST}: "
                "use arch: warp, which learns nothing, or more faces."
            )
        self.images = np.stack([resize(image, side) for image in images])
        self._mirrored = mirrored
        names = [name or f"face {number}" for number, name in enumerate(who)]
        _, person, counts = np.unique(names, return_inverse=True, return_counts=True)
        self._photos = [np.flatnonzero(person == number) for number in range(len(counts))]
        self._person = person
        usual = np.minimum(counts, np.median(counts))
        self.weights: FloatArray = np.asarray((usual / counts)[person], dtype=np.float32)
        self.digest = f"{digest} {side} {mirrored}"

    def __len__(self) -> int:
        return len(self.images)

    def faces(self, indices: Indices, random: np.random.Generator) -> Tensor:
        """(n, 3, side, side) in [-1, 1]."""
        shown = self.images[indices]
        if self._mirrored:
            turned = random.random(len(shown)) < 0.5
            shown = np.where(turned[:, None, None, None], shown[:, :, ::-1], shown)
        return to_tensor(shown, best_device())

    def others(self, indices: Indices, random: np.random.Generator) -> Indices:
        """A photo of the same person each, another one where there is one."""
        found = []
        for place in indices:
            photos = self._photos[self._person[place]]
            step = int(random.integers(1, len(photos))) if len(photos) > 1 else 0
            found.append(photos[(np.searchsorted(photos, place) + step) % len(photos)])
        return np.array(found, dtype=np.int64)

    def same(self, indices: Indices) -> Tensor:
        """(n, n), whether two of these faces show one person."""
        person = torch.from_numpy(self._person[indices])
        return (person[:, None] == person[None]).to(best_device())
