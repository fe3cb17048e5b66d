import itertools
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from augment.errors import UserError
from augment.generators.age import Config, Generator
from augment.generators.age.ages import KNOTS, Ages, gap, ordinal_code, years_of
from augment.generators.age.decomposition import Decomposition
from augment.generators.age.prototypes import Inputs, average_face
from augment.generators.age.registration import SIDE, bend
from augment.nets.weights import read_config
from augment.params import validate
from augment.vocabulary import AGE_GROUPS
from tests.unit.ageing_faces import HAIR, ageing_face, request, write_ageing

QUICK: dict[str, Any] = {
    "network": {"size": 32, "channels": [8, 12, 16], "critic": [8, 12, 16]},
    "train": {"images": 800, "batch": 8, "learning_rate": 3e-3, "ema": 0.9},
    "smallest_group": 4,
}
ARCHS: dict[str, dict[str, Any]] = {
    "ours": {"arch": "ours"},
    "decompose": {"arch": "decompose"},
    "ragan": {"arch": "ragan"},
    "hrfae": {"arch": "hrfae"},
}


def new(arch: str = "ours", **more: Any) -> Generator:
    return Generator(validate(Config, {**QUICK, **ARCHS[arch], **more}, "generators.age"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    folder = tmp_path_factory.mktemp("age")
    generator = new()
    faces = write_ageing(folder / "aligned", 120)
    generator.train(faces, folder / "age", 7, folder / "work")
    generator.load(folder / "age")
    return generator


def hair(image: np.ndarray[Any, Any]) -> float:
    """Above the face, not in the corners: what lies beside a head stays as it is."""
    return float(image[: HAIR - 2, 20:44].mean())


class TestAges:
    def test_the_code_is_ordered_and_continuous(self) -> None:
        codes = ordinal_code(np.arange(0, 100, 0.5))
        assert codes.shape == (200, len(KNOTS))
        assert (np.diff(codes, axis=0) >= 0).all()
        assert np.abs(np.diff(codes, axis=0)).max() < 0.3
        assert codes[0].max() < 0.2
        assert codes[-1].min() > 0.8

    def test_neighbouring_groups_are_near(self) -> None:
        middles = [sum(years_of(name) or ()) / 2 for name in AGE_GROUPS]
        steps = [float(gap(a, b)) for a, b in itertools.pairwise(middles)]
        assert 0.8 < min(steps) <= max(steps) < 3.2
        assert float(gap(middles[0], middles[-1])) == pytest.approx(sum(steps), rel=1e-5)

    def test_years_of_groups(self) -> None:
        assert years_of("20-29") == (20, 30)
        assert years_of("70+") == (70, 85)
        assert years_of("unknown") is None
        assert years_of("") is None

    def test_a_drawn_year_lies_in_its_group(self) -> None:
        ages = Ages(("0-2", "70+"), (9, 9))
        random = np.random.default_rng(0)
        assert all(0 <= ages.year("0-2", random) < 3 for _ in range(50))
        years = {ages.year("70+", random) for _ in range(50)}
        assert 70 <= min(years) < max(years) < 85
        assert ages.nearest([0.5, 20, 80]).tolist() == [0, 0, 1]

    def test_groups_with_few_faces_are_left_out(self) -> None:
        words = ["0-9"] * 3 + ["10-19"] * 9 + ["20+"] * 8 + ["unknown"] * 9
        ages = Ages.learnt(words, ("0-9", "10-19", "20+"), 8, "age")
        assert ages == Ages(("10-19", "20+"), (9, 8))
        assert ages.places(["20+", "unknown", "0-9"]).tolist() == [1, -1, -1]
        assert "0-9 was not learned: the weights know 10-19, 20+" in ages.refusal("0-9")

    @pytest.mark.parametrize(
        ("groups", "problem"),
        [
            (("0-9", "9-19"), "overlaps"),
            (("0-9", "12-19"), "leaves a gap"),
            (("0-9", "10-19"), "two age groups or more .* 0-9: 20"),
        ],
    )
    def test_groups_that_cannot_be_learned(self, groups: tuple[str, ...], problem: str) -> None:
        with pytest.raises(UserError, match=problem):
            Ages.learnt(["0-9"] * 20, groups, 8, "age")


def test_the_average_face_ages_by_age_alone() -> None:
    """Girls are bright and old men dark here: what gender does is not taken for age."""
    random = np.random.default_rng(0)
    years = random.uniform(1, 80, 400).astype(np.float32)
    female = random.random(400) < np.where(years < 40, 0.8, 0.2)
    levels = np.full((400, 4), 100, np.float32)
    levels[:, 0] = 60 + years
    levels[female, 3] = 180
    labels = {"gender": ["female" if one else "male" for one in female], "age_group": ["x"] * 400}
    inputs = Inputs.of(years, labels, np.ones(400, np.float32))
    slopes = inputs.slopes(levels)
    assert slopes.shape == (len(KNOTS) + 2, 4)
    change = (ordinal_code(75.0) - ordinal_code(10.0)) @ slopes[: len(KNOTS)]
    np.testing.assert_allclose(change[0], 65, atol=5)
    np.testing.assert_allclose(change[1:3], 0, atol=1e-3)
    np.testing.assert_allclose(change[3], 0, atol=4)
    left = inputs.left(levels, slopes)
    assert np.abs(left[:, 3]).max() < 0.1 * levels[:, 3].std()


def test_the_average_face_changes_its_shape() -> None:
    """A disc that grows with the years: bent, the young one is as large as the old one."""
    random = np.random.default_rng(0)
    years = random.uniform(2, 75, 200).astype(np.float32)
    rows, columns = np.mgrid[:SIDE, :SIDE] - 31.5
    radius = np.hypot(rows, columns)
    levels = np.clip(10 * (14 + 8 * years / 80)[:, None, None] - 10 * radius, 0, 200) + 30
    images = np.repeat(levels[..., None], 3, axis=3).astype(np.uint8)
    unknown = np.full((200, 5, 2), np.nan, np.float32)
    found = average_face(images, unknown, years, {}, np.ones(200, np.float32))
    assert found.flows.shape == (len(KNOTS), 2, SIDE, SIDE)
    change = ordinal_code(70.0) - ordinal_code(5.0)
    flow = np.tensordot(change, found.flows, axes=1) * SIDE / 2
    # A pixel on the right of the rim is taken from further left, and the other way round.
    # It grows by 6.5 pixels; a flow is soft, and where nothing is to be seen it is nothing.
    assert -7 < flow[0, 31, 50] < -2
    assert 2 < flow[0, 31, 13] < 7
    assert 2 < flow[1, 13, 31] < 7
    assert abs(flow[:, 49, 31]).max() < 1  # where faces have their mouth, points lead alone
    assert abs(flow[:, 31, 31]).max() < 1
    colour = np.tensordot(change, found.colours, axes=1)
    assert np.abs(colour).mean() < 0.15  # logarithms; it is 2 where a disc turns into background


class TestCost:
    def test_neighbours_are_cheap_far_groups_dear(self) -> None:
        generator = Generator(Config())
        donor = {"age_group": "20-29"}
        costs = [generator.cost(donor, {"age_group": end}) or 0 for end in AGE_GROUPS]
        assert costs[3] == 0
        down, up = costs[2::-1], costs[4:]
        for side in (down, up):
            assert side == sorted(side)
        assert 0.5 < up[0] < 4
        assert up[-1] > 4 * up[0]

    def test_nothing_else_may_differ(self) -> None:
        generator = Generator(Config())
        donor = {"age_group": "20-29", "gender": "male"}
        target = {"age_group": "30-39", "gender": "male"}
        assert generator.cost(donor, target) is not None
        assert generator.cost(donor, {**target, "gender": "female"}) is None
        assert generator.cost({"gender": "male"}, target) is None
        assert generator.cost({**donor, "age_group": "unknown"}, target) is None
        assert generator.cost(donor, donor) is None

    def test_the_plan_can_ask_without_torch(self) -> None:
        code = (
            "import sys; from augment.generators.age import Config, Generator; "
            "Generator(Config()).cost({'age_group': '0-2'}, {'age_group': '70+'}); "
            "sys.exit('torch' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_sizes_that_do_not_halve_are_refused() -> None:
    with pytest.raises(UserError, match="size 50 is no multiple of 8"):
        new(network={**QUICK["network"], "size": 50})


class TestParts:
    def test_the_halves_of_a_code_make_the_whole(self) -> None:
        torch.manual_seed(0)
        x = torch.randn(2, 8, 6, 6)
        age, rest = Decomposition(8)(x)
        torch.testing.assert_close(age + rest, x)
        assert 0 < (age / x).min() < (age / x).max() < 1

    def test_a_flow_of_nothing_changes_nothing_and_half_a_side_shifts(self) -> None:
        face = torch.randn(1, 3, 8, 8)
        torch.testing.assert_close(bend(face, torch.zeros(1, 2, 8, 8)), face, atol=1e-5, rtol=0)
        flow = torch.zeros(1, 2, 8, 8)
        flow[:, 0] = 2 / 8  # one pixel: the side is 2
        torch.testing.assert_close(bend(face, flow)[..., :7], face[..., 1:], atol=1e-5, rtol=0)


class TestTrained:
    def test_the_older_a_face_is_asked_to_be_the_brighter_its_hair(
        self, trained: Generator
    ) -> None:
        image, _ = ageing_face(200, 41.5)
        years = [1.5, 11.5, 21.5, 41.5, 71.5]
        levels = [hair(made) for made in trained.edit([image] * 5, [41.5] * 5, years)]
        # Hair of the youngest two is nearly alike: 22 levels apart in truth, of 154 in all.
        assert levels[1:] == sorted(levels[1:])
        assert levels[0] < levels[1] + 22
        true = [hair(ageing_face(200, one)[0]) for one in years]
        assert levels[4] - levels[0] > 0.5 * (true[4] - true[0])
        assert np.abs(np.subtract(levels, true)).max() < 60

    def test_asked_for_its_own_age_a_face_stays_nearly_as_it_is(self, trained: Generator) -> None:
        images = [ageing_face(number, 41.5)[0] for number in range(200, 208)]
        made = trained.edit(images, [41.5] * 8, [41.5] * 8)
        assert np.abs(np.subtract(made, images, dtype=np.float32)).mean() < 6

    def test_the_order_decides_the_age_and_the_seed_the_year(self, trained: Generator) -> None:
        made = trained.make([request(201, seed=seed) for seed in range(4)])
        assert len({one.steps for one in made}) > 1
        for one in made:
            assert one.image is not None
            assert one.steps[0].startswith("age 40-49 → 70+ (about 42 → 7")
        older, younger = trained.make([request(201), request(201, end="0-2")])
        assert older.image is not None
        assert younger.image is not None
        assert hair(older.image) > hair(younger.image) + 40

    def test_the_seed_decides_how_a_face_ages(self, trained: Generator) -> None:
        """No two people age alike: asked again, the same face comes out otherwise; the order's seed
        alone says how, and what is asked without one is as on average."""
        image, points = ageing_face(205, 41.5)
        asked = [image] * 3, [41.5] * 3, [75.0] * 3, [points] * 3
        first, again, other = trained.edit(*asked, [8, 8, 9])
        np.testing.assert_array_equal(first, again)
        np.testing.assert_array_equal(
            trained.edit([image], [41.5], [75.0], [points], [8])[0], first
        )
        apart = np.abs(np.subtract(first, other, dtype=np.float32)).mean()
        usual = trained.edit(*asked)[0]
        changed = np.abs(np.subtract(usual, image, dtype=np.float32)).mean()
        assert 0.5 < apart < changed

    @pytest.mark.parametrize("size", [24, 48, 100])
    def test_other_sizes_come_back_in_their_size(self, trained: Generator, size: int) -> None:
        (made,) = trained.make([request(202, size=size)])
        assert made.image is not None
        assert made.image.shape == (size, size, 3)

    def test_what_cannot_be_made_says_why(self, trained: Generator) -> None:
        fine, unlabelled = request(203), request(203)
        face = replace(unlabelled.parents[0], labels={"age_group": "unknown"})
        asked = [
            fine,
            replace(unlabelled, parents=(face,)),
            request(203, end="20-29", start="70+"),
            request(203, end="3-9"),
            request(203, end="40-49"),
            request(203, size=20),
        ]
        assert [one.reason for one in trained.make(asked)] == [
            "",
            "f0203: it has no age label",
            "",
            "the order for f0203: age group 3-9 was not learned: the weights know 0-2, 10-19, "
            "20-29, 40-49, 70+",
            "f0203 is 40-49 as labelled already",
            "f0203 is under 24 pixels: too small to age",
        ]

    def test_a_face_of_which_only_the_group_is_known(self, trained: Generator) -> None:
        asked = request(204)
        face = replace(asked.parents[0], age=None)
        (made,) = trained.make([replace(asked, parents=(face,))])
        assert made.steps[0].startswith("age 40-49 → 70+ (about 45 → 7")

    def test_ages_are_told_apart(self, trained: Generator) -> None:
        years = [1.5, 11.5, 21.5, 41.5, 71.5]
        images = [ageing_face(300 + n, years[n % 5])[0] for n in range(40)]
        opinions = trained.classify(images)
        assert opinions.shape == (40, len(trained.age_groups()))
        np.testing.assert_allclose(opinions.sum(1), 1, atol=1e-5)
        wanted = [n % 5 for n in range(40)]
        assert np.mean(opinions.argmax(1) == wanted) > 0.35  # by chance 0.2
        np.testing.assert_array_equal(trained.classify(images[3:4])[0], opinions[3])
        assert trained.classify([]).shape == (0, len(trained.age_groups()))

    @pytest.mark.parametrize("years", [-1.0, 111.0, float("nan")])
    def test_years_outside_of_those_learned_are_refused(
        self, trained: Generator, years: float
    ) -> None:
        image, _ = ageing_face(200, 41.5)
        with pytest.raises(UserError, match="these weights learned 0 to 110"):
            trained.edit([image], [41.5], [years])

    def test_nothing_is_made_before_load(self) -> None:
        with pytest.raises(RuntimeError, match="load"):
            new().make([request(1)])


@pytest.mark.parametrize("arch", ARCHS)
def test_every_arch_trains_and_comes_back_from_disk(arch: str, tmp_path: Path) -> None:
    short = {**QUICK, "train": {**QUICK["train"], "images": 80}}
    faces = write_ageing(tmp_path / "aligned", 30)
    digests = []
    for name in ("one", "again"):
        generator = new(arch, train=short["train"])
        generator.train(faces, tmp_path / name / "age", 7, tmp_path / name / "work")
        generator.load(tmp_path / name / "age")
        digests.append(generator.weights())
        made = generator.make([request(number) for number in range(3)])
        assert all(one.image is not None for one in made)
    assert digests[0] == digests[1]
    content = read_config(tmp_path / "one" / "age")
    assert content["age_groups"] == list(generator.age_groups())
    assert content["faces"] == [6] * 5
    history = json.loads((tmp_path / "one" / "age" / "history.json").read_text())
    if arch == "ours":  # fitted at once
        assert history == []
    else:
        assert {"loss", "real", "critic_loss"} <= history[-1].keys()
    image, _ = ageing_face(1, 41.5)
    if arch in ("ours", "decompose"):
        assert generator.leak([image]).shape == (1, 5)
    else:
        with pytest.raises(RuntimeError, match="does not tell ages apart"):
            generator.classify([image])


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    faces = write_ageing(tmp_path / "aligned", 30)
    short = {**QUICK["train"], "images": 16}
    new(train=short).train(faces, tmp_path / "age", 7, tmp_path / "work")
    with pytest.raises(UserError, match=r"train@age"):
        new("hrfae").load(tmp_path / "age")


def test_one_age_group_is_not_enough(tmp_path: Path) -> None:
    faces = write_ageing(tmp_path / "aligned", 12, groups=(3,))
    with pytest.raises(UserError, match=r"generators\.age needs two age groups.*20-29: 12"):
        new().train(faces, tmp_path / "age", 7, tmp_path / "work")


def test_without_labelled_faces_there_is_nothing_to_learn(tmp_path: Path) -> None:
    faces = write_ageing(tmp_path / "aligned", 6, age_group="unknown", age=None)
    with pytest.raises(UserError, match="no face with an age label"):
        new().train(faces, tmp_path / "age", 7, tmp_path / "work")
