"""``chain``: routes, faces between steps, provenance, reuse of trainings, refusals."""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from augment import plugins
from augment.closure import code_digest
from augment.errors import UserError
from augment.generating.operation import MakeFaces
from augment.generators.chain import Config, Generator
from augment.params import Section
from augment.plugins import configure
from augment.protocols import Face, Made, Request
from augment.schema import Labels
from augment.seeds import row_seed
from tests.unit.aligned_faces import face_picture, write_faces

MASK = {
    "kind": "mask",
    "network": {"size": 32, "channels": [8, 16]},
    "train": {"images": 64, "batch": 8},
}
YOUNG = {"age_group": "20-29", "gender": "female", "mask": "no"}
OLD_MASKED = {"age_group": "60-69", "gender": "female", "mask": "yes"}


class ToyConfig(Section):
    moves: str = "age_group"  # the only label that it moves
    price: float = 1.0
    stands_still: bool = False  # it makes new faces inside a bin, too
    parents: int = 1
    fails: bool = False
    points: bool = True


class Toy:
    """Adds its price to every pixel, and remembers what it was asked for."""

    digital_source_type = "compositeWithTrainedAlgorithmicMedia"
    asked: list[Request] = []  # noqa: RUF012 (one list for all toys)

    def __init__(self, config: ToyConfig) -> None:
        self.config, self.parents, self._weights = config, config.parents, ""

    def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
        changed = {axis for axis, value in target.items() if donor.get(axis) != value}
        if not changed:
            return 0.0 if self.config.stands_still else None
        return self.config.price if changed == {self.config.moves} else None

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "toy.txt").write_text(f"{self.config.moves} {seed} {work}")

    def load(self, folder: Path) -> None:
        if not (folder / "toy.txt").is_file():
            raise UserError(f"{folder / 'toy.txt'} not found.")
        self._weights = hashlib.sha256((folder / "toy.txt").read_bytes()).hexdigest()

    def weights(self) -> str:
        return self._weights

    def make(self, requests: Sequence[Request]) -> list[Made]:
        Toy.asked += requests
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Made:
        face = request.parents[0]
        if self.config.fails:
            return Made(None, reason=f"{face.id} cannot be used")
        points = face.points + 1 if self.config.points else None
        return Made(face.image + np.uint8(self.config.price), points, ("shifted",))


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A generator kind ``toy``, as if there were such a file."""
    module = ModuleType("augment.generators.toy")
    module.Config, module.Generator = ToyConfig, Toy  # type: ignore[attr-defined]
    real = plugins.load
    monkeypatch.setitem(sys.modules, "augment.generators.toy", module)
    monkeypatch.setattr(
        plugins, "load", lambda kind, name: module if name == "toy" else real(kind, name)
    )
    Toy.asked.clear()


def toy(**settings: Any) -> dict[str, Any]:
    return {"kind": "toy", **settings}


def chain_of(**steps: dict[str, Any]) -> Generator:
    return Generator(Config(steps=steps))


def older_masked(**of_age: Any) -> Generator:
    return chain_of(age=toy(**of_age), mask=toy(moves="mask", price=2))


def request(changes: Sequence[str] = ("age_group", "mask"), seed: int = 5) -> Request:
    image, points = face_picture(1)
    parent = Face("f1", image, points, {**YOUNG, "smiling": "yes"}, 25.0)
    labels = {**YOUNG, "smiling": "yes", **{name: OLD_MASKED[name] for name in changes}}
    return Request("order/1", (parent,), labels, tuple(changes), seed)


# What it offers to the plan.


def test_it_reaches_what_no_step_reaches_alone() -> None:
    assert older_masked().cost(YOUNG, OLD_MASKED) == pytest.approx(3.01)


@pytest.mark.parametrize("axis", ["age_group", "mask", "gender"])
def test_what_one_step_does_alone_is_not_offered(axis: str) -> None:
    target = {**YOUNG, axis: {**OLD_MASKED, "gender": "male"}[axis]}
    assert older_masked().cost(YOUNG, target) is None
    assert older_masked().cost(YOUNG, YOUNG) is None


def test_a_step_that_makes_new_faces_inside_a_bin_may_stand_still() -> None:
    chain = chain_of(copies={"kind": "copies"}, mask=MASK)
    masked = {**YOUNG, "mask": "yes"}
    assert chain.cost(YOUNG, masked) == pytest.approx(1.01)  # dearer than the mask alone
    assert chain.cost(YOUNG, OLD_MASKED) is None
    assert chain.cost(YOUNG, YOUNG) is None


def test_the_cheapest_route_is_taken() -> None:
    chain = chain_of(
        a=toy(moves="mask", price=7, stands_still=True),
        b=toy(moves="mask", price=2, stands_still=True),
        c=toy(price=1),
    )
    assert chain.cost(YOUNG, OLD_MASKED) == pytest.approx(3.02)  # a stands still


def test_steps_work_in_their_order_only() -> None:
    """A step that wants an unmasked face comes too late once another has put a mask on."""

    class Shy(Toy):
        def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
            return None if donor.get("mask") == "yes" else super().cost(donor, target)

    sys.modules["augment.generators.toy"].Generator = Shy  # type: ignore[attr-defined]
    first = chain_of(age=toy(), mask=toy(moves="mask"))
    last = chain_of(mask=toy(moves="mask"), age=toy())
    assert first.cost(YOUNG, OLD_MASKED) is not None
    assert last.cost(YOUNG, OLD_MASKED) is None


def test_donors_may_lack_an_axis() -> None:
    assert older_masked().cost({"gender": "male"}, {"gender": "female"}) is None


# What it makes.


def test_each_step_works_on_the_face_of_the_one_before() -> None:
    start = request()
    (made,) = older_masked().make([start])
    np.testing.assert_array_equal(made.image, start.parents[0].image + np.uint8(3))
    np.testing.assert_array_equal(made.points, start.parents[0].points + 2)
    first, second = Toy.asked
    assert first.parents == start.parents
    assert (first.changes, second.changes) == (("age_group",), ("mask",))
    between = {**YOUNG, "smiling": "yes", "age_group": "60-69"}
    assert first.labels == between
    assert second.parents[0].labels == between
    assert second.parents[0].id == "f1 after age"
    assert second.parents[0].age is None  # 25 years no longer
    assert second.labels == start.labels


def test_years_stay_known_while_the_age_group_stays() -> None:
    chain = chain_of(mask=toy(moves="mask"), age=toy())
    chain.make([request()])
    assert Toy.asked[1].parents[0].age == 25.0


def test_every_step_has_its_own_seed() -> None:
    older_masked().make([request(seed=5), request(seed=6)])
    seeds = [one.seed for one in Toy.asked]
    assert len(set(seeds)) == 4
    assert seeds[0] == row_seed(5, "chain 0 age", "order/1")


def test_provenance_names_every_step_with_its_weights_and_changes(tmp_path: Path) -> None:
    chain = older_masked()
    chain.train(tmp_path, tmp_path / "m", 7, tmp_path / "work/older_masked")
    (made,) = chain.make([request()])
    written = json.loads((tmp_path / "m/config.json").read_text())["steps"]
    assert made.steps == (
        f"age (weights {written['age'][:12]}): age_group 20-29 → 60-69; shifted",
        f"mask (weights {written['mask'][:12]}): mask no → yes; shifted",
    )


def test_a_failed_step_says_which_and_others_go_on() -> None:
    (made,) = older_masked(fails=True).make([request()])
    assert (made.image, made.reason) == (None, "age: f1 cannot be used")
    later = chain_of(age=toy(), mask=toy(moves="mask", fails=True))
    assert later.make([request()])[0].reason == "mask: f1 after age cannot be used"
    (pointless,) = older_masked(points=False).make([request()])
    assert pointless.reason == "age: it gave no points for the next step to go by"


def test_an_order_that_it_cannot_fill_gets_a_reason_beside_those_it_can() -> None:
    made = older_masked().make([request(("mask",)), request(), request(())])
    assert [one.image is not None for one in made] == [False, True, False]
    assert made[0].reason == "age, then mask: they cannot change mask"
    assert made[2].reason == "age, then mask: they cannot change nothing"
    assert len(Toy.asked) == 2


def test_two_parents_are_those_of_the_first_step() -> None:
    chain = chain_of(morph=toy(parents=2, stands_still=True), mask=toy(moves="mask"))
    assert chain.parents == 2
    start = request(("mask",))
    both = (start.parents[0], Face("f2", *face_picture(2), YOUNG, 29.0))
    (made,) = chain.make([Request("o", both, start.labels, ("mask",), 1)])
    assert made.image is not None
    assert len(Toy.asked[0].parents) == 2
    assert Toy.asked[1].parents[0].age is None


def test_it_is_called_by_the_strongest_word_of_its_steps() -> None:
    assert chain_of(a={"kind": "copies"}, b={"kind": "copies"}).digital_source_type == (
        "algorithmicallyEnhanced"
    )
    assert chain_of(a={"kind": "copies"}, b=MASK).digital_source_type == (
        "compositeWithTrainedAlgorithmicMedia"
    )


# What it learns.


def test_steps_learn_in_the_work_folders_of_their_own_keys(tmp_path: Path) -> None:
    older_masked().train(tmp_path, tmp_path / "m", 7, tmp_path / "work/older_masked")
    assert (tmp_path / "m/age/toy.txt").read_text() == f"age_group 7 {tmp_path / 'work/age'}"
    assert (tmp_path / "m/mask/toy.txt").read_text() == f"mask 7 {tmp_path / 'work/mask'}"


def test_what_a_step_has_learned_on_its_own_is_not_learned_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = write_faces(tmp_path / "aligned", 12)
    module, config = configure("generators", MASK, "x")
    module.Generator(config).train(faces, tmp_path / "mask", 7, tmp_path / "work/mask")
    from augment.generators.mask.training import PaintedPairs

    def never(*_: object) -> None:
        raise AssertionError("it was trained again")

    monkeypatch.setattr(PaintedPairs, "__call__", never)
    chain = chain_of(copies={"kind": "copies"}, mask=MASK)
    chain.train(faces, tmp_path / "m", 7, tmp_path / "work/copies_masked")
    weights = "weights.safetensors"
    assert (tmp_path / "m/mask" / weights).read_bytes() == (
        tmp_path / "mask" / weights
    ).read_bytes()
    written = json.loads((tmp_path / "m/config.json").read_text())
    assert written["images_seen"] == 64
    assert written["weights"] == chain.weights()
    history = json.loads((tmp_path / "m/history.json").read_text())
    assert [point["step"] for point in history] == ["mask"] * 8
    again = chain_of(copies={"kind": "copies"}, mask=MASK)
    again.load(tmp_path / "m")
    assert again.weights() == chain.weights()


def test_the_digest_is_of_all_steps_in_order(tmp_path: Path) -> None:
    def digest(chain: Generator, seed: int) -> str:
        folder = tmp_path / f"{seed}{id(chain)}"
        chain.train(tmp_path, folder, seed, tmp_path / "work/x")
        return chain.weights()

    chains = [older_masked() for _ in range(3)]
    one, same, other = (digest(c, s) for c, s in zip(chains, (1, 1, 2), strict=True))
    assert one == same
    assert len({one, other, digest(chain_of(mask=toy(moves="mask"), age=toy()), 1)}) == 3
    assert chain_of(a={"kind": "copies"}, b={"kind": "copies"}).weights() == ""


def test_missing_weights_name_the_training_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train@older_masked` first"):
        older_masked().load(tmp_path / "older_masked")
    older_masked().train(tmp_path, tmp_path / "older_masked", 7, tmp_path / "work/x")
    (tmp_path / "older_masked/mask/toy.txt").unlink()
    with pytest.raises(UserError, match=r"step 'mask': run `python -m augment train@older_masked`"):
        older_masked().load(tmp_path / "older_masked")


def test_the_cache_of_its_faces_sees_the_code_of_its_steps() -> None:
    def digest(*steps: dict[str, Any]) -> str:
        config = Config(steps={f"s{number}": step for number, step in enumerate(steps)})
        text = config.model_dump_json()
        return code_digest(MakeFaces("chain", text, Path(), "", Labels(("glasses",)), 1))

    copies = {"kind": "copies"}
    assert digest(copies, copies) != digest(copies, MASK)  # mask's code comes in


def test_its_settings_survive_the_way_to_a_worker() -> None:
    config = Config(steps={"copies": {"kind": "copies", "turn": 3}, "mask": MASK})
    again = Config.model_validate_json(config.model_dump_json())
    assert again == config
    assert list(again.steps) == ["copies", "mask"]


# What it refuses.


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ({}, r"generators\.x\.steps: a chain needs at least two steps"),
        ({"mask": MASK}, "needs at least two steps"),
        ({"a": {"kind": "copies"}, "b": {"kind": "maks"}}, r"step 'b'.*no augment/generators/maks"),
        ({"a": {"kind": "copies"}, "b": {}}, r"step 'b': steps\.b needs a 'kind'"),
        (
            {"a": {"kind": "copies"}, "b": {"kind": "mask", "mak": 1}},
            r"step 'b': steps\.b\.mak: unknown key; did you mean 'make'",
        ),
        (
            {"a": {"kind": "copies"}, "b": {"kind": "chain", "steps": {}}},
            "'b' is a chain itself: name its steps here instead",
        ),
        (
            {"a": {"kind": "copies"}, "b": {"kind": "toy", "parents": 2}},
            "'b' makes one face of 2, so it can be the first step only",
        ),
        ({"a": {"kind": "copies"}, "../b": {"kind": "copies"}}, r"not '\.\./b'"),
        ("mask", r"generators\.x\.steps"),
        ({"a": {"kind": "copies"}, "b": None}, r"generators\.x\.steps\.b"),
    ],
)
def test_wrong_steps_are_refused_in_words(steps: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        configure("generators", {"kind": "chain", "steps": steps}, "generators.x")


def test_steps_must_be_named() -> None:
    with pytest.raises(UserError, match=r"generators\.x\.steps is missing"):
        configure("generators", {"kind": "chain"}, "generators.x")
