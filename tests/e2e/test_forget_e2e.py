"""A person withdraws from a finished project: nothing is left, and nothing comes back."""

import shutil
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from augment.shards import read_table
from tests.e2e.small_project import SmallProject
from tests.unit.withdrawing_rows import pictures_of, traces

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def drawn_from_most(project: SmallProject) -> str:
    """The person from whom most faces were made, of those whose photos are called like nobody.

    Drawn people and drawn photos are both numbered: such ids can be looked for in any file.
    """
    parents = [
        name
        for path in sorted(project.folder.glob("data/candidates/*"))
        for names in read_table(path, ["parents"])["parents"].to_pylist()
        for name in names
    ]
    rows = read_table(project.folder / "data/index", ["id", "person"]).to_pylist()
    people = {row["id"]: row["person"] for row in rows}
    last = max(people.values())
    counts = Counter(people[name] for name in parents if name > last and people[name] < last)
    person, children = counts.most_common(1)[0]
    assert children > 0
    return str(person)


def people_in(project: SmallProject) -> set[str]:
    """Everybody whom any table of the project names as a person."""
    found: set[str] = set()
    for path in project.folder.glob("data/**/*.parquet"):
        if "person" in pq.read_schema(path).names:
            found |= set(pq.read_table(path, columns=["person"])["person"].to_pylist())
    return found


def test_a_withdrawn_person_is_nowhere_and_stays_out(tmp_path: Path) -> None:
    project = SmallProject(tmp_path.resolve() / "project", faces=240)
    params = project.params()
    params["generators"]["mask"]["train"]["images"] = 160
    params["judges"]["attributes"]["train"]["images"] = 160
    params["evaluate"]["train"]["images"] = 64
    params["pilot"]["per_bin"] = 2
    project.write(params)
    project.call("dvc", "repro")
    person = drawn_from_most(project)
    index = read_table(project.folder / "data/index").to_pylist()
    theirs = [row["id"] for row in index if row["person"] == person]
    names = [name for name in theirs if name > max(row["person"] for row in index)]
    pictures = pictures_of(project.folder, theirs)
    assert names
    assert traces(project.folder, names, pictures)
    assert person in people_in(project)

    said = project.call("augment", "forget", "--person", person, "--yes")
    assert "Final scan" in said
    assert ": 0 hits" in said
    assert "Trained weights: models/" in said
    assert traces(project.folder, names, pictures) == []
    assert person not in people_in(project)

    # The drawn photos can still be read: only the tombstone keeps them out.
    project.call("dvc", "repro")
    assert traces(project.folder, names, pictures) == []
    assert person not in people_in(project)
    rows = read_table(project.folder / "data/index", ["id"]).num_rows
    assert rows == len(index) - len(theirs)
    assert ": 0 hits" in project.call("augment", "forget", "--person", person, "--yes")
    said = project.call("dvc", "repro")
    assert "Data and pipelines are up to date." in said
    assert (project.folder / "reports/report.html").is_file()
    shutil.rmtree(project.folder)  # pytest keeps temporary folders
