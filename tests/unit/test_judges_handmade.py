"""The judge with hand-made features: what it writes and needs."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from augment.images import decode, resize
from augment.judges.handmade import Config, Judge
from tests.unit.gate_rows import face, write_faces


def person(number: int, split: str = "train") -> dict[str, object]:
    labels = {"gender": ("female", "male")[number % 2], "mask": ("no", "yes")[number // 2 % 2]}
    return face(f"{split}/{number:03d}", split, "b" if split == "train" else "", **labels)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("handmade")
    rows = [person(n) for n in range(40)] + [person(n, "validation") for n in range(20)]
    write_faces(root, rows)
    Judge(Config()).train(root / "aligned", root / "models" / "hand", 7, root / "work")
    return root


@pytest.fixture(scope="module")
def judge(folder: Path) -> Judge:
    made = Judge(Config())
    made.load(folder / "models" / "hand")
    return made


def test_weights_are_plain_arrays(folder: Path) -> None:
    arrays = load_file(folder / "models" / "hand" / "weights.safetensors")
    labels = ("gender", "mask")
    assert set(arrays) == {"mean", "scale", "axes", *(f"weights.{x}" for x in labels),
                           *(f"biases.{x}" for x in labels)}  # fmt: skip
    assert sorted(path.name for path in (folder / "models" / "hand").iterdir()) == [
        "config.json",
        "weights.safetensors",
    ]


def test_few_faces_have_fewer_features(judge: Judge) -> None:
    assert dict(judge.features()) == {"features": 39}


def test_features_keep_distances(folder: Path, judge: Judge) -> None:
    """With as many components as faces differ in, distances are those of whole descriptions."""
    from augment.judges.handmade import _described

    images = [decode(person(n)["image"]["bytes"]) for n in range(12)]  # type: ignore[index]
    found = judge.predict(images)["features"]
    assert judge._heads is not None
    whole = judge._heads.standardised(_described(images))
    compact = np.linalg.norm(found[:, None] - found[None], axis=2)
    expected = np.linalg.norm(whole[:, None] - whole[None], axis=2)
    np.testing.assert_allclose(compact, expected, rtol=0.02, atol=0.5)


def test_pictures_of_other_sizes(judge: Judge) -> None:
    image = decode(person(2)["image"]["bytes"])  # type: ignore[index]
    one, other = (judge.predict([resize(image, size)])["mask"][0] for size in (64, 128))
    assert one.argmax() == other.argmax() == 1


def test_the_seed_plays_no_part(folder: Path, judge: Judge) -> None:
    other = Judge(Config())
    other.train(folder / "aligned", folder / "models" / "again", 8, folder / "work")
    other.load(folder / "models" / "again")
    assert other.weights() == judge.weights()


def test_it_answers_without_torch(folder: Path) -> None:
    script = (
        "import sys, numpy as np; from pathlib import Path; "
        "from augment.judges.handmade import Config, Judge; "
        f"judge = Judge(Config()); judge.load(Path({str(folder / 'models' / 'hand')!r})); "
        "found = judge.predict([np.zeros((64, 64, 3), np.uint8)]); "
        "assert found['mask'].shape == (1, 2); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
