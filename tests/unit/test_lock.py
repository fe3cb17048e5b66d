"""Of two processes that train the very same one waits, says so, and then finds it finished."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from augment.nets.lock import only_one
from tests.unit.toy_training import FACES, train

HOLDER = """
import sys
from pathlib import Path
from augment.nets.lock import only_one
with only_one(Path(sys.argv[1]), "first"):
    print("held", flush=True)
    sys.stdin.read()
"""


def is_held(folder: Path) -> bool:
    with (folder / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_the_second_process_waits_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "work"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    said: list[str] = []

    def write(text: str, file: object) -> None:
        said.append(text)
        holder.communicate("")  # only now the first one comes to its end

    monkeypatch.setattr("augment.nets.lock.tqdm.write", write)
    with only_one(folder, "mask"):
        assert holder.returncode == 0
    assert said == [f"mask: another process is training the very same in {folder}; waiting for it."]


def test_a_free_folder_is_taken_at_once_and_let_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        with only_one(tmp_path / "work", "mask"):
            assert is_held(tmp_path / "work")
        assert not is_held(tmp_path / "work")
    assert capsys.readouterr().err == ""


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert is_held(tmp_path)
    holder.kill()
    holder.communicate()
    assert not is_held(tmp_path)


def test_a_training_holds_its_own_folder_while_it_runs(tmp_path: Path) -> None:
    held: list[bool] = []

    def before_step(step: int) -> None:
        (folder,) = tmp_path.iterdir()
        held.append(is_held(folder))

    train(tmp_path, before_step)
    assert len(held) >= FACES / 8
    assert all(held)
    (folder,) = tmp_path.iterdir()
    assert not is_held(folder)
