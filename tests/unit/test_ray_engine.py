import sys
import warnings
from pathlib import Path

import pytest

from augment.errors import UserError
from augment.ray_engine import run_on_ray
from tests.unit.ops import Draw
from tests.unit.test_engine import engine, fingerprint, make_folder


def test_says_how_to_get_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match="not installed"):
        run_on_ray(Draw(), [], lambda batch: None, 1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own warnings are not ours to mend
def test_same_bytes_on_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray = pytest.importorskip("ray", reason="the ray extra is not installed")
    # Ray's workers start elsewhere and look for the op's module here.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    source = make_folder(tmp_path / "in", 450)
    try:
        engine(tmp_path, "ray").map_folder(Draw(), source, tmp_path / "ray", "draw")
    finally:
        ray.shutdown()
    engine(tmp_path, cache="other").map_folder(Draw(), source, tmp_path / "here", "draw")
    assert fingerprint(tmp_path / "ray") == fingerprint(tmp_path / "here")
