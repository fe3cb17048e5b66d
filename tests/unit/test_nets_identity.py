"""The network that tells people apart: its loss, what it is shown, how it describes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from augment.nets.data import load_faces
from augment.nets.identity import (
    NUMBERS,
    Apart,
    IdentityNet,
    classes_of,
    describe,
    margin_loss,
    upper_end,
    upper_row,
)
from augment.nets.varying import HIDDEN, cover_below, hide_below, vary
from tests.unit.aligned_faces import face_picture, face_row
from tests.unit.aligned_rows import write_aligned


class TestVarying:
    def test_a_face_stays_much_the_same(self) -> None:
        image, _ = face_picture(3)
        other, _ = face_picture(4)
        for seed in range(20):
            varied = vary(image, np.random.default_rng(seed))
            assert (varied.shape, varied.dtype) == (image.shape, np.uint8)
            assert not np.array_equal(varied, image)
            colours = [picture.mean(axis=(0, 1)) for picture in (varied, image, other)]
            near, far = (np.abs(colours[0] - c).max() for c in colours[1:])
            assert near < min(far, 70), seed

    def test_depends_on_its_randomness_alone(self) -> None:
        image, _ = face_picture(3)
        before = image.copy()
        one, two = (vary(image, np.random.default_rng(5)) for _ in range(2))
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(image, before)

    def test_mirrors_half_of_them(self) -> None:
        image = np.zeros((64, 64, 3), np.uint8)
        image[:, :32] = 200
        sides = [vary(image, np.random.default_rng(n))[:, :20].mean() > 80 for n in range(200)]
        assert 70 <= sum(sides) <= 130

    def test_hidden_is_hidden(self) -> None:
        image, _ = face_picture(3)
        hidden = hide_below(image, 40)
        np.testing.assert_array_equal(hidden[:40], image[:40])
        assert (hidden[40:] == HIDDEN).all()

    def test_covered_has_one_colour_in_the_middle(self) -> None:
        image, _ = face_picture(3)
        covered = cover_below(image, 40, np.random.default_rng(1))
        np.testing.assert_array_equal(covered[:40], image[:40])
        assert len(np.unique(covered[40:, 16:48].reshape(-1, 3), axis=0)) == 1


class TestMarginLoss:
    def test_golden(self) -> None:
        """-log(e^(2 (0.9 - 0.3)) / (e^(2 (0.9 - 0.3)) + e^(2 x 0.1))) = log(1 + e^-1)."""
        loss = margin_loss(torch.tensor([[0.9, 0.1]]), torch.tensor([0]), 0.3, 2.0)
        assert float(loss) == pytest.approx(np.log1p(np.exp(-1.0)), abs=1e-6)

    def test_without_margin_it_is_cross_entropy(self) -> None:
        cosines = torch.linspace(-1, 1, 12).reshape(3, 4)
        targets = torch.tensor([0, 2, 3])
        plain = torch.nn.functional.cross_entropy(8 * cosines, targets)
        assert float(margin_loss(cosines, targets, 0.0, 8.0)) == pytest.approx(float(plain))
        assert float(margin_loss(cosines, targets, 0.2, 8.0)) > float(plain)


def test_people_are_classes_and_unknown_faces_their_own() -> None:
    assert classes_of(["p", "", "q", "p", ""]).tolist() == [0, 1, 2, 0, 3]
    assert classes_of([]).tolist() == []


def test_upper_face_ends_between_eyes_and_nose(tmp_path: Path) -> None:
    faces = load_faces(
        write_aligned(tmp_path / "aligned", [face_row(n, mask="no") for n in range(20)], ("mask",))
    )
    # Eyes at 0.42 of the side, nose at 0.55.
    assert upper_end(faces) == pytest.approx(0.485, abs=0.02)
    assert upper_row(0.485, 64) == 31


class TestNetwork:
    @pytest.fixture
    def network(self) -> IdentityNet:
        torch.manual_seed(1)
        return IdentityNet((8, 16, 16)).eval()

    def test_descriptions_have_length_one(self, network: IdentityNet) -> None:
        found = describe(network, [face_picture(n)[0] for n in range(40)])
        assert found.shape == (40, NUMBERS)
        assert found.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
        assert describe(network, []).shape == (0, NUMBERS)

    def test_a_mirrored_face_is_the_same(self, network: IdentityNet) -> None:
        image, _ = face_picture(3)
        found = describe(network, [image, np.ascontiguousarray(image[:, ::-1])])
        np.testing.assert_allclose(found[0], found[1], atol=1e-5)

    def test_cosines(self, network: IdentityNet) -> None:
        torch.manual_seed(1)
        taught = Apart((8, 16, 16), 5).eval()
        with torch.no_grad():
            cosines = taught(torch.rand(3, 3, 32, 32))
        assert cosines.shape == (3, 5)
        assert float(cosines.abs().max()) <= 1 + 1e-5
