"""Every params file under examples/ is valid and differs from the default in a few lines only."""

from pathlib import Path

import pytest
import yaml

from augment import plugins
from augment.road import read_road

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))
MOST_CHANGED_LINES = 15


def test_there_is_one_for_each_data_set_that_the_readme_names() -> None:
    listed = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert EXAMPLES
    assert all(
        f"`{path.name}`" in listed or f"`{path.parent.name}/`" in listed for path in EXAMPLES
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name + path.stem)
def test_differs_from_the_default_in_few_lines(path: Path) -> None:
    default = (ROOT / "params.yaml").read_text(encoding="utf-8").splitlines()
    changed = [
        line for line in path.read_text(encoding="utf-8").splitlines() if line not in default
    ]
    assert 0 < len(changed) <= MOST_CHANGED_LINES, "\n".join(changed)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name + path.stem)
def test_names_only_what_the_code_knows(path: Path) -> None:
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(read_road(params, ROOT / "dvc.yaml"))
    for key, source in params["ingest"]["sources"].items():
        plugins.configure("sources", source, f"ingest.sources.{key}")
    plugins.configure("align", params["align"]["detector"], "align.detector")
    default = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    assert set(params) == set(default)
