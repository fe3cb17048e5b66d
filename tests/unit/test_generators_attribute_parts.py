from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from augment.generators.attribute.labels import Maps
from augment.generators.attribute.layouts import LayoutNet, SaganCritic, blend
from augment.generators.attribute.lesson import WindowLesson
from augment.generators.attribute.losses import mask_loss, slope_penalty, two_sided, values_loss
from augment.generators.attribute.network import Editor
from augment.generators.attribute.training import Game, WatchedCritic
from augment.generators.attribute.transplant import transplanted
from augment.generators.attribute.window import cut, put_back, window_of
from augment.nets.blocks import parameters
from augment.nets.data import load_faces
from augment.regions import (
    REGIONS,
    fallen,
    shape,
)  # fmt: skip
from tests.unit.aligned_faces import face_picture
from tests.unit.mouth_faces import config, fill_mouth, opened, write_mouths

LAYOUTS = ("E2D2", "E2D1", "E1D2", "E1D1")
#: At 128 px, as the specification of the papers counts them, millions.
SIZES = {"E2D2": 12.22, "E2D1": 11.66, "E1D2": 6.80, "E1D1": 6.11}


@pytest.mark.parametrize("arch", LAYOUTS)
def test_layouts_have_the_papers_sizes(arch: str) -> None:
    assert parameters(LayoutNet(arch, 1, 32, 4, 7)) / 1e6 == pytest.approx(SIZES[arch], abs=0.01)  # type: ignore[arg-type]


def test_the_discriminator_has_the_papers_size() -> None:
    assert parameters(SaganCritic(128, 1, 32)) / 1e6 == pytest.approx(11.19, abs=0.01)


def test_only_sagans_attention_does_not_see_what_is_asked_for() -> None:
    torch.manual_seed(0)
    face = torch.rand(2, 3, 32, 32)
    for layout in LAYOUTS:
        network = LayoutNet(layout, 1, 4, 1, 3).eval()  # type: ignore[arg-type]
        attentions = [network(face, torch.full((2, 1), value))[1] for value in (0.0, 1.0)]
        assert torch.equal(*attentions) == (layout == "E2D2")


def test_no_change_asked_for_is_no_change() -> None:
    torch.manual_seed(0)
    network, face = Editor((8, 16), 2).eval(), torch.rand(2, 3, 32, 32)
    nothing = torch.zeros(2, 2)
    image, attention = network(face, nothing, torch.zeros(2, 1, 32, 32), face.flip(0))
    assert torch.equal(blend(image, attention, face), face)


def test_before_it_has_learned_it_shows_the_linear_edit() -> None:
    network, face = Editor((8, 16), 2).eval(), torch.rand(2, 3, 32, 32)
    rough = torch.rand(2, 3, 32, 32)
    image, attention = network(face, torch.ones(2, 2), torch.ones(2, 1, 32, 32), rough)
    assert torch.equal(image, rough)
    assert float(attention.detach().min()) > 0.8


class TestLosses:
    guide = torch.zeros(1, 1, 4, 4).index_fill_(2, torch.tensor([0]), 1.0)  # a quarter

    @pytest.mark.parametrize(
        ("kind", "nothing", "everywhere"),
        [("none", 0, 0), ("MAE", 0.25, 0.75), ("MSE", 0.25, 0.75), ("SDE", 0.25, 0)],
    )
    def test_mask_losses(self, kind: str, nothing: float, everywhere: float) -> None:
        for level, expected in ((0.0, nothing), (1.0, everywhere)):
            found = mask_loss(kind, self.guide, torch.full((1, 1, 4, 4), level))
            assert float(found) == pytest.approx(expected)

    def test_unknown_mask_losses_are_refused(self) -> None:
        with pytest.raises(ValueError, match="no mask loss 'L3'"):
            mask_loss("L3", self.guide, self.guide)

    def test_both_sides_are_shares(self) -> None:
        missing, outside = two_sided(self.guide, self.guide, torch.full((1, 1, 4, 4), 0.5))
        assert float(missing) == pytest.approx(0.5)
        assert float(outside) == pytest.approx(0.5 * 12 / 4)

    def test_values_that_are_not_known_do_not_count(self) -> None:
        logits = torch.tensor([[2.0, -9.0], [0.0, 3.0]])
        values = torch.tensor([[1.0, float("nan")], [float("nan"), 1.0]])
        expected = (np.log1p(np.exp(-2)) + np.log1p(np.exp(-3))) / 2
        assert float(values_loss(logits, values)) == pytest.approx(expected, rel=1e-5)

    def test_the_slope_is_held_at_one(self) -> None:
        class Sum(torch.nn.Module):
            def score(self, faces: torch.Tensor) -> torch.Tensor:
                return 3 * faces[:, 0, 0, 0]

        faces = torch.rand(4, 3, 8, 8)
        assert float(slope_penalty(faces, faces.flip(0), Sum())) == pytest.approx(4, rel=1e-4)


class TestWindows:
    points = np.array([[24, 27], [40, 27], [32, 35], [26, 43], [38, 43]], np.float32)

    @pytest.mark.parametrize("name", REGIONS)
    def test_windows_show_their_region_and_a_little_more(self, name: str) -> None:
        region = REGIONS[name]
        drawn = shape(region, 64, self.points)
        assert 0.02 < drawn.mean() < 0.8
        window = window_of(region, self.points)
        seen = cut(drawn.astype(np.uint8) * 255, window, 32) > 127
        area = window.area(32)
        assert seen.any()
        assert (seen & ~area).mean() < 0.02
        assert not area[[0, -1]].any()
        assert not area[:, [0, -1]].any()

    def test_what_is_cut_out_is_put_back_in_its_place(self) -> None:
        image = np.zeros((64, 64, 3), np.uint8)
        image[38:50, 26:38] = 200  # around the mouth
        window = window_of(REGIONS["mouth"], self.points)
        for side in (16, 32, 48):
            back = put_back(cut(image, window, side).astype(np.float32), window, 64)
            inner = np.s_[42:46, 30:34]
            np.testing.assert_allclose(back[inner], image[inner], atol=20)
            assert np.abs(back[:20]).max() == 0

    def test_windows_follow_a_tilt_and_a_size(self) -> None:
        image, _ = face_picture(3)
        window = window_of(REGIONS["mouth"], self.points)
        larger = cv2.resize(image, (128, 128), interpolation=cv2.INTER_CUBIC)
        there = window_of(REGIONS["mouth"], self.points * 2 + 0.5)
        off = cut(image, window, 32).astype(int) - cut(larger, there, 32)
        assert np.abs(off).mean() < 6
        turned = np.ascontiguousarray(np.rot90(image))
        points = np.stack([self.points[:, 1], 63 - self.points[:, 0]], 1)
        assert np.array_equal(cut(turned, window_of(REGIONS["mouth"], points), 32),
                              cut(image, window, 32))  # fmt: skip

    def test_a_jaw_is_a_mouth_and_what_lies_below(self) -> None:
        mouth = shape(REGIONS["mouth"], 64, self.points)
        assert np.array_equal(mouth, shape(REGIONS["jaw"], 64, self.points))
        windows = [window_of(REGIONS[name], self.points) for name in ("mouth", "jaw")]
        upper, lower = (window.area(32) for window in windows)
        assert (upper & ~lower).sum() == 0
        assert np.flatnonzero((lower & ~upper).any(axis=1)).min() >= 16
        assert windows[0].fall(32) == 0
        low = windows[1].fall(32)
        seen = cut(mouth.astype(np.uint8) * 255, windows[1], 32) > 127
        below = fallen(seen, low)
        assert np.array_equal(below[:, seen.any(axis=0)].any(axis=0), seen.any(axis=0)[seen.any(0)])
        assert not below[:, ~seen.any(axis=0)].any()
        rows = [np.flatnonzero(mask.any(axis=1)) for mask in (seen, below)]
        assert (rows[1][0], rows[1][-1]) == (rows[0][0], min(31, rows[0][-1] + low))


def test_a_transplant_brings_the_mouth_and_leaves_the_rest() -> None:
    (image, points), (other, others) = face_picture(1), face_picture(2)
    other = opened(other, others)
    seen, guides, windows = [], [], []
    for picture, places in ((image, points), (other, others)):
        plane = np.zeros((64, 64), np.uint8)
        fill_mouth(plane, places, 255)
        windows.append(window_of(REGIONS["mouth"], places))
        seen.append(cut(picture, windows[-1], 32))
        guides.append(cut(plane, windows[-1], 32) > 127)
    area = windows[0].area(32)
    made, where = transplanted(seen[0], guides[0], seen[1], guides[1], area)
    assert np.array_equal(made[~area], seen[0][~area])
    assert made[guides[1]].mean() < seen[0][guides[1]].mean() - 20
    assert np.array_equal(where, (guides[0] | guides[1]) & area)


def test_realism_weighs_the_critics_word_and_what_holds_it(tmp_path: Path) -> None:
    folder = write_mouths(tmp_path / "aligned")
    faces = load_faces(folder)
    losses = []
    for realism in (0.0, 0.3):
        settings = config(realism=realism, collapse={"after": 10**9})
        lesson = WindowLesson(settings, faces, Maps.read(folder, faces), "x")
        torch.manual_seed(0)
        editor, critic = Editor((8, 16), 1), WatchedCritic((16, 32), 1, 16)
        torch.nn.init.normal_(editor.head.bias, std=0.1)
        critic.watch.steps.fill_(10**6)  # the critic's word has come in
        game = Game(settings, lesson, editor, critic)
        torch.manual_seed(1)
        told = game.edit(np.arange(8), np.random.default_rng(0))
        losses.append({name: float(value.detach()) for name, value in told.items()})
    without, found = losses
    assert min(found["kept"], found["real"]) > 0
    more = 0.3 * (found["real"] + 5 * found["kept"])
    assert found["loss"] - without["loss"] == pytest.approx(more, rel=1e-4)
