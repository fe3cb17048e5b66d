"""Every generator keeps every promise of :class:`augment.protocols.Generator`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augment.errors import UserError
from augment.plugins import configure, names
from augment.protocols import Face, Generator, Made, Request
from augment.vocabulary import SOURCE_TYPES
from tests.unit.aligned_faces import face_picture, face_row
from tests.unit.aligned_rows import write_aligned

#: Settings that train in seconds; a generator without an entry is tried as it is.
QUICK: dict[str, dict[str, Any]] = {
    "mask": {
        "network": {"size": 32, "channels": [8, 16, 32]},
        "train": {"images": 1600, "batch": 8, "learning_rate": 4e-3, "ema": 0.95},
    },
}
QUICK["chain"] = {
    "steps": {"copies": {"kind": "copies"}, "mask": {"kind": "mask", **QUICK["mask"]}}
}
QUICK["age"] = {
    "network": {"size": 32, "channels": [8, 12], "critic": [8, 12, 16]},
    "train": {"images": 160, "batch": 8},
    "smallest_group": 4,
}
QUICK["superres"] = {
    "network": {"channels": 8, "blocks": 2},
    "crop": 32,
    "train": {"images": 320, "batch": 8},
    "adversarial": {"images": 80, "batch": 8, "critic": [8, 16]},
}
QUICK["attribute"] = {
    "network": {"window": 16, "channels": [8, 12], "critic": [8, 12]},
    "train": {"images": 160, "batch": 8},
    "smallest_class": 4,
}
#: Other architectures of a kind: "<kind> <name>".
QUICK["morph ours"] = {
    "arch": "ours",
    "fit": 2,
    "faces": 32,
    "network": {"channels": [12, 8], "critic": [8, 8], "who": 8, "moment": 4},
    "train": {"images": 160, "batch": 8},
}
QUICK["morph dcgan"] = {
    "arch": "dcgan",
    "fit": 2,
    "network": {"width": 2},
    "train": {"images": 32, "batch": 8},
}
LABELS = {"gender": "female", "age_group": "20-29", "mask": "no", "mouth_open": "no"}
#: What is asked of a generator: the first of these that it can do.
CHANGES = ({"mask": "yes"}, {"age_group": "60-69"}, {"mouth_open": "yes"})


def entry(kind: str) -> dict[str, Any]:
    return {"kind": kind.split()[0], **QUICK.get(kind, {})}


def new(kind: str) -> Generator:
    module, config = configure("generators", entry(kind), "generators.x")
    generator: Generator = module.Generator(config)
    return generator


@pytest.fixture(scope="module", params=sorted({*names("generators"), *QUICK}))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp(kind)
    groups = ("20-29", "60-69")
    rows = [
        face_row(
            number, mask="no", age_group=groups[number % 2], mouth_open=("no", "yes")[number % 2]
        )
        for number in range(32)
    ]
    faces = write_aligned(root / "aligned", rows, attributes=("mask", "mouth_open"), shards=2)
    new(kind).train(faces, root / "model", 7, root / "work")
    return root / "model"


@pytest.fixture(scope="module")
def generator(kind: str, model: Path) -> Generator:
    loaded = new(kind)
    loaded.load(model)
    return loaded


def ask(generator: Generator, number: int, seed: int | None = None, size: int = 64) -> Request:
    parents = []
    for place in range(generator.parents):
        image, points = face_picture(number + 1000 * place, size)
        native = size / 3 if getattr(generator, "restores", False) else None
        parents.append(Face(f"f{number}-{place}", image, points, LABELS, 25.0, native))
    able = [change for change in CHANGES if generator.cost(LABELS, {**LABELS, **change})]
    change = able[0] if able else CHANGES[0]
    seed = number if seed is None else seed
    name = f"order/{number}/{seed}"
    return Request(name, tuple(parents), {**LABELS, **change}, tuple(change), seed)


def same(one: Made, other: Made) -> bool:
    return (
        (one.steps, one.reason) == (other.steps, other.reason)
        and np.array_equal(_or_none(one.image), _or_none(other.image))
        and np.array_equal(_or_none(one.points), _or_none(other.points))
    )


def _or_none(values: Any) -> Any:
    return np.zeros(0) if values is None else values


def test_one_result_a_request_in_order(generator: Generator) -> None:
    requests = [ask(generator, number) for number in range(21)]
    made = generator.make(requests)
    assert len(made) == 21
    alone = [generator.make([request])[0] for request in requests]
    assert all(same(one, other) for one, other in zip(made, alone, strict=True))
    assert generator.make([]) == []


def test_most_faces_can_be_used(generator: Generator) -> None:
    made = generator.make([ask(generator, number) for number in range(20)])
    assert sum(one.image is not None for one in made) >= 18, [one.reason for one in made]


def test_a_result_does_not_depend_on_its_batch_or_what_came_before(generator: Generator) -> None:
    requests = [ask(generator, number) for number in range(12)]
    forward, backward = generator.make(requests), generator.make(requests[::-1])[::-1]
    assert all(same(one, other) for one, other in zip(forward, backward, strict=True))


def test_the_seed_decides(kind: str, model: Path, generator: Generator) -> None:
    fresh = new(kind)
    fresh.load(model)
    requests = [ask(generator, 3, seed) for seed in (0, 1, 2**62, 0)]
    here, there = generator.make(requests), fresh.make(requests)
    assert all(same(one, other) for one, other in zip(here, there, strict=True))
    assert np.array_equal(_or_none(here[0].image), _or_none(here[3].image))
    # A restored face has no variants: what its photo showed decides alone.
    variants = 1 if getattr(generator, "restores", False) else 3
    assert len({one.image.tobytes() for one in here if one.image is not None}) == variants


@pytest.mark.parametrize("size", [48, 64, 96])
def test_pictures_are_uint8_of_the_size_of_their_parent(generator: Generator, size: int) -> None:
    for one in generator.make([ask(generator, number, size=size) for number in range(4)]):
        if one.image is not None:
            assert one.image.dtype == np.uint8
            assert one.image.shape == (size, size, 3)
            assert one.image.flags.c_contiguous
            assert one.steps
            assert one.points is None or one.points.shape == (5, 2)
        else:
            assert one.reason


@pytest.mark.parametrize("level", [0, 127, 255])
@pytest.mark.parametrize("size", [8, 33, 64])
def test_odd_faces_give_a_picture_or_a_reason(generator: Generator, level: int, size: int) -> None:
    _, points = face_picture(0, size)
    blank = Face("blank", np.full((size, size, 3), level, np.uint8), points, LABELS)
    outside = Face("outside", blank.image, points - 3 * size, LABELS)
    for face in (blank, outside):
        parents = (face,) * generator.parents
        (made,) = generator.make([Request("o", parents, {**LABELS, "mask": "yes"}, (), 5)])
        assert (made.image is None) == bool(made.reason)
        assert made.image is None or made.image.shape == (size, size, 3)


def test_parents_are_left_as_they_were(generator: Generator) -> None:
    requests = [ask(generator, number) for number in range(3)]
    before = [request.parents[0].image.copy() for request in requests]
    points = [request.parents[0].points.copy() for request in requests]
    generator.make(requests)
    for request, image, places in zip(requests, before, points, strict=True):
        np.testing.assert_array_equal(request.parents[0].image, image)
        np.testing.assert_array_equal(request.parents[0].points, places)


def test_says_what_its_faces_are_in_iptc_words(generator: Generator) -> None:
    assert generator.digital_source_type in SOURCE_TYPES


def test_weights_are_named_by_their_digest(generator: Generator, model: Path) -> None:
    has_weights = any(model.rglob("weights.safetensors"))
    assert (len(generator.weights()) == 64) == has_weights
    if has_weights:
        written = json.loads((model / "config.json").read_text())
        assert written["weights"] == generator.weights()


def test_costs_are_none_or_not_negative_and_standing_still_is_free(generator: Generator) -> None:
    bins = [
        {"gender": gender, "age_group": age, "mask": mask}
        for gender in ("female", "male")
        for age in ("20-29", "60-69")
        for mask in ("no", "yes")
    ]
    for donor in bins:
        for target in bins:
            cost = generator.cost(donor, target)
            assert cost is None or cost >= 0
            assert cost != 0 or donor == target


def test_costs_are_asked_without_torch(kind: str) -> None:
    code = (
        "import sys; from augment.plugins import configure; "
        f"module, config = configure('generators', {entry(kind)!r}, 'generators.x'); "
        "module.Generator(config).cost({'gender': 'male'}, {'gender': 'female'}); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_settings_are_refused(kind: str) -> None:
    with pytest.raises(UserError, match=r"generators\.x\.no_such_setting: unknown key"):
        configure("generators", {**entry(kind), "no_such_setting": 1}, "generators.x")
