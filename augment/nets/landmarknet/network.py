"""The detector's network: 0.26 million parameters, faces and points in one pass.

A plain stack of 3 x 3 convolutions down to stride 16 (they run nearer to a processor's peak than
separable ones), 5 x 5 depthwise ones at stride 32 for the view of a whole face, a top-down path
(T.-Y. Lin et al., "Feature Pyramid Networks", CVPR 2017) and one head for all strides (Z. Tian et
al., "FCOS", ICCV 2019). Each cell of each stride says whether a face's middle lies there, its box
and its five points.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDES = (8, 16, 32)
#: Each cell says: face (logit), dx, dy, log width, log height, five points (x, y).
CHANNELS = 15
#: Unit of a cell's box and points, in strides: about a usual face of that stride.
UNIT = 3.5
#: Pixels are given as (level - MIDDLE) / SPREAD, so that grey room around a photo is 0, as is what
#: convolutions see beyond the canvas.
MIDDLE, SPREAD = 128.0, 64.0
_WIDTH = 48  # channels of the pyramid and of the head


@dataclass(frozen=True)
class Layer:
    """A convolution with its normalisation and, but for the last ones, a rectifier."""

    name: str
    inputs: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    depthwise: bool = False
    residual: bool = False  # its input is added before the rectifier
    rectified: bool = True


BODY: tuple[tuple[Layer, ...], ...] = (
    (
        Layer("half", 3, 16, stride=2),
        Layer("quarter", 16, 32, stride=2),
        Layer("quarter_1", 32, 32, residual=True),
        Layer("eighth", 32, 48, stride=2),
        Layer("eighth_1", 48, 48, residual=True),
        Layer("eighth_2", 48, 48, residual=True),
    ),
    (
        Layer("sixteenth", 48, 64, stride=2),
        Layer("sixteenth_1", 64, 64, residual=True),
        Layer("sixteenth_2", 64, 64, residual=True),
    ),
    (
        Layer("last_wide", 64, 64, kernel=5, stride=2, depthwise=True),
        Layer("last", 64, 64, kernel=1),
        Layer("last_wide_1", 64, 64, kernel=5, depthwise=True),
        Layer("last_1", 64, 64, kernel=1),
        Layer("last_wide_2", 64, 64, kernel=5, depthwise=True),
        Layer("last_2", 64, 64, kernel=1),
    ),
)
SIDE = (
    Layer("side_8", 48, _WIDTH, kernel=1, rectified=False),
    Layer("side_16", 64, _WIDTH, kernel=1, rectified=False),
    Layer("side_32", 64, _WIDTH, kernel=1, rectified=False),
)
HEAD = (
    Layer("head_1", _WIDTH, _WIDTH),
    Layer("head_2", _WIDTH, _WIDTH),
    Layer("head_3", _WIDTH, _WIDTH, residual=True),
)
LAST = "answer"  # 1 x 1, no normalisation


class _Convolution(nn.Module):
    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.layer = layer
        self.convolution = nn.Conv2d(
            layer.inputs,
            layer.outputs,
            layer.kernel,
            layer.stride,
            layer.kernel // 2,
            groups=layer.inputs if layer.depthwise else 1,
            bias=False,
        )
        self.norm = nn.BatchNorm2d(layer.outputs)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.convolution(x))
        if self.layer.residual:
            y = y + x
        return functional.relu(y) if self.layer.rectified else y

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """Weight and bias of the one convolution that does the same."""
        factor, bias = _affine(self.norm, self.norm.weight, self.norm.bias)
        weight = self.convolution.weight.double() * factor[:, None, None, None]
        if self.layer.name == BODY[0][0].name:
            weight = weight / SPREAD
        return {
            f"{self.layer.name}.weight": weight.detach().float().numpy(),
            f"{self.layer.name}.bias": bias.detach().float().numpy(),
        }


class _Shared(nn.Module):
    """A convolution for all levels of the pyramid, each of which has statistics of its own: with
    common ones the network would meet other values in use than it met in training.
    """

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.layer = layer
        self.convolution = nn.Conv2d(
            layer.inputs, layer.outputs, layer.kernel, padding=layer.kernel // 2, bias=False
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(layer.outputs, affine=False) for _ in STRIDES)
        self.factor = nn.Parameter(torch.ones(layer.outputs))
        self.bias = nn.Parameter(torch.zeros(layer.outputs))

    def forward(self, x: Tensor, level: int) -> Tensor:
        y = self.norms[level](self.convolution(x))
        y = y * self.factor[:, None, None] + self.bias[:, None, None]
        return functional.relu(y + x if self.layer.residual else y)

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """The weight, and each level's factors and biases, (levels, outputs)."""
        pairs = [_affine(norm, self.factor, self.bias) for norm in self.norms]
        weight = self.convolution.weight.detach().float().numpy()
        factors, biases = (
            torch.stack(list(values)).detach().float().numpy()
            for values in zip(*pairs, strict=True)
        )
        name = self.layer.name
        return {f"{name}.weight": weight, f"{name}.factors": factors, f"{name}.biases": biases}


def _affine(norm: nn.Module, factor: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """What a normalisation with fixed statistics multiplies by, and adds."""
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    factor = factor.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    return factor, bias.double() - norm.running_mean.double() * factor


class LandmarkNet(nn.Module):
    """(n, 3, height, width) -> for each stride (n, 15, height / stride, width / stride).

    Input: RGB as (level - 128) / 64; sides are multiples of 32.
    """

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.ModuleList(_stack(part) for part in BODY)
        self.side = nn.ModuleList(_Convolution(layer) for layer in SIDE)
        self.head = nn.ModuleList(_Shared(layer) for layer in HEAD)
        self.answer = nn.Conv2d(_WIDTH, CHANNELS, 1)
        nn.init.normal_(self.answer.weight, std=0.01)
        assert self.answer.bias is not None
        nn.init.zeros_(self.answer.bias)
        with torch.no_grad():  # faces are rare: the first scores say 1 %
            self.answer.bias[0] = -4.6

    def forward(self, x: Tensor) -> list[Tensor]:
        taps = []
        for part, side in zip(self.body, self.side, strict=True):
            x = part(x)
            taps.append(side(x))
        for level in (1, 0):
            larger = functional.interpolate(taps[level + 1], scale_factor=2.0, mode="nearest")
            taps[level] = taps[level] + larger
        answers = []
        for level, y in enumerate(taps):
            for layer in self.head:
                y = layer(y, level)
            answers.append(self.answer(y))
        return answers

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """Weights for inference: norms folded in, and the spread of pixel levels, too."""
        found: dict[str, npt.NDArray[np.float32]] = {}
        for module in self.modules():
            if isinstance(module, _Convolution | _Shared):
                found |= module.arrays()
        for name, value in self.answer.named_parameters():
            found[f"{LAST}.{name}"] = value.detach().numpy()
        return found


def _stack(layers: Sequence[Layer]) -> nn.Sequential:
    return nn.Sequential(*(_Convolution(layer) for layer in layers))


def layout() -> str:
    """How the layers hang together, JSON: what inference needs besides the arrays."""
    last = Layer(LAST, _WIDTH, CHANNELS, kernel=1, rectified=False)
    return json.dumps(
        {
            "body": [[asdict(layer) for layer in part] for part in BODY],
            "side": [asdict(layer) for layer in SIDE],
            "head": [asdict(layer) for layer in (*HEAD, last)],
            "strides": STRIDES,
            "unit": UNIT,
            "middle": MIDDLE,
        }
    )
