import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from augment import shipped as weights
from augment.errors import UserError
from augment.plugins import configure
from tests.unit.aligned_faces import face_picture, write_faces
from tests.unit.test_train import QUICK, contents, train


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mask model that comes with the package: trained for seconds."""
    write_faces(tmp_path / "aligned", 12)
    model = train(tmp_path, "mask", QUICK, outputs="shipped")
    digest = hashlib.sha256((model / "weights.safetensors").read_bytes()).hexdigest()
    (model / weights.CARD).write_text("card")
    monkeypatch.setattr(weights, "_HERE", model.parent)
    monkeypatch.setattr(weights, "SHA256", {"mask": digest})
    return model


def entry(**more: object) -> dict[str, object]:
    return {"kind": "mask", "weights": "shipped", "network": QUICK["network"], **more}


def test_train_copies_shipped_weights(shipped: Path, tmp_path: Path) -> None:
    model = train(tmp_path, "mask", entry(), outputs="models")
    before = contents(shipped)
    del before[weights.CARD]
    assert contents(model) == before
    assert (tmp_path / "models/history/mask.json").read_text() == "[]\n"


def test_crops_of_another_scale_are_told(
    shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path, "mask", entry())
    assert "show" not in capsys.readouterr().out
    path = shipped / "config.json"
    content = json.loads(path.read_text())
    content["crop"] = (np.array(content["crop"]) * 0.7 + 0.15).tolist()
    path.write_text(json.dumps(content))
    train(tmp_path, "mask", entry())
    assert "show more around the face (1.43 times): set align.margin higher" in (
        capsys.readouterr().out
    )


def test_another_network_than_theirs_is_found_at_once(shipped: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not fit"):
        train(tmp_path, "mask", entry(network={"size": 32, "channels": [8, 8]}))


def test_damaged_weights_are_refused(shipped: Path, tmp_path: Path) -> None:
    with (shipped / "weights.safetensors").open("ab") as file:
        file.write(b"x")
    with pytest.raises(UserError, match="damaged"):
        train(tmp_path, "mask", entry())
    (shipped / "weights.safetensors").unlink()
    with pytest.raises(UserError, match="missing"):
        weights.shipped_folder("mask")


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"kind": "mask", "weights": "mine"}, "not known"),
     ({"kind": "copies", "weights": "shipped"}, "none come with the package for 'copies'")],
)  # fmt: skip
def test_wrong_words_are_found_before_long_work(settings: dict[str, str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        configure("generators", settings, "generators.x")
    with pytest.raises(UserError, match="no weights of 'copies'"):
        weights.shipped_folder("copies")


def test_a_judge_that_scores_is_not_the_one_of_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "SHA256", {"attributes": ""})
    entry = {"kind": "attributes", "weights": "shipped"}
    configure("judges", entry, "judges.x")
    with pytest.raises(UserError, match="must not be the one that the gate"):
        configure("judges", entry | {"family": "score"}, "judges.x")


def test_what_comes_with_the_package_is_whole_small_and_described() -> None:
    for kind in weights.SHA256:
        folder = weights.shipped_folder(kind)
        assert (folder / "weights.safetensors").stat().st_size < 10 * 2**20
        card = (folder / weights.CARD).read_text(encoding="utf-8")
        for part in ("Data", "Licence", "Limits"):
            assert part in card


def test_shipped_restoration_comes_nearer_than_mere_enlarging() -> None:
    module, config = configure("generators", {"kind": "superres"}, "generators.restore")
    generator = module.Generator(config)
    generator.load(weights.shipped_folder("superres"))
    gained = []
    for seed in range(3):
        true, _ = face_picture(seed, 96)
        small = cv2.resize(true, (24, 24), interpolation=cv2.INTER_AREA)
        enlarged = cv2.resize(small, (96, 96), interpolation=cv2.INTER_CUBIC)
        errors = [
            np.square(made.astype(float) - true).mean()
            for made in (enlarged, generator.enlarge(small))
        ]
        gained.append(10 * np.log10(errors[0] / errors[1]))
    assert np.mean(gained) > 0.3  # dB; drawn faces are none of those that it learned from
