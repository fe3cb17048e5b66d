"""A copy of the project's dvc.yaml and params.yaml, with links to its code, to break at will."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


class Project:
    """A folder that looks like the project to everything that reads it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("dvc.yaml", "params.yaml", "forgotten.json", "predicted.csv"):
            (folder / name).write_text((ROOT / name).read_text())
        (folder / "augment").symlink_to(ROOT / "augment")

    def edit(self, path: str, value: Any) -> None:
        """Set ``"align.size"`` in params.yaml; None removes it."""
        file = self.folder / "params.yaml"
        params = yaml.safe_load(file.read_text())
        *parents, last = path.split(".")
        place = params
        for name in parents:
            place = place[name]
        if value is None:
            del place[last]
        else:
            place[last] = value
        if parents[:1] != ["train"]:
            params["train"] = {**params.get("judges", {}), **params.get("generators", {})}
        file.write_text(yaml.safe_dump(params, sort_keys=False))

    def replace(self, name: str, old: str, new: str) -> None:
        """Edit a file's text."""
        text = (self.folder / name).read_text()
        assert old in text
        (self.folder / name).write_text(text.replace(old, new))
