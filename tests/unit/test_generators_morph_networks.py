import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from augment.errors import UserError
from augment.generators.morph import Config, Generator, dcgan, paths
from augment.generators.morph.fitting import fit_code, fit_noise
from augment.generators.morph.games import Noise, People, alike
from augment.generators.morph.lesson import Lesson
from augment.generators.morph.network import Code, Critic, Morpher, mixed, side_of
from augment.generators.morph.training import learners, network_of, taught
from augment.nets.blocks import parameters
from augment.nets.data import to_images, to_tensor
from tests.unit.aligned_faces import face_picture, write_faces
from tests.unit.test_generators_morph import request

SMALL = {
    "arch": "ours",
    "people": 2,
    "fit": 3,
    "network": {"channels": [16, 12], "critic": [8, 12], "who": 6, "moment": 5},
    "train": {"images": 160, "batch": 8},
}
PORT = {"arch": "dcgan", "fit": 3, "network": {"width": 2}, "train": {"images": 64, "batch": 8}}


@cache
def faces(count: int = 24, size: int = 64) -> np.ndarray:
    return np.stack([face_picture(number, size)[0] for number in range(count)])


def lesson(side: int, people: int = 2, count: int = 24) -> Lesson:
    names = [f"p{number % people}" for number in range(count)]
    return Lesson(faces(count), names, side, "d", mirrored=False)


def test_dcgan_has_the_ports_layers_and_parameters() -> None:
    maker, critic = dcgan.Maker(), dcgan.Critic()
    assert parameters(maker) == 5_135_363  # 5.14 M
    assert parameters(critic) == 4_316_545  # 4.32 M
    maps = [tuple(x.weight.shape) for x in maker.body if isinstance(x, torch.nn.ConvTranspose2d)]
    assert maps == [(512, 256, 5, 5), (256, 128, 5, 5), (128, 64, 5, 5), (64, 3, 5, 5)]
    seen = [tuple(x.weight.shape) for x in critic.body if isinstance(x, torch.nn.Conv2d)]
    assert seen == [(64, 3, 5, 5), (128, 64, 5, 5), (256, 128, 5, 5), (512, 256, 5, 5)]
    norms = [isinstance(x, torch.nn.BatchNorm2d) for x in critic.body]
    assert not norms[1]  # none after the first convolution
    assert sum(norms) == 3


def test_dcgan_makes_faces_of_64_pixels_and_tells_them() -> None:
    maker, critic = dcgan.Maker(2).eval(), dcgan.Critic(2)
    z = dcgan.draw_noise(200, torch.device("cpu"))
    assert z.shape == (200, 100)
    assert -1 <= z.min() < -0.99 < 0.99 < z.max() <= 1
    made = maker(z[:3])
    assert made.shape == (3, 3, 64, 64)
    assert made.abs().max() <= 1
    assert critic(made).shape == (3,)
    weight = dcgan.Maker(16).body[0].weight.detach()
    assert float(weight.std()) == pytest.approx(0.02, rel=0.05)
    assert float(weight.mean()) == pytest.approx(0, abs=1e-3)


def test_dcgan_trains_as_its_port_does_unless_told_otherwise() -> None:
    port = Config(arch="dcgan").training()
    assert (port.learning_rate, port.batch, port.ema) == (2e-4, 64, 0.0)
    told = Config.model_validate({"arch": "dcgan", "train": {"batch": 8}}).training()
    assert (told.learning_rate, told.batch) == (2e-4, 8)
    assert Config(arch="ours").training().ema > 0.9
    config = Config.model_validate(PORT)
    turns = learners(config, lesson(64), network_of(config), 7)
    assert [turn.name for turn in turns] == ["net", "again", "critic"]
    assert turns[0].network is turns[1].network  # two turns of the maker for one of the critic
    assert all(turn.betas[0] == 0.5 for turn in turns)


def test_both_turns_of_dcgan_tell_their_losses_and_leave_the_other_alone() -> None:
    maker, critic = dcgan.Maker(2), dcgan.Critic(2)
    game, random = Noise(lesson(64), maker, critic), np.random.default_rng(0)
    made = game.make(np.arange(4), random)
    assert float(made["loss"].detach()) == pytest.approx(float(made["g_loss"]))
    made["loss"].backward()
    assert all(weight.grad is None for weight in critic.parameters())
    assert all(weight.requires_grad for weight in critic.parameters())
    assert any(weight.grad is not None for weight in maker.parameters())
    maker.zero_grad(set_to_none=True)
    told = game.criticise(np.arange(4), random)
    assert float(told["loss"].detach()) == pytest.approx(float(told["d_loss"]))
    told["loss"].backward()
    assert all(weight.grad is None for weight in maker.parameters())
    assert "g_loss" not in game.again(np.arange(4), random)


def test_another_photo_of_the_same_person_is_found() -> None:
    names = ["a", "b", "a", "", "b", "", "a", *[f"x{n}" for n in range(17)]]
    learned = Lesson(faces(), names, 16, "d", mirrored=False)
    random = np.random.default_rng(0)
    for _ in range(20):
        others = learned.others(np.arange(24), random)
        for place, other in enumerate(others):
            alone = names.count(names[place]) == 1 or not names[place]
            assert (place == other) == alone
            assert alone or names[place] == names[other]
    # Who has three photos comes no more often than who has one.
    assert learned.weights[[0, 2, 6]].sum() == pytest.approx(learned.weights[3])


def test_two_people_of_a_film_come_equally_often() -> None:
    learned = Lesson(faces(30), ["a"] * 20 + ["b"] * 10, 16, "d", mirrored=False)
    assert learned.weights[:20].sum() / learned.weights[20:].sum() < 1.6


def test_too_few_faces_are_refused() -> None:
    with pytest.raises(UserError, match="5 faces to learn from, and needs 20: use arch: warp"):
        Lesson(faces(5), [""] * 5, 64, "d", mirrored=False)


def test_mirrored_faces_are_shown_only_where_asked_for() -> None:
    straight, turned = (
        Lesson(faces(), [""] * 24, 64, "d", mirrored=mirrored) for mirrored in (False, True)
    )
    indices, wanted = np.arange(24), to_tensor(faces())
    random = np.random.default_rng(0)
    torch.testing.assert_close(straight.faces(indices, random).cpu(), wanted)
    shown = turned.faces(indices, random).cpu()
    same = (shown == wanted).flatten(1).all(dim=1)
    assert 4 < int(same.sum()) < 20
    torch.testing.assert_close(shown[~same].flip(3), wanted[~same])


def test_our_network_has_codes_of_the_promised_sizes() -> None:
    network = Morpher((16, 12, 8), 6, 5).eval()
    side = side_of((16, 12, 8))
    assert side == 32
    code = network.encode(torch.zeros(3, 3, side, side))
    assert code.who.shape == (3, 6)
    assert code.moment.shape == (3, 5)
    assert 0 <= code.who.min() <= code.who.max() <= 1
    made = network.decode(code)
    assert made.shape == (3, 3, side, side)
    assert made.abs().max() <= 1


def test_people_mix_by_their_shares() -> None:
    whos = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    found = mixed(whos, torch.tensor([[0.25, 0.75]]))
    torch.testing.assert_close(found, torch.tensor([[0.75, 0.25]]))


def test_moments_are_drawn_as_they_were_learned() -> None:
    network = Morpher((8, 8), 2, 3)
    torch.manual_seed(0)
    learned = torch.randn(4000, 3) @ torch.tensor([[2.0, 0, 0], [1.0, 0.5, 0], [0, 0, 0.1]]) + 3
    network.learn_moments(learned)
    drawn = network.draw_moments(20_000)
    torch.testing.assert_close(drawn.mean(0), learned.mean(0), atol=0.1, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), learned.T.cov(), atol=0.15, rtol=0.05)


def test_our_losses_say_what_they_shall() -> None:
    network = Morpher((8, 8), 4, 3)
    critic = Critic((4, 4), 4)
    game, random = People(lesson(16), network, critic), np.random.default_rng(0)
    found = game.morph(np.arange(8), random)
    assert {"learnt", "real", "who", "smooth", "g_loss"} <= found.keys()
    assert all(torch.isfinite(value).all() for value in found.values())
    found["loss"].backward()
    assert all(weight.grad is None for weight in critic.parameters())
    told = game.criticise(np.arange(8), random)
    assert 0 < float(told["d_loss"]) < 5


def test_the_critic_hears_who_a_face_shall_be() -> None:
    torch.manual_seed(0)
    critic = Critic((4, 6), 3)
    shown, who = torch.rand(2, 3, 16, 16), torch.tensor([[0.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    score = critic(shown, who)
    assert score.shape == (2,)
    bare = critic.real(critic.describe(shown))[:, 0]
    torch.testing.assert_close(critic(shown, torch.full((2, 3), 0.5)), bare)
    torch.testing.assert_close(score + critic(shown, 1 - who), 2 * bare)


def test_who_is_alike_on_photos_of_one_person_only() -> None:
    person = torch.tensor([0, 1, 0, 2])
    same = person[:, None] == person[None]
    codes = torch.eye(3)[person]
    told = alike(codes, codes, same)
    confused = alike(codes, codes.roll(1, 0), same)
    nothing = alike(torch.full((4, 3), 0.5), torch.full((4, 3), 0.5), same)
    assert float(told) < 0.02 < float(nothing) < float(confused)
    assert lesson(16, people=2).same(np.array([0, 1, 2])).tolist() == [
        [True, False, True],
        [False, True, False],
        [True, False, True],
    ]


def test_a_mix_has_colours_between_those_of_its_people() -> None:
    faces = torch.stack([torch.full((3, 16, 16), level) for level in (-1.0, 1.0)])
    w = torch.tensor([[0.25], [0.25]])
    between = torch.stack([torch.full((3, 16, 16), level) for level in (-0.5, 0.5)])
    assert float(People._between(faces, between, w)) == pytest.approx(0, abs=1e-6)
    assert float(People._between(faces, between + 0.3, w)) == pytest.approx(0.3, abs=1e-6)


def test_mixes_teach_the_encoder_nothing() -> None:
    network = Morpher((8, 8), 4, 3)
    game = People(lesson(16), network, Critic((4, 4), 4))
    found = game.morph(np.arange(8), np.random.default_rng(0))
    found["who"].backward()
    assert all(weight.grad is None for weight in network.encoder.parameters())
    assert any(weight.grad is not None for weight in network.decoder.parameters())
    assert all(weight.requires_grad for weight in network.parameters())


def test_a_path_that_jumps_is_uneven_and_one_in_equal_steps_is_not() -> None:
    network = Morpher((8, 8), 1, 1)
    game = People(lesson(16), network, Critic((4, 4), 1))
    zero, one = torch.zeros(64, 1), torch.ones(64, 1)
    w, moment = torch.full((64, 1), 0.6), torch.zeros(64, 1)

    def unevenness(bend: float) -> float:
        def decode(code: Code) -> torch.Tensor:
            level = torch.sigmoid(bend * (code.who - 0.5)) if bend else code.who
            return level[..., None, None].expand(-1, 3, 4, 4)

        network.decode = decode  # type: ignore[method-assign]
        return float(game._uneven(zero, one, moment, w))

    assert unevenness(0.0) < 0.01
    assert unevenness(60.0) > 0.3


def test_our_network_learns_faces_by_heart_and_finds_them_again() -> None:
    torch.manual_seed(0)
    network = Morpher((24, 16), 6, 6)
    images = to_tensor(np.stack([face_picture(n, 16)[0] for n in range(4)]))
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(80):
        loss = (network.decode(network.encode(images)) - images).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.eval().requires_grad_(False)
    unseen = to_tensor(face_picture(9, 16)[0][None])

    def apart(steps: int) -> float:
        return float((network.decode(fit_code(network, unseen, steps)) - unseen).abs().mean())

    assert apart(60) < 0.9 * apart(0)


def test_noise_is_fitted_to_a_face() -> None:
    torch.manual_seed(1)
    maker = dcgan.Maker(4).eval().requires_grad_(False)
    wanted = maker(dcgan.draw_noise(1, torch.device("cpu")))
    state = torch.random.get_rng_state()
    start, fitted = fit_noise(maker, wanted, 0), fit_noise(maker, wanted, 80)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert fitted.abs().max() <= 1
    far, near = ((maker(z) - wanted).abs().mean() for z in (start, fitted))
    assert near < 0.7 * far


def test_walks_and_paths() -> None:
    z = torch.full((100,), -0.5)
    walked = paths.walk(z, 3)
    assert walked.shape == (64, 100)
    assert walked[0, 3] == 0
    assert walked[63, 3] == 63 / 64
    assert (walked[:, :3] == -0.5).all()
    line = paths.straight(torch.zeros(2), torch.ones(2), 5)
    torch.testing.assert_close(line[:, 0], torch.tensor([0, 0.25, 0.5, 0.75, 1]))
    told = np.array([0.5, 0.99, 0.01, 0.96, 0.04, 0.9], np.float32)
    assert paths.ends(told, 0.95, 5) == ([2, 4], [1, 3])
    assert paths.ends(told, 0.95, 1) == ([2], [1])
    assert paths.ends(told, 0.999, 5) == ([], [])


def test_a_path_leads_from_one_face_to_the_other() -> None:
    network = Morpher((8, 8), 4, 3).eval()
    code = network.encode(torch.rand(2, 3, 16, 16) * 2 - 1)
    path = paths.people_path(network, code, 6)
    ends = network.decode(Code(code.who, code.moment[:1].expand(2, -1)))
    torch.testing.assert_close(path[[0, -1]], ends, atol=1e-5, rtol=0)
    maker = dcgan.Maker(2).eval()
    z = dcgan.draw_noise(2, torch.device("cpu"))
    torch.testing.assert_close(
        paths.noise_path(maker, z[0], z[1], 4)[[0, -1]], maker(z), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("settings", [SMALL, PORT])
def test_a_trained_generator_morphs_given_photos(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    aligned = write_faces(tmp_path / "aligned", 60)
    generator = Generator(Config.model_validate(settings))
    generator.train(aligned, tmp_path / "m", 7, tmp_path / "work")
    fresh = Generator(Config.model_validate(settings))
    fresh.load(tmp_path / "m")
    people = generator.config.people
    asked = [request(seed, people=people) for seed in (1, 2)]
    one, two = fresh.make(asked)
    assert one.image is not None
    assert two.image is not None
    assert one.image.shape == (64, 64, 3)
    assert f"{people} people mixed by a network" in one.steps[0]
    again = fresh.make(asked[::-1])
    assert again[1].image is not None
    assert np.array_equal(again[1].image, one.image)
    assert one.steps != two.steps  # other shares
    history = json.loads((tmp_path / "m/history.json").read_text())
    assert {"d_loss", "g_loss", "health"} <= history[-1].keys()
    told = json.loads((tmp_path / "m/config.json").read_text())
    assert told["health"]["verdict"] == "WATCH"
    assert fresh.digital_source_type == "trainedAlgorithmicMedia"
    assert Generator(Config()).digital_source_type == "compositeCapture"


def test_a_trained_network_is_the_same_from_its_checkpoint(tmp_path: Path) -> None:
    config = Config.model_validate(SMALL)
    one, fitted = taught(config, lesson(16), 7, tmp_path)
    two, again = taught(config, lesson(16), 7, tmp_path)
    assert again.history == fitted.history
    images = faces(2, 16)
    shown = [to_images(net.decode(net.encode(to_tensor(images)))) for net in (one, two)]  # type: ignore[operator]
    np.testing.assert_array_equal(shown[0], shown[1])


def test_it_is_refused_before_it_was_loaded() -> None:
    with pytest.raises(RuntimeError, match="load"):
        Generator(Config.model_validate(SMALL)).make([request(people=2)])


def test_a_network_takes_heads_that_are_held_differently_and_no_broken_points() -> None:
    generator = Generator(Config.model_validate(SMALL))
    generator._network = network_of(generator.config).eval()
    asked = request(people=2)
    first, second = asked.parents
    turned = replace(first, points=first.points + np.array([[0, 0]] * 2 + [[12, 0]] + [[0, 0]] * 2))
    for odd, works in ((turned, True), (replace(first, points=first.points * np.nan), False)):
        (made,) = generator.make([replace(asked, parents=(odd, second))])
        assert (made.image is not None) == works
        assert bool(made.reason) != works
