"""What all trainings draw from: faces, their ages, and the ages they are asked to have."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from augment.generators.age.ages import Ages, ordinal_code
from augment.generators.age.decomposition import Age
from augment.generators.age.registration import relative
from augment.images import resize
from augment.nets.data import FaceSet, jitter, to_tensor
from augment.nets.device import best_device
from augment.nets.loop import Indices
from augment.types import FloatArray

_LABEL = "age_group"


@dataclass(frozen=True)
class Batch:
    """Faces (n, 3, size, size) in [-1, 1], their ages, and others to give them."""

    faces: Tensor
    own: Age
    target: Age


class Lesson:
    """Faces with an age group that is learned, at the network's size.

    Attributes:
        ages: the groups.
        weights: (faces,), how often each is drawn: groups come equally often.
        images: (faces, size, size, 3).
        points: (faces, 5, 2), eyes, nose, mouth, from -1 to 1 over the side.
        places: (faces,), numbers of their groups.
        digest: of the faces.
    """

    def __init__(self, faces: FaceSet, ages: Ages, size: int) -> None:
        places = ages.places(faces.labels[_LABEL])
        known = faces.select(np.flatnonzero(places >= 0))
        self.ages, self.faces, self.digest = ages, known, known.digest
        self.images = np.stack([resize(image, size) for image in known.images])
        self.points = relative(known.points, known.images.shape[1])
        self.places = places[places >= 0]
        counts = np.bincount(self.places, minlength=len(ages.names))
        self.weights = np.asarray(1 / counts[self.places], dtype=np.float32)

    def years(self, indices: Indices, random: np.random.Generator) -> FloatArray:
        """Known ages; for the others a year inside of the group."""
        known = self.faces.ages[indices]
        drawn = self.ages.draw(self.places[indices], random)
        return np.asarray(np.where(np.isfinite(known), known, drawn), dtype=np.float32)

    def draw(self, indices: Indices, random: np.random.Generator) -> Batch:
        """A batch; every target group comes equally often, whatever the face's own is."""
        groups = random.integers(0, len(self.ages.names), len(indices))
        faces = to_tensor(jitter(self.images[indices], random), best_device())
        own = age(self.years(indices, random), self.places[indices])
        return Batch(faces, own, age(self.ages.draw(groups, random), groups))


def age(years: FloatArray, groups: Indices) -> Age:
    """Ages (n,) in years and numbers of their groups, for a network on the best device."""
    parts = (years.astype(np.float32), ordinal_code(years), groups.astype(np.int64))
    return Age(*(torch.from_numpy(np.asarray(part)).to(best_device()) for part in parts))
