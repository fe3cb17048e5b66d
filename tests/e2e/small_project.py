"""A copy of the whole project with a small drawn data set, to run, kill and grow at will."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
_KEPT = ("dvc.yaml", "forgotten.json", "predicted.csv", ".dvcignore", "pyproject.toml")


class SmallProject:
    """A folder in which `dvc repro` takes a minute or two."""

    def __init__(self, folder: Path, faces: int = 360) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for name in _KEPT:
            shutil.copy(ROOT / name, folder)
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "augment", folder / "augment", ignore=leave)
        # Checkpoints often enough for a training of seconds to be killed between two.
        self.edit(
            "augment/nets/loop.py",
            "checkpoint_seconds: float = 10.0",
            "checkpoint_seconds: float = 0.3",
        )
        params = yaml.safe_load((ROOT / "params.yaml").read_text())
        params["ingest"]["sources"]["drawn"] |= {"faces": faces, "size": 96}
        params["ingest"]["shards"] = 4
        params["generators"]["mask"] = {"kind": "mask", "train": {"images": 1600}}
        # As many as the few people can be changed into would take minutes to make and to judge.
        params["plan"]["target"] = {"kind": "floor", "n": 40}
        for entry in params["judges"].values():
            if "train" in entry:
                entry["train"] = {"images": 1600 if entry["kind"] == "attributes" else 640}
        params["pilot"]["per_bin"] = 8
        params["evaluate"]["train"] = {"images": 320}
        self.write(params)
        self.call("dvc", "init", "--no-scm", "-q", "-f")
        shutil.copytree(ROOT / ".dvc/plots", folder / ".dvc/plots", dirs_exist_ok=True)

    def params(self) -> dict[str, Any]:
        content: dict[str, Any] = yaml.safe_load((self.folder / "params.yaml").read_text())
        return content

    def write(self, params: dict[str, Any]) -> None:
        params["train"] = {**params["judges"], **params["generators"]}
        (self.folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text()
        assert old in text, f"{path} has no longer: {old}"
        (self.folder / path).write_text(text.replace(old, new))

    def remove(self, *patterns: str) -> None:
        """Delete what these patterns find; each must find something."""
        for pattern in patterns:
            found = list(self.folder.glob(pattern))
            assert found, pattern
            for path in found:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def environment(self) -> dict[str, str]:
        here = str(Path(sys.executable).parent)
        return os.environ | {"PATH": here + os.pathsep + os.environ["PATH"], "COLUMNS": "200"}

    def call(self, *words: str, **environment: str) -> str:
        """Run a module's command, which must succeed; returns what it printed on stdout."""
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env=self.environment() | environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{words}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def kill_when(self, pattern: str, *words: str) -> None:
        """Start a command and ``kill -9`` it as soon as the pattern finds a file."""
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and not any(self.folder.glob(pattern)):
            time.sleep(0.005)
        assert process.poll() is None, f"{words} ended before it could be killed"
        process.kill()
        process.wait()

    def processes(self) -> list[int]:
        """Processes that work in this folder."""
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                if place.joinpath("cwd").resolve(strict=True) == self.folder:
                    found.append(int(place.name))
            except OSError:
                continue
        return found

    def digests(self, *paths: str) -> dict[str, str]:
        """sha256 of every file below these paths."""
        found = {}
        for path in paths:
            place = self.folder / path
            files = [place] if place.is_file() else sorted(place.rglob("*"))
            for file in files:
                if file.is_file():
                    name = file.relative_to(self.folder).as_posix()
                    found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
        return found

    def json(self, path: str) -> Any:
        return json.loads((self.folder / path).read_text())
