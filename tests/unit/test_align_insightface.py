from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from augment.align import insightface
from augment.errors import UserError

PHOTO = np.full((64, 64, 3), 128, np.uint8)


def pack(root: Path, **files: bytes) -> insightface.Config:
    folder = root / "models" / "small"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.onnx").write_bytes(content)
    return insightface.Config(pack="small", root=root)


def test_a_missing_pack_is_never_downloaded(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"models/buffalo_l holds no \.onnx file.*nothing is downl"):
        insightface.Detector(insightface.Config(root=tmp_path))
    assert not list(tmp_path.iterdir())


def test_an_empty_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no \.onnx file"):
        insightface.Detector(pack(tmp_path))


def test_a_pack_that_cannot_be_loaded_says_so_at_the_first_photo(tmp_path: Path) -> None:
    detector = insightface.Detector(pack(tmp_path, det_10g=b"no network"))
    with pytest.raises(UserError, match="holds no detector that insightface can load"):
        detector.detect(PHOTO)


def test_identity_follows_all_files_of_the_pack_but_not_its_place(tmp_path: Path) -> None:
    first = insightface.Detector(pack(tmp_path / "a", det=b"1", more=b"2")).identity()
    assert insightface.Detector(pack(tmp_path / "b", det=b"1", more=b"2")).identity() == first
    assert insightface.Detector(pack(tmp_path / "c", det=b"1", more=b"3")).identity() != first


@pytest.mark.parametrize("name", ["../other", "", "a/b"])
def test_a_pack_is_a_name_and_no_path(name: str) -> None:
    with pytest.raises(ValidationError):
        insightface.Config(pack=name)
