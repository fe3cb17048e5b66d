"""`augment edit`, `augment export` and `augment forget` as a person calls them."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest

from augment import cli
from augment.images import encode
from tests.unit.aligned_faces import write_faces
from tests.unit.gate_rows import face
from tests.unit.test_exporting import rows_of, write_balanced
from tests.unit.test_train import QUICK, train
from tests.unit.toy_project import Project
from tests.unit.withdrawing_rows import ADA, write_project


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["augment", *words])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


def test_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, "export", "--format", "csv", "--out", "here") == 2
    assert "holds no finished data set" in capsys.readouterr().err
    people = rows_of([face("s/a"), face("s/b", "test")], [])
    write_balanced(tmp_path / "data/balanced", people)
    assert call(monkeypatch, "export", "--format", "csv", "--out", "here", "--split", "test") == 0
    assert capsys.readouterr().out == "here: 1 test faces\n"
    assert (tmp_path / "here/manifest.csv").is_file()
    assert call(monkeypatch, "export", "--format", "zip", "--out", "there") == 2


def test_forget_needs_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Project(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, "forget") == 2
    assert "name who withdraws" in capsys.readouterr().err
    assert call(monkeypatch, "forget", "--person", "lfw/Ada") == 2
    assert "no table of photos is here" in capsys.readouterr().err


def test_forget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_project(tmp_path)
    words = ("forget", "--id", ADA[0], "--id", ADA[1])
    assert call(monkeypatch, *words, "--dry-run") == 0
    assert "2 photos" in capsys.readouterr().out
    monkeypatch.setattr("typer.confirm", lambda question: False)
    assert call(monkeypatch, *words) == 0
    assert "Nothing was changed." in capsys.readouterr().out
    assert call(monkeypatch, *words, "--yes") == 0
    assert "0 hits" in capsys.readouterr().out
    (tmp_path / "reports/mine.txt").write_text(ADA[2])
    assert call(monkeypatch, "forget", "--id", ADA[2], "-y") == 1


def test_where_nobody_answers_nothing_is_taken_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_project(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert call(monkeypatch, "forget", "--id", ADA[0]) == 0
    assert capsys.readouterr().out.endswith("\nNothing was changed.\n")


def test_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(encode(np.full((64, 64, 3), 90, np.uint8)))
    assert call(monkeypatch, "edit", "photo.jpg", "out") == 2
    assert "say --age YEARS, --mask KIND" in capsys.readouterr().err
    ours = ("--mask", "cloth", "--models", "models")
    assert call(monkeypatch, "edit", "photo.jpg", "out", *ours) == 2
    assert "train@mask" in capsys.readouterr().err
    write_faces(tmp_path / "aligned", 12)
    train(tmp_path, "mask", QUICK, outputs="models")
    assert call(monkeypatch, "edit", "photo.jpg", "out", *ours) == 1
    assert capsys.readouterr().out == (
        "photo.jpg: no face was found\nout: 0 of 0 faces in 1 photos edited; 0 photos written\n"
    )
    assert (tmp_path / "out/edits.jsonl").is_file()
