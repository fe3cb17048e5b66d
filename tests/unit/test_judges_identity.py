"""The judge of identity learns who is who, also where nobody is named."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from augment.errors import UserError
from augment.images import decode, encode
from augment.judges import identity
from augment.metrics.pairs import likeness, same_person, strangers
from augment.nets.blocks import parameters
from augment.nets.varying import cover_below
from augment.types import FloatArray, Image
from tests.unit.aligned_rows import row, write_aligned

QUICK: dict[str, Any] = {
    "channels": (12, 24, 32), "size": 32,
    "train": {"images": 3000, "batch": 32, "learning_rate": 3e-3},
}  # fmt: skip
PHOTOS = 3
EYES, NOSE = 12, 18  # rows of a 32 px face


def photo(person: int, shot: int) -> Image:
    """What stays of a person: colours of skin and eyes, the eyes' distance. All else changes."""
    own, other = np.random.default_rng([3, person]), np.random.default_rng([4, person, shot])
    image = np.empty((32, 32, 3), np.uint8)
    image[:] = other.integers(60, 200, 3)
    skin, iris = own.integers(40, 256, 3).tolist(), own.integers(0, 256, 3).tolist()
    apart = int(own.integers(4, 9))
    cv2.ellipse(image, (16, 18), (11, 14), 0, 0, 360, skin, -1)
    for x in (16 - apart, 16 + apart):
        cv2.circle(image, (x, EYES + int(other.integers(-1, 2))), 3, iris, -1)
    image[24:26, 12:20] = other.integers(0, 256, 3)
    return image


def face(person: int, shot: int, named: bool = True, **values: Any) -> dict[str, Any]:
    name = f"{person:04d}-{shot}"
    points = [[11, EYES], [21, EYES], [16, NOSE], [12, 24], [20, 24]]
    picture = {"bytes": encode(photo(person, shot)), "path": f"{name}.jpg"}
    return row(name, image=picture, points=np.array(points, float).ravel().tolist(),
               person=f"p{person}" if named else None, half="b",
               gender=("female", "male")[person % 2]) | values  # fmt: skip


def trained(folder: Path, rows: list[dict[str, Any]], **settings: Any) -> identity.Judge:
    aligned = write_aligned(folder / "aligned", rows)
    config = identity.Config(**{**QUICK, **settings})
    identity.Judge(config).train(aligned, folder / "models" / "judge", 7, folder / "work")
    loaded = identity.Judge(config)
    loaded.load(folder / "models" / "judge")
    return loaded


def content(folder: Path) -> dict[str, Any]:
    text = (folder / "models" / "judge" / "config.json").read_text()
    found: dict[str, Any] = json.loads(text)["config"]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("identity")


@pytest.fixture(scope="module")
def judge(folder: Path) -> identity.Judge:
    learned = [face(person, shot) for person in range(40) for shot in range(PHOTOS)]
    alone = [face(person, 0) for person in range(40, 46)]
    unknown = [face(person, 0, named=False) for person in range(50, 54)]
    other_half = [face(person, 0, half="a") for person in range(60, 65)]
    held_out = [face(person, shot, split="validation", half=None)
                for person in range(70, 110) for shot in range(PHOTOS)]  # fmt: skip
    return trained(folder, learned + alone + unknown + other_half + held_out)


PEOPLE = [f"p{person}" for person in range(200, 240) for _ in range(PHOTOS)]
IDS = [f"f{n}" for n in range(len(PEOPLE))]
NEW = [photo(person, shot) for person in range(200, 240) for shot in range(PHOTOS)]


def told_apart(numbers: FloatArray, second: FloatArray | None = None) -> float:
    """How often a pair of one person is more alike than one of two."""
    second = numbers if second is None else second
    one, two = same_person(IDS, PEOPLE), strangers(IDS, PEOPLE, np.full(len(IDS), "all"))
    alike = likeness(numbers[one[:, 0]], second[one[:, 1]])
    unlike = likeness(numbers[two[:, 0]], second[two[:, 1]])
    return float((alike[:, None] > unlike).mean())


def test_people_it_never_saw_are_told_apart(judge: identity.Judge) -> None:
    found = judge.predict(NEW)
    assert told_apart(found["identity"]) >= 0.85
    assert told_apart(found["identity_upper"]) >= 0.85


def test_features_have_length_one(judge: identity.Judge) -> None:
    assert dict(judge.features()) == {"identity": 128, "identity_upper": 128}
    for numbers in judge.predict(NEW[:5]).values():
        np.testing.assert_allclose(np.linalg.norm(numbers, axis=1), 1, atol=1e-6)


def test_what_a_mask_hides_does_not_count_for_the_upper_face(judge: identity.Judge) -> None:
    covered = [cover_below(image, 16, np.random.default_rng(1)) for image in NEW[:10]]
    bare, masked = judge.predict(NEW[:10]), judge.predict(covered)
    np.testing.assert_array_equal(bare["identity_upper"], masked["identity_upper"])
    assert likeness(bare["identity"], masked["identity"]).max() < 0.999


def test_says_what_it_learned_from(judge: identity.Judge, folder: Path) -> None:
    assert content(folder)["learned_from"] == {
        "people_with_several_photos": 40,
        "faces_of_people_with_several_photos": 120,
        "faces_of_people_with_one_photo": 6,
        "faces_of_nobody_known": 4,
    }
    # Eyes in row 12, nose tip in row 18, of 32.
    assert content(folder)["upper"] == pytest.approx(15 / 32, abs=1e-4)


def test_says_how_good_it_is_on_held_out_people(judge: identity.Judge) -> None:
    rows = {(row["by"], row["group"]): row for row in judge.accuracy()}
    assert {row["label"] for row in judge.accuracy()} == {"identity"}
    assert rows["all", "all"]["n"] == 2 * 40 * 3
    assert rows["all", "all"]["accuracy"] >= 0.75
    assert {("gender", "female"), ("gender", "male"), ("age_group", "20-29")} <= set(rows)


def test_without_person_labels_it_knows_faces_again(tmp_path: Path) -> None:
    learned = [face(person, 0, named=False) for person in range(100)]
    held_out = [face(person, 0, named=False, split="validation", half=None)
                for person in range(200, 250)]  # fmt: skip
    judge = trained(tmp_path, learned + held_out)
    assert content(tmp_path)["learned_from"]["faces_of_nobody_known"] == 100
    (everyone, *_) = judge.accuracy()
    assert everyone["label"] == "identity (varied photos)"
    assert everyone["n"] == 100
    assert everyone["accuracy"] >= 0.8


def test_larger_crops_are_shrunk_to_what_it_looks_at(tmp_path: Path) -> None:
    rows = [face(person, shot) for person in range(6) for shot in range(2)]
    judge = trained(tmp_path, rows, size=16, train={"images": 64, "batch": 32})
    assert content(tmp_path)["size"] == 16
    assert judge.predict(NEW[:2])["identity"].shape == (2, 128)
    # No validation face: nothing is known of its accuracy.
    assert judge.accuracy() == []


def test_no_faces_to_learn_from(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no faces to train on"):
        trained(tmp_path, [face(1, 0, half="a")])


def test_the_default_network_is_small() -> None:
    from augment.nets.identity import IdentityNet

    assert parameters(IdentityNet(identity.Config().channels)) <= 1_500_000


def test_pictures_come_back_from_storage(judge: identity.Judge) -> None:
    """What the gate sees is JPEG: the description hardly moves."""
    stored = [decode(encode(image)) for image in NEW]
    there, back = judge.predict(NEW)["identity"], judge.predict(stored)["identity"]
    assert likeness(there, back).min() > 0.9
