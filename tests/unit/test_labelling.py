"""Faces in other colours, and what is learned of them."""

import numpy as np
import torch

from augment.nets.labelling import masked_loss, recolour

LUMA = torch.tensor([0.299, 0.587, 0.114])


def luma(batch: torch.Tensor) -> torch.Tensor:
    return torch.einsum("c,nchw->nhw", LUMA, batch)


def test_recoloured_faces_keep_their_brightness_and_lose_their_hues() -> None:
    red = torch.zeros((64, 3, 4, 4))
    red[:, 0] = 0.3  # pale enough that no colour is clipped
    found = recolour(red, np.random.default_rng(7))
    torch.testing.assert_close(luma(found), luma(red), atol=1e-5, rtol=0)
    strongest = found.mean(dim=(2, 3)).argmax(dim=1)
    assert set(strongest.tolist()) == {0, 1, 2}


def test_grey_stays_grey_and_levels_stay_in_range() -> None:
    grey = torch.full((8, 3, 2, 2), 0.4)
    torch.testing.assert_close(recolour(grey, np.random.default_rng(1)), grey, atol=1e-5, rtol=0)
    loud = torch.rand((8, 3, 2, 2)) * 2 - 1
    assert recolour(loud, np.random.default_rng(1)).abs().max() <= 1


def test_unknown_values_cost_nothing() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    assert float(masked_loss(logits, torch.tensor([-1, -1]))) == 0
    one = masked_loss(logits, torch.tensor([0, -1]))
    torch.testing.assert_close(
        one, torch.nn.functional.cross_entropy(logits[:1], torch.tensor([0]))
    )
