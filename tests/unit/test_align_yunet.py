import hashlib
from pathlib import Path

import pytest
from pydantic import ValidationError

from augment.align import yunet
from augment.errors import UserError


def config(path: Path, **settings: object) -> yunet.Config:
    path.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    return yunet.Config.model_validate({"path": path, "sha256": digest, **settings})


def test_missing_weights_say_where_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.onnx are missing; download .* OpenCV Zoo"):
        yunet.Detector(yunet.Config(path=tmp_path / "none.onnx"))


def test_a_folder_is_no_weights_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="are missing"):
        yunet.Detector(yunet.Config(path=tmp_path))


def test_other_weights_than_named_are_refused_before_they_are_loaded(tmp_path: Path) -> None:
    path = tmp_path / "y.onnx"
    path.write_bytes(b"something else")
    found = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(UserError, match=f"has sha256 {found}, not 8f2383e4"):
        yunet.Detector(yunet.Config(path=path))


def test_identity_follows_weights_and_settings_but_not_the_place(tmp_path: Path) -> None:
    first = yunet.Detector(config(tmp_path / "a.onnx")).identity()
    assert yunet.Detector(config(tmp_path / "b.onnx")).identity() == first
    assert yunet.Detector(config(tmp_path / "a.onnx", min_score=0.6)).identity() != first
    assert yunet.Detector(config(tmp_path / "a.onnx", look_size=320)).identity() != first
    (tmp_path / "c.onnx").write_bytes(b"other")
    other = yunet.Config(path=tmp_path / "c.onnx", sha256=hashlib.sha256(b"other").hexdigest())
    assert yunet.Detector(other).identity() != first


@pytest.mark.parametrize(
    "settings", [{"sha256": "abc"}, {"min_score": 0.0}, {"look_size": 100}, {"threshold": 0.5}]
)
def test_wrong_settings_are_refused(tmp_path: Path, settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        config(tmp_path / "a.onnx", **settings)
