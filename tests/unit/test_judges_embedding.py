"""The judge with somebody else's face embedder: which file, what it is shown, what it says."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from augment.crop import reference_points
from augment.errors import UserError
from augment.images import decode
from augment.judges.embedding import Config, Judge
from tests.unit.gate_rows import SIZE, face, write_faces
from tests.unit.tiny_embedder import write_embedder


def person(number: int, split: str = "train") -> dict[str, Any]:
    labels = {"gender": ("female", "male")[number % 2], "mask": ("no", "yes")[number // 2 % 2]}
    row = face(f"{split}/{number:03d}", split, "b" if split == "train" else "", **labels)
    return row | {"points": reference_points(SIZE, 0.1).ravel().tolist()}


class Project:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings = write_embedder(root / "weights" / "face.onnx") | {"shown": None}
        rows = [person(n) for n in range(40)] + [person(n, "validation") for n in range(20)]
        write_faces(root, rows)
        self.model = root / "models" / "foreign"

    def judge(self, **changed: Any) -> Judge:
        return Judge(Config(**{**self.settings, **changed}))

    def trained(self, **changed: Any) -> Judge:
        judge = self.judge(**changed)
        judge.train(self.root / "aligned", self.model, 7, self.root / "work")
        return self.loaded(**changed)

    def loaded(self, **changed: Any) -> Judge:
        judge = self.judge(**changed)
        judge.load(self.model)
        return judge


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_describes_who_it_is(project: Project) -> None:
    judge = project.trained()
    images = [decode(person(n)["image"]["bytes"]) for n in range(6)]
    found = judge.predict(images)
    assert dict(judge.features()) == {"identity": 48}
    np.testing.assert_allclose(np.linalg.norm(found["identity"], axis=1), 1, atol=1e-5)
    assert found["mask"].argmax(axis=1).tolist() == [0, 0, 1, 1, 0, 0]
    verified = [row for row in judge.accuracy() if row["label"].startswith("identity")]
    assert verified
    assert {row["label"] for row in judge.accuracy()} > set(judge.values())


def test_an_embedder_that_does_not_know_people(project: Project) -> None:
    judge = project.trained(knows_people=False)
    assert dict(judge.features()) == {"features": 48}
    assert {row["label"] for row in judge.accuracy()} == {"gender", "mask"}


def test_what_it_is_shown_is_found_from_the_points(project: Project) -> None:
    project.trained()
    content = json.loads((project.model / "config.json").read_text())["config"]
    assert content["shown"] == pytest.approx(1 / 1.2, abs=0.01)
    assert content["settings"]["model"] == str(project.root / "weights" / "face.onnx")
    assert content["settings"]["sha256"] == project.settings["sha256"]


def test_the_network_is_not_copied(project: Project) -> None:
    project.trained()
    names = {path.name for path in project.model.iterdir()}
    assert names == {"config.json", "weights.safetensors"}


def test_the_file_is_looked_at_when_the_judge_is_made(project: Project) -> None:
    other = "0" * 64
    with pytest.raises(UserError, match=f"has sha256 {project.settings['sha256']}, not {other}"):
        project.judge(sha256=other)
    with pytest.raises(UserError, match=r"judges .*no\.onnx is missing; put the ONNX file there"):
        project.judge(model=project.root / "no.onnx")


def test_the_file_is_looked_at_again_when_the_judge_is_loaded(project: Project) -> None:
    project.trained()
    judge = project.judge()
    project.settings["model"].write_bytes(b"another")
    with pytest.raises(UserError, match="has sha256"):
        judge.load(project.model)


def test_heads_of_another_network_are_refused(project: Project) -> None:
    project.trained()
    path = project.root / "weights" / "other.onnx"
    other = write_embedder(path, "nhwc")
    with pytest.raises(UserError, match=r"trained with another `sha256`.*train@foreign"):
        project.loaded(model=path, sha256=other["sha256"])
    with pytest.raises(UserError, match="trained with another `mean`"):
        project.loaded(mean=0.0)


def test_weights_change_with_heads_network_and_view(project: Project) -> None:
    found = {project.trained().weights()}
    found.add(project.trained(penalty=3.0).weights())
    found.add(project.trained(shown=0.9).weights())
    path = project.root / "weights" / "other.onnx"
    # The same numbers out of another file: the heads are equal, the digest is not.
    path.write_bytes(project.settings["model"].read_bytes() + b"\x7a\x00")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    found.add(project.trained(model=path, sha256=digest).weights())
    assert len(found) == 4


def test_a_moved_file_changes_nothing(project: Project) -> None:
    before = project.trained().weights()
    moved = project.settings["model"].rename(project.root / "moved.onnx")
    assert project.loaded(model=moved).weights() == before


@pytest.mark.parametrize("digest", ["", "abc", "G" * 64])
def test_a_digest_has_64_digits(digest: str) -> None:
    with pytest.raises(ValidationError):
        Config(model=Path("x.onnx"), sha256=digest)


def test_the_digest_must_be_given() -> None:
    with pytest.raises(ValidationError, match="sha256"):
        Config(model=Path("x.onnx"))  # type: ignore[call-arg]
