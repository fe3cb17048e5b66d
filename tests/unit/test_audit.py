import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from augment.auditing.scan import Words, scan
from augment.errors import UserError
from augment.stages import audit
from augment.types import BinSpace
from tests.unit.aligned_rows import audit_job, row, rows, write_aligned

AXES = ["age_group", "gender"]


def run(folder: Path, content: list[dict[str, Any]], axes: Any = AXES, **options: Any) -> Any:
    write_aligned(folder / "aligned", content, **options)
    audit.run(audit_job(folder, axes))
    return json.loads((folder / "audit.json").read_text())


def small_set() -> list[dict[str, Any]]:
    return [
        *rows(6, "a"),
        *rows(3, "b", gender="male"),
        *rows(2, "c", age_group="70+", split="test"),
        *rows(2, "d", age_group="unknown"),
        *rows(2, "e", gender="male", status="align_failed", reason="no face found"),
        row("f", status="set_aside", reason="truncated JPEG"),
    ]


def test_small_faces_are_counted_apart(tmp_path: Path) -> None:
    tiny = rows(4, "s", status="small", reason="fewer than 48 pixels across (align.smallest)")
    report = run(tmp_path, [*small_set(), *tiny])
    numbers = report["audit"]
    assert (numbers["small"], numbers["set_aside"], numbers["failed"]) == (4, 1, 2)
    assert numbers["train_faces"] == 9  # they are in no bin until they are restored
    women = found(report["align_failures"], axis="gender", value="female")
    assert (women["n"], women["failed"]) == (14, 0)  # a face was found in them


def found(table: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    """The one row of a table that has these values."""
    (match,) = [r for r in table if all(r[name] == value for name, value in wanted.items())]
    return match


def test_every_row_is_counted_once(tmp_path: Path) -> None:
    numbers = run(tmp_path, small_set())["audit"]
    assert (numbers["faces"], numbers["aligned"]) == (16, 13)
    assert (numbers["failed"], numbers["set_aside"]) == (2, 1)
    assert numbers["in_no_bin"] == 2
    assert numbers["train_faces"] == 9


def test_census_by_split_agrees_with_bin_space(tmp_path: Path) -> None:
    report = run(tmp_path, small_set())
    space = BinSpace.from_json(report["bin_space"])
    assert [entry["bin"] for entry in report["census"]] == list(space.names)
    counts = {entry["bin"]: (entry["train"], entry["test"]) for entry in report["census"]}
    assert counts.pop("20-29 · female") == (6, 0)
    assert counts.pop("20-29 · male") == (3, 0)
    assert counts.pop("70+ · female") == (0, 2)
    assert set(counts.values()) == {(0, 0)}
    assert report["audit"]["bins"] == 18
    assert report["audit"]["empty_bins"] == len(report["empty_bins"]) == 16


def test_balance_is_that_of_the_train_split(tmp_path: Path) -> None:
    content = [*rows(4, "a"), *rows(4, "b", gender="male"), *rows(50, "c", split="test")]
    report = run(tmp_path, content, ["gender"])
    assert report["audit"]["evenness_before"] == 1.0
    assert report["audit"]["imbalance_ratio_before"] == 1.0
    assert found(report["evenness"], over="gender")["empty"] == 0


def test_evenness_of_all_axes_and_of_each(tmp_path: Path) -> None:
    report = run(tmp_path, small_set())
    assert [entry["over"] for entry in report["evenness"]] == ["age_group x gender", *AXES]
    assert found(report["evenness"], over="age_group")["evenness"] == 0.0
    assert found(report["evenness"], over="gender")["imbalance_ratio"] == 2.0
    assert found(report["evenness"], over="age_group")["imbalance_ratio"] is None


def test_smallest_bins_are_not_the_empty_ones(tmp_path: Path) -> None:
    smallest = run(tmp_path, small_set())["smallest_bins"]
    assert smallest[0] == {"bin": "20-29 · male", "train": 3}
    assert len(smallest) == 2


def test_unknown_labels_are_counted(tmp_path: Path) -> None:
    labels = run(tmp_path, small_set())["labels"]
    assert found(labels, label="age_group", value="unknown")["train"] == 2


def test_align_failure_rate_by_group_has_n_and_interval(tmp_path: Path) -> None:
    failures = run(tmp_path, small_set())["align_failures"]
    male = found(failures, axis="gender", value="male")
    assert (male["n"], male["failed"], male["rate"]) == (5, 2, 0.4)
    # Wilson 95 % of 2 of 5, from the formula by hand.
    assert male["interval"] == [pytest.approx(0.1176, abs=2e-4), pytest.approx(0.7693, abs=2e-4)]
    assert found(failures, axis="gender", value="female")["failed"] == 0
    assert all(entry["n"] > 0 for entry in failures)


def test_reasons_of_rows_that_cannot_be_used(tmp_path: Path) -> None:
    assert run(tmp_path, small_set())["not_usable"] == [
        {"status": "align_failed", "reason": "no face found", "rows": 2},
        {"status": "set_aside", "reason": "truncated JPEG", "rows": 1},
    ]


def test_padded_share_and_skin_tone_by_group(tmp_path: Path) -> None:
    content = [
        row("a", padded_share=0.1, ita=50.0), row("b", padded_share=0.3, ita=40.0),
        row("c", gender="male", padded_share=None, ita=None),
    ]  # fmt: skip
    report = run(tmp_path, content)
    crop = found(report["crops"], axis="gender", value="female")
    assert (crop["n"], crop["mean_padded_share"]) == (2, 0.2)
    skin = found(report["skin_tone"], axis="gender", value="female")
    assert (skin["n"], skin["ita_median"]) == (2, 45.0)
    assert not [entry for entry in report["crops"] if entry["value"] == "male"]
    assert "uncalibrated light" in report["skin_tone_notes"][0]


def test_persons_a_bin(tmp_path: Path) -> None:
    content = [row("a", person="p"), row("b", person="p"), row("c", person="q"), row("d")]
    report = run(tmp_path, content, ["gender"])
    assert found(report["census"], bin="female")["train_persons"] == 2
    assert report["audit"]["persons"] == 2


def test_persons_are_null_where_no_data_set_knows_them(tmp_path: Path) -> None:
    assert run(tmp_path, [row("a")], ["gender"])["census"][0]["train_persons"] is None


def test_repeated_pictures_and_their_labels(tmp_path: Path) -> None:
    twin = row("b")
    near = (int.from_bytes(row("c")["photo_hash"], "little") ^ 0b11).to_bytes(32, "little")
    content = [
        row("b"), {**twin, "id": "b2", "gender": "male"},
        row("c"), row("c2", photo_hash=near, split="test"),
        row("d"), row("e", photo_hash=None, sha256="", status="set_aside", reason="unreadable"),
        row("f", photo_hash=None, sha256="", status="set_aside", reason="unreadable"),
    ]  # fmt: skip
    report = run(tmp_path, content)
    exact = found(report["duplicates"], kind="exact")
    assert (exact["groups"], exact["pictures"], exact["groups_across_splits"]) == (1, 2, 0)
    both = found(report["duplicates"], kind="near or exact")
    assert (both["groups"], both["pictures"], both["groups_across_splits"]) == (2, 4, 1)
    assert sorted(both["examples_across_splits"][0]) == ["c", "c2"]
    numbers = report["audit"]
    assert (numbers["exact_duplicates"], numbers["near_duplicates"]) == (2, 2)
    assert numbers["label_conflicts"] == 1
    gender = found(report["label_conflicts"], label="gender")
    assert (gender["exact_groups"], gender["near_or_exact_groups"]) == (1, 1)
    assert sorted(gender["examples"][0]) == ["b", "b2"]
    assert found(report["label_conflicts"], label="age_group")["examples"] == []


def test_measured_labels_cannot_conflict(tmp_path: Path) -> None:
    content = [row("a"), {**row("a"), "id": "a2", "skin_tone": "4"}]
    origin = {"age_group": "given", "gender": "given", "skin_tone": "measured"}
    report = run(tmp_path, [{**entry, "label_origin": origin} for entry in content])
    assert report["audit"]["label_conflicts"] == 0
    assert found(report["label_origins"], label="skin_tone")["measured"] == 2
    assert found(report["label_origins"], label="ethnicity")["unknown"] == 2


def test_plot_files_hold_the_counts(tmp_path: Path) -> None:
    run(tmp_path, small_set())
    with (tmp_path / "plots/axes/gender.csv").open() as file:
        bars = {(bar["value"], bar["split"]): int(bar["count"]) for bar in csv.DictReader(file)}
    assert bars["male", "train"] == 3
    assert bars["female", "test"] == 2
    assert sum(bars.values()) == 13
    with (tmp_path / "plots/bins.csv").open() as file:
        assert sum(int(bar["count"]) for bar in csv.DictReader(file)) == 11
    with (tmp_path / "plots/failures.csv").open() as file:
        assert {bar["group"] for bar in csv.DictReader(file)} >= {"gender: male", "age_group: 70+"}


def test_plots_of_dvc_yaml_find_their_files_columns_and_templates(tmp_path: Path) -> None:
    run(tmp_path, small_set())
    root = Path(__file__).parents[2]
    entries = yaml.safe_load((root / "dvc.yaml").read_text())["plots"]
    plots = {path: plot for entry in entries for path, plot in entry.items() if "/audit/" in path}
    assert len(plots) == 3
    for path, plot in plots.items():
        place = tmp_path / path.removeprefix("reports/").replace("plots/audit", "plots")
        for file in sorted(place.iterdir()) if place.is_dir() else [place]:
            columns = file.read_text().splitlines()[0].split(",")
            assert {plot["x"], plot["y"]} <= set(columns)
            template = json.loads((root / f".dvc/plots/{plot['template']}.json").read_text())
            assert template["data"] == {"values": "<DVC_METRIC_DATA>"}


def test_same_rows_in_other_shards_give_the_same_bytes(tmp_path: Path) -> None:
    for name, shards in (("one", 1), ("many", 8)):
        (tmp_path / name).mkdir()
        run(tmp_path / name, small_set(), shards=shards)
    first = (tmp_path / "one/audit.json").read_bytes()
    assert first == (tmp_path / "many/audit.json").read_bytes()


def test_one_bin(tmp_path: Path) -> None:
    everyone = [row(f"a{n}", age_group="0+") for n in range(3)]
    report = run(tmp_path, everyone, ["age_group"], age_groups=["0+"])
    assert report["audit"]["bins"] == 1
    assert report["audit"]["evenness_before"] == 1.0


@pytest.mark.parametrize(
    ("content", "axes", "message"),
    [
        ([], AXES, "holds no row"),
        ([row("a", status="align_failed", reason="no face found")], AXES, "none of the 1 faces"),
        ([row("a", split="test")], AXES, "train split"),
        ([row("a", age_group="unknown")], AXES, "train split"),
        ([row("a")], ["hat"], "age_group, gender, ethnicity, skin_tone"),
        ([row("a")], ["gendre"], "did you mean 'gender'"),
        ([row("a")], ["gender", "gender"], "more than once"),
        ([row("a", ethnicity="unknown")], ["ethnicity"], "leave this axis out"),
        ([row("a")], [{"name": "gender", "values": ["woman"]}], "'woman' is not there"),
        ([row("a")], [{"name": "gender", "merge": {"x": ["woman"]}}], "no word of this label"),
        ([row("a")], [{"name": "gender", "merge": {"x": ["male"], "y": ["male"]}}], "two values"),
        ([row("a")], [{"name": "gender", "colour": 1}], "unknown key"),
        ([row("a")], [], "must name at least 1"),
    ],
)
def test_what_cannot_be_audited_says_so(
    tmp_path: Path, content: list[dict[str, Any]], axes: Any, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        run(tmp_path, content, axes)
    assert not (tmp_path / "audit.json").exists()


def axis(tmp_path: Path, entry: Any, content: list[dict[str, Any]]) -> list[str]:
    space = BinSpace.from_json(run(tmp_path, content, [entry])["bin_space"])
    return list(space.axes[0].values)


def test_all_age_groups_are_bins_but_only_ethnicities_that_occur(tmp_path: Path) -> None:
    content = [row("a"), row("b", ethnicity="latino")]
    assert len(axis(tmp_path / "age", "age_group", content)) == 9
    assert axis(tmp_path / "ethnicity", "ethnicity", content) == ["white", "latino"]


def test_merged_values_stand_where_their_first_word_stood(tmp_path: Path) -> None:
    entry = {
        "name": "age_group",
        "merge": {"0-19": ["0-2", "3-9", "10-19"], "60+": ["70+", "60-69"]},
    }
    values = axis(tmp_path, entry, [row("a")])
    assert values == ["0-19", "20-29", "30-39", "40-49", "50-59", "60+"]


def test_named_values_leave_the_others_out(tmp_path: Path) -> None:
    entry = {"name": "age_group", "values": ["70+", "20-29"], "sensitive": False}
    report = run(tmp_path, [row("a"), row("b", age_group="0-2")], [entry])
    assert report["bin_space"] == [
        {"name": "age_group", "values": ["70+", "20-29"], "merge": {}, "sensitive": False}
    ]
    assert report["audit"]["in_no_bin"] == 1
    assert found(report["align_failures"], value="unknown or left out")["n"] == 1


def test_an_attribute_is_an_axis_like_any_other(tmp_path: Path) -> None:
    content = [row("a", smiling="yes"), row("b", smiling="no"), row("c", smiling=None)]
    report = run(tmp_path, content, ["smiling"], attributes=("smiling",))
    assert [entry["train"] for entry in report["census"]] == [1, 1]
    assert report["audit"]["in_no_bin"] == 1


def test_an_attribute_that_is_not_of_yes_and_no(tmp_path: Path) -> None:
    content = [row("a", hair="grey"), row("b", hair="black"), row("c", hair="unknown")]
    report = run(tmp_path, content, ["hair"], attributes=("hair",))
    assert report["bin_space"][0]["values"] == ["black", "grey"]


def test_words_of_several_shards_share_their_codes(tmp_path: Path) -> None:
    content = [row(f"r{n}", gender=["female", "male", "unknown"][n % 3]) for n in range(30)]
    write_aligned(tmp_path, content, shards=7)
    faces = scan(tmp_path)
    words = faces.labels["gender"]
    by_id = {entry["id"]: entry["gender"] for entry in content}
    read = [words.words[code] for code in words.codes]
    assert read == [by_id[name] for name in faces.ids.to_pylist()]
    assert words.is_("male").sum() == 10
    assert not words.is_("neither").any()
    assert len(Words().codes) == 0


def test_the_audit_runs_without_torch() -> None:
    code = "import sys, augment.stages.audit; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
