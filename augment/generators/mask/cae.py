"""The paper's convolutional auto-encoder, layer by layer, and how it learns (S. H. Lee 2022).

It repaints the whole face from a code of 2,500 numbers, without skips: what it gives is soft
everywhere, also where no mask is, and shows the one kind of picture it was taught. That is the
paper's method and its stated limit, kept as it is to measure against; ``unet`` is for use.
"""

from collections.abc import Mapping

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from augment.generators.mask.painter import paint
from augment.generators.mask.style import random_style
from augment.images import resize
from augment.nets.data import FaceSet, to_images
from augment.nets.loop import Indices
from augment.seeds import row_generator
from augment.types import Image

SIZE = 64  # pixels a side: its dense layers fix it
_MAPS, _INNER = 16, SIZE - 4


class PaperNet(nn.Module):
    """Unmasked face -> the face wearing a mask, both (n, 3, 64, 64) in [0, 1].

    288.1 million parameters with the paper's code of 2,500 numbers, nearly all in two dense layers
    (section 3). The paper does not name the activations of the dense layers, the first transposed
    convolution and the output: ReLU, ReLU, ReLU, sigmoid.

    Args:
        bottleneck: length of the code.
    """

    def __init__(self, bottleneck: int) -> None:
        super().__init__()
        flat = _MAPS * _INNER * _INNER
        self.conv1 = nn.Conv2d(3, _MAPS, 3)
        self.conv2 = nn.Conv2d(_MAPS, _MAPS, 3)
        self.encode = nn.Linear(flat, bottleneck)
        self.decode = nn.Linear(bottleneck, flat)
        self.transposed1 = nn.ConvTranspose2d(_MAPS, _MAPS, 3)
        self.transposed2 = nn.ConvTranspose2d(_MAPS, 3, 3)

    def forward(self, face: Tensor) -> Tensor:
        x = torch.relu(self.conv2(torch.relu(self.conv1(face)))).flatten(1)
        x = torch.relu(self.decode(torch.relu(self.encode(x))))
        x = torch.relu(self.transposed1(x.view(-1, _MAPS, _INNER, _INNER)))
        return torch.sigmoid(self.transposed2(x).float())


class FixedPairs:
    """The training step: one painted mask a face, the same in every epoch; mean squared error."""

    def __init__(self, faces: FaceSet, seed: int, network: PaperNet) -> None:
        cv2.setNumThreads(1)
        scale = np.float32(SIZE / max(1, faces.images.shape[1]))
        bare = [resize(image, SIZE) for image in faces.images]
        worn = [
            paint(image, points * scale, random_style(row_generator(seed, "mask pair", name))).image
            for name, image, points in zip(faces.ids, bare, faces.points, strict=True)
        ]
        self._bare, self._worn, self._network = bare, worn, network

    def __call__(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        device = next(self._network.parameters()).device
        made = self._network(planes([self._bare[place] for place in indices], device))
        target = planes([self._worn[place] for place in indices], device)
        return {"loss": nn.functional.mse_loss(made.float(), target)}


def planes(images: list[Image], device: torch.device) -> Tensor:
    """uint8 (64, 64, 3) pictures -> float (n, 3, 64, 64) in [0, 1]."""
    stacked = torch.from_numpy(np.stack(images)).to(device)
    return stacked.permute(0, 3, 1, 2).float().div_(255)


def repaint(network: PaperNet, faces: list[Image]) -> list[Image]:
    """Faces of any size as the network repaints them, each in its own size.

    It knows 64 pixels only: others go down or up to it, and what it gives goes back.
    """
    device = next(network.parameters()).device
    small = [face if face.shape[:2] == (SIZE, SIZE) else resize(face, SIZE) for face in faces]
    made = to_images(network(planes(small, device)) * 2 - 1)
    return [
        image if face.shape[:2] == (SIZE, SIZE) else resize(image, face.shape[0])
        for image, face in zip(made, faces, strict=True)
    ]
