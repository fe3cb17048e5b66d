"""Everywhere in a project where something of a photo may lie."""

import configparser
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augment.intake.predictions import FILE as PREDICTIONS
from augment.rowcache import is_alive
from augment.withdrawing.tables import is_parquet

DVC_CACHE = "DVC's cache"
#: Folders of a project whose files are looked through, besides DVC's cache.
_FOLDERS = ("data", "reports", "models", ".augment", ".dvc")


@dataclass(frozen=True)
class Places:
    """The files of one project.

    Attributes:
        project: its folder.
        photos: the folder of the data sets as shipped, which is never touched.
        cache: DVC's cache; None where there is no DVC.
        outs: what the stages of dvc.yaml write, relative to the project.
    """

    project: Path
    photos: Path
    cache: Path | None
    outs: tuple[str, ...]

    @classmethod
    def of(cls, project: Path, params: Mapping[str, Any], outs: tuple[str, ...]) -> "Places":
        photos = project / str((params.get("ingest") or {}).get("data", ""))
        return cls(project, photos.resolve(), _cache(project), outs)

    def files(self) -> Iterator[tuple[str, Path]]:
        """(name of the place, file) of all files; those of DVC's cache come first."""
        if self.cache is not None:
            yield from ((DVC_CACHE, path) for path in self.cached())
        for name in ("dvc.lock", PREDICTIONS):
            path = self.project / name
            if path.is_file():
                yield name, path
        for folder in _FOLDERS:
            for path in self._below(self.project / folder):
                yield self._name(path), path

    def cached(self) -> list[Path]:
        """All objects of DVC's cache."""
        if self.cache is None or not self.cache.is_dir():
            return []
        return sorted(path for path in self.cache.rglob("*") if path.is_file())

    def tables(self) -> list[Path]:
        """Parquet files below ``data``; those that say most of photos come first."""
        found = [path for path in self._below(self.project / "data") if is_parquet(path)]
        first = [self.project / "data" / name for name in ("aligned", "index")]
        return sorted(found, key=lambda path: (path.parent not in first, path))

    def texts(self) -> list[Path]:
        """All other files below ``data``, ``reports`` and ``models``."""
        places = ("data", "reports", "models")
        files = (path for name in places for path in self._below(self.project / name))
        return [path for path in files if not is_parquet(path)]

    def is_made(self, path: Path) -> bool:
        """Whether a stage writes this file, so that `dvc repro` brings it back."""
        return any(path.is_relative_to(self.project / out) for out in self.outs)

    def running(self) -> list[int]:
        """Processes in which DVC runs a stage here now: it notes who reads and writes what."""
        try:
            text = (self.project / ".dvc" / "tmp" / "rwlock").read_text(encoding="utf-8")
            found = {int(number) for number in re.findall(r'"pid": *(\d+)', text)}
        except FileNotFoundError:
            return []
        return sorted(number for number in found if is_alive(number))

    def remotes(self) -> list[str]:
        """Names of the remotes that DVC pushes to."""
        found = []
        for name in ("config", "config.local"):
            parser = configparser.ConfigParser(interpolation=None, strict=False)
            path = self.project / ".dvc" / name
            if path.is_file():
                parser.read_string(path.read_text(encoding="utf-8"))
            # ['remote "storage"'], with or without the outer quotes
            words = (section.strip("'").split('"') for section in parser.sections())
            found += [word[1] for word in words if word[0].strip() == "remote" and len(word) > 1]
        return sorted(set(found))

    def _below(self, folder: Path) -> Iterator[Path]:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            cached = self.cache is not None and path.is_relative_to(self.cache)
            if path.is_file() and not cached and not self._is_photo(path, folder):
                yield path

    def _is_photo(self, path: Path, folder: Path) -> bool:
        """A data set may lie in ``data`` itself, beside what the stages write there."""
        inside = folder.name == "data" and path.resolve().is_relative_to(self.photos)
        return inside and not self.is_made(path)

    def _name(self, path: Path) -> str:
        parts = path.relative_to(self.project).parts
        if parts[0] in ("reports", "models"):
            return "/".join(parts)
        return "/".join(parts[:2]) if len(parts) > 2 else "/".join(parts)


def _cache(project: Path) -> Path | None:
    if not (project / ".dvc").is_dir():
        return None
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "cache", "dir"], cwd=project, capture_output=True, text=True
    )
    told = done.stdout.strip().splitlines()
    if done.returncode == 0 and told:
        return Path(told[-1])
    return (project / ".dvc" / "cache").resolve()
