"""Given photos in a trained network's numbers, and people mixed there."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

import augment.generators.morph.dcgan as dcgan
from augment.generators.morph.network import Code, Morpher, mixed
from augment.nets.data import to_images, to_tensor
from augment.nets.losses import gradient_l1
from augment.types import Image

_RATE = 0.03  # of Adam, on codes
_STARTS = 64  # noises of which the one nearest to a photo is where its fit begins
_NEAR = 1e-3  # who stays so far from 0 and 1, where a logit ends


def morph(
    network: Morpher | dcgan.Maker, images: Sequence[Image], shares: Sequence[float], steps: int
) -> Image:
    """One face of several people, uint8 (side, side, 3), at the network's own size.

    Args:
        network: trained, in eval mode.
        images: uint8 (side, side, 3) each.
        shares: of the people; they sum to 1. How the head is held is the first one's, where the
            network knows people from moments.
        steps: of the fit that brings each photo nearer to itself.
    """
    device = next(network.parameters()).device
    faces = to_tensor(list(images), device)
    mix = torch.tensor([list(shares)], dtype=torch.float32, device=device)
    if isinstance(network, dcgan.Maker):
        noise = fit_noise(network, faces, steps)
        with torch.no_grad():
            return np.asarray(to_images(network(mix @ noise))[0])
    code = fit_code(network, faces, steps)
    with torch.no_grad():
        made = network.decode(Code(mixed(code.who, mix), code.moment[:1]))
    return np.asarray(to_images(made)[0])


def fit_code(network: Morpher, faces: Tensor, steps: int) -> Code:
    """What the encoder says of faces (n, 3, side, side), and some steps of Adam from there."""
    with torch.no_grad():
        code = network.encode(faces)
    logits = torch.logit(code.who.clamp(_NEAR, 1 - _NEAR))
    moment = code.moment.clone()
    _descend(
        [logits, moment], lambda: network.decode(Code(torch.sigmoid(logits), moment)), faces, steps
    )
    return Code(torch.sigmoid(logits).detach(), moment.detach())


def fit_noise(network: dcgan.Maker, faces: Tensor, steps: int) -> Tensor:
    """z of faces (n, 3, 64, 64), (n, 100): of some the nearest, and steps of Adam from there."""
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)  # every photo has the same ones to start from
        starts = dcgan.draw_noise(_STARTS, faces.device)
        found = network(starts)
        apart = (found[None] - faces[:, None]).square().mean(dim=(2, 3, 4))
    noise = starts[apart.argmin(1)].clone()
    _descend([noise], lambda: network(noise.clamp(-1, 1)), faces, steps)
    return noise.detach().clamp(-1, 1)


def _descend(
    values: Sequence[Tensor], decode: Callable[[], Tensor], faces: Tensor, steps: int
) -> None:
    """Adam on ``values``, in place, so that ``decode()`` comes to ``faces``."""
    if not steps:
        return
    everywhere = faces.new_ones(len(faces), 1, *faces.shape[2:])
    for value in values:
        value.requires_grad_()
    with torch.enable_grad():
        optimiser = torch.optim.Adam(list(values), _RATE)
        for _ in range(steps):
            made = decode()
            loss = (made - faces).abs().mean() + 0.5 * gradient_l1(made, faces, everywhere)
            grads = torch.autograd.grad(loss * len(faces), list(values))
            for value, slope in zip(values, grads, strict=True):
                value.grad = slope
            optimiser.step()
    for value in values:
        value.requires_grad_(False)
