import torch

from augment.nets.augmenting import diff_augment


def test_each_face_is_changed_its_own_way_and_the_gradient_comes_through() -> None:
    torch.manual_seed(0)
    faces = torch.full((6, 3, 32, 32), 0.5, requires_grad=True)
    changed = diff_augment(faces)
    assert changed.shape == faces.shape
    assert len({float(face[0].max()) for face in changed.detach()}) > 3
    hidden = (changed == 0).all(1).float().mean(dim=(1, 2))
    assert (hidden > 0.02).all()
    assert (hidden < 0.5).all()
    changed.sum().backward()
    assert faces.grad is not None
    assert torch.isfinite(faces.grad).all()
    assert (faces.grad != 0).float().mean() > 0.5


def test_colours_stay_apart() -> None:
    """Light and contrast are those of the whole face: grey stays grey."""
    torch.manual_seed(1)
    grey = torch.rand(4, 1, 32, 32).expand(4, 3, 32, 32)
    changed = diff_augment(grey)
    torch.testing.assert_close(changed[:, 0], changed[:, 1])
    torch.testing.assert_close(changed[:, 0], changed[:, 2])
