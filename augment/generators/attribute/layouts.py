"""The four layouts of the papers: SaGAN's two networks (G. Zhang et al., ECCV 2018) and what W.
Yang et al. (J. Korea Society of Computer and Information 25(5), 2020) make of them.

Named by their count of encoders and decoders; E2D2 is SaGAN's, whose attention does not see what
is asked for. At 128 px and width 32 they have the papers' sizes.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from augment.nets.adversary import strided

Layout = Literal["E2D2", "E2D1", "E1D2", "E1D1"]
_HALVINGS = 3


class Encoder(nn.Sequential):
    """(n, inside, h, w) -> (n, 8 width, h / 8, w / 8)."""

    def __init__(self, inside: int, width: int, blocks: int, kernel: int) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(inside, width, kernel, 1, kernel // 2),
            *_activated(width),
        ]
        for _ in range(_HALVINGS):
            layers += [nn.Conv2d(width, 2 * width, 4, 2, 1), *_activated(2 * width)]
            width *= 2
        super().__init__(*layers, *(Block(width) for _ in range(blocks)))


class Decoder(nn.Sequential):
    """(n, 8 width, h / 8, w / 8) -> (n, outside, h, w), without the last activation."""

    def __init__(self, width: int, outside: int, kernel: int) -> None:
        layers: list[nn.Module] = []
        for doubled in (4, 2, 1):
            inside = 2 * doubled * width
            layers += [
                nn.ConvTranspose2d(inside, doubled * width, 4, 2, 1), *_activated(doubled * width)
            ]  # fmt: skip
        super().__init__(*layers, nn.Conv2d(width, outside, kernel, 1, kernel // 2))


class Block(nn.Module):
    """Two convolutions with batch normalisation beside a short cut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.body(x)
        return result


def _activated(width: int) -> list[nn.Module]:
    return [nn.InstanceNorm2d(width), nn.ReLU()]


class LayoutNet(nn.Module):
    """Face and values asked for -> attribute image and attention.

    Args:
        layout: which of the four.
        attributes: how many values are asked for.
        width: maps of the first layer.
        blocks: of the middle.
        kernel: pixels a side of the first and last convolution, odd.
    """

    def __init__(
        self, layout: Layout, attributes: int, width: int, blocks: int, kernel: int
    ) -> None:
        super().__init__()
        self.layout = layout
        self.encode = Encoder(3 + attributes, width, blocks, kernel)
        if layout in ("E2D2", "E2D1"):
            self.encode_attention = Encoder(3, width, blocks, kernel)
        if layout == "E2D1":
            self.join = nn.Conv2d(16 * width, 8 * width, 1)
        two = layout in ("E2D2", "E1D2")
        self.decode = Decoder(width, 3 if two else 4, kernel)
        if two:
            self.decode_attention = Decoder(width, 1, kernel)
        self.apply(_start)

    def forward(self, face: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """``face`` (n, 3, h, w) in [-1, 1], ``values`` (n, attributes) in 0..1 -> attribute image
        (n, 3, h, w) in [-1, 1] and attention (n, 1, h, w) in 0..1."""
        planes = values[:, :, None, None].expand(-1, -1, *face.shape[2:])
        code = self.encode(torch.cat([face, planes.to(face.dtype)], dim=1))
        of_face = self.encode_attention(face) if self.layout in ("E2D2", "E2D1") else code
        if self.layout == "E2D1":
            code = self.join(torch.cat([code, of_face], dim=1))
        out = self.decode(code).float()
        where = out[:, 3:]
        if self.layout in ("E2D2", "E1D2"):
            where = self.decode_attention(of_face).float()
        return torch.tanh(out[:, :3]), torch.sigmoid(where)


class SaganCritic(nn.Module):
    """SaGAN's discriminator: does a face look real, and which values does it show?

    Halves down to 2 x 2 pixels, doubling its maps.

    Args:
        size: the faces' pixels a side, a power of two.
        attributes: how many values it tells.
        width: maps of the first layer.
    """

    def __init__(self, size: int, attributes: int, width: int) -> None:
        super().__init__()
        channels = [width * 2**level for level in range(size.bit_length() - 2)]
        self.body = strided(channels)
        self.real = nn.Conv2d(channels[-1], 1, 3, 1, 1)
        self.shown = nn.Conv2d(channels[-1], attributes, 2)
        self.apply(_start)

    def score(self, face: Tensor) -> Tensor:
        """(n, 3, size, size) -> (n,), unbounded."""
        found: Tensor = self.real(self.body(face)).mean(dim=(1, 2, 3))
        return found.float()

    def forward(self, face: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (n,) and logits of the values (n, attributes)."""
        described = self.body(face)
        score: Tensor = self.real(described).mean(dim=(1, 2, 3))
        return score.float(), self.shown(described)[:, :, 0, 0].float()


def blend(image: Tensor, attention: Tensor, face: Tensor) -> Tensor:
    """``a * r + (1 - a) * x`` (SaGAN, equation 3)."""
    return attention * image + (1 - attention) * face


def _start(layer: nn.Module) -> None:
    """SaGAN's first weights."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
