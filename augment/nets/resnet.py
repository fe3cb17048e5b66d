"""A residual network with one linear head a label (K. He et al., CVPR 2016)."""

import itertools
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from augment.nets.blocks import ResidualBlock, global_mean, norm


class MultiHeadResNet(nn.Module):
    """Picture -> logits of several labels.

    The first convolution and each block halve height and width, so a 64 px face ends as 4 x 4 at
    the default depth.
    """

    def __init__(
        self, channels: Sequence[int], classes: Mapping[str, int], dropout: float = 0.0
    ) -> None:
        """Make one.

        Args:
            channels: of the first convolution and of each residual block after it.
            classes: label -> how many values it has.
            dropout: share of the pooled features that a training step leaves out.
        """
        super().__init__()
        self.classes = dict(classes)
        self.width = channels[-1]
        self.body = nn.Sequential(
            nn.Conv2d(3, channels[0], 3, stride=2, padding=1, bias=False),
            norm(channels[0]),
            nn.SiLU(inplace=True),
            *(ResidualBlock(a, b, stride=2) for a, b in itertools.pairwise(channels)),
        )
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict(
            {label: nn.Linear(channels[-1], count) for label, count in classes.items()}
        )

    def describe(self, x: Tensor) -> Tensor:
        """(batch, 3, h, w) in [-1, 1] -> pooled features (batch, channels[-1])."""
        return global_mean(self.body(x))

    def label(self, features: Tensor) -> dict[str, Tensor]:
        """Features (batch, channels[-1]) -> label -> logits of shape (batch, values)."""
        return {label: head(features) for label, head in self.heads.items()}

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(batch, 3, h, w) in [-1, 1] -> label -> logits of shape (batch, values)."""
        return self.label(self.dropout(self.describe(x)))
