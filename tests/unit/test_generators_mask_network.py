"""The network's maps: sizes, colours, and what it is told of the light."""

import pytest
import torch

from augment.generators.mask.network import MaskNet, full_size
from augment.generators.mask.style import CODE_SIZE, Style
from augment.nets.blocks import parameters


def network() -> MaskNet:
    torch.manual_seed(3)
    return MaskNet((8, 16, 24)).eval()


def codes(*colours: tuple[int, int, int]) -> torch.Tensor:
    return torch.stack([torch.from_numpy(Style("surgical", one).code()) for one in colours])


@pytest.mark.parametrize("size", [32, 64, 96])
def test_alpha_is_of_the_faces_size_and_the_rest_of_half(size: int) -> None:
    face = torch.rand(2, 3, size, size) * 2 - 1
    with torch.inference_mode():
        logits, colour, place = network()(face, torch.zeros(2, CODE_SIZE))
    assert logits.shape == (2, 1, size, size)
    assert colour.shape == (2, 3, size // 2, size // 2)
    assert place.shape == (2, 2, size // 2, size // 2)
    assert full_size(colour).shape == (2, 3, size, size)
    assert place.abs().max() <= 1.5


def test_a_mask_has_the_hue_of_its_style() -> None:
    face = torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.inference_mode():
        _, colour, _ = network()(face, codes((100, 20, 20), (20, 20, 100)))
    levels = (colour + 1) * 127.5
    torch.testing.assert_close(levels[0, 0], 5 * levels[0, 1], rtol=1e-3, atol=0.1)
    torch.testing.assert_close(levels[1, 2], 5 * levels[1, 1], rtol=1e-3, atol=0.1)


def test_how_bright_a_photo_is_reaches_the_maps() -> None:
    """Normalised maps alone forget it: a photo times one half would be the same photo."""
    face = torch.rand(1, 3, 32, 32)
    code = codes((200, 200, 200))
    with torch.inference_mode():
        bright, dim = (network()(2 * gain * face - 1, code)[1] for gain in (1.0, 0.3))
    assert (bright - dim).abs().mean() > 1e-3


def test_the_default_is_small() -> None:
    assert parameters(MaskNet((16, 32, 64, 96))) < 3e6
