"""From predictions to figures and the page."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from fairness_page import write_page
from fairness_replaced import replaced
from fairness_rows import rows_of, views
from fairness_saved import Sitting, read

from augment.metrics.tasks import Task

TASKS = {
    "gender": Task(label="gender", groups=["ethnicity", "gender"]),
    "age_group": Task(label="age_group", groups=["age_group"]),
}
COUNT = 400
ADJUSTED = "logit-adjusted"
VARIANTS = (
    "original", ADJUSTED, "balanced", f"balanced, {ADJUSTED}", "whole", f"whole, {ADJUSTED}",
)  # fmt: skip


def answers(truth: list[str], right: dict[str, float], seed: int) -> np.ndarray:
    """Of each class, this share is told (in two trainings)."""
    random, words = np.random.default_rng(seed), sorted(set(truth))
    drawn = random.random((2, len(truth)))
    wrong = {word: words[words.index(word) - 1] for word in words}
    return np.array(
        [[w if d < right[w] else wrong[w] for w, d in zip(truth, one, strict=True)]
         for one in drawn]
    )  # fmt: skip


def sitting(regained: float = 0.5, synthetic: int = 40) -> Sitting:
    """Old people are told less often without their photos; filling regains a share of that."""
    random = np.random.default_rng(3)
    test = pa.table(
        {
            "person": pa.nulls(COUNT, pa.string()),
            "gender": random.choice(["female", "male"], COUNT),
            "ethnicity": random.choice(["black", "white"], COUNT),
            "age_group": random.choice(["young", "old"], COUNT),
        }
    )
    told = {"original": 0.2, "balanced": 0.2 + 0.6 * regained, "whole": 0.8}
    predicted, made = {}, {}
    for number, name in enumerate(VARIANTS):
        old = told[name.removesuffix(f", {ADJUSTED}") if name != ADJUSTED else "original"]
        ages = answers(test["age_group"].to_pylist(), {"old": old, "young": 0.9}, number)
        genders = answers(test["gender"].to_pylist(), {"female": 0.8, "male": 0.9}, number)
        predicted[name] = {"gender": genders, "age_group": ages}
        real = 100 if name.startswith("whole") else 20
        of_made = synthetic if name.startswith("balanced") else 0
        made[name] = {
            "commit": "c", "command": f"command of {name}",
            "learned": {
                "real": {"age_group": {"old": real, "young": 300},
                         "gender": {"female": real, "male": 300}},
                "synthetic": {"age_group": {"old": of_made}, "gender": {"female": of_made}},
            },
        }  # fmt: skip
    return Sitting("faces", test, TASKS, predicted, "balanced", ["original", ADJUSTED], made)


def test_rows_name_data_variant_and_task() -> None:
    rows = list(rows_of(sitting()))
    by = {(row["name"], row["arch"], row["group"]): row for row in rows}
    assert len(by) == len(rows)
    assert {row["data"] for row in rows} == {"faces"}
    assert by["overall", "whole", "gender"]["n"] == COUNT
    assert by["overall", "whole", "gender"]["command"] == "command of whole"
    assert by["accuracy", "whole", "age_group, old"]["value"] == pytest.approx(0.8, abs=0.08)
    difference = by["overall_difference", "whole", "age_group, against original"]
    of_both = [by["overall", name, "age_group"]["value"] for name in ("whole", "original")]
    assert difference["value"] == pytest.approx(of_both[0] - of_both[1], abs=1e-3)
    assert difference["interval"][0] > 0
    assert by["synthetic_faces", "balanced", "age_group"]["value"] == 40
    assert ("overall_difference", "original", "age_group, against original") not in by


def test_the_best_baseline_is_the_one_that_is_best_at_the_measure() -> None:
    one = sitting()
    worse = one.predicted["original"]["age_group"]
    one.predicted["original"]["age_group"] = np.full_like(worse, "young")
    rows = [row for row in rows_of(one) if row["group"] == "age_group"]
    best = [row for row in rows if row["name"] == "difference_to_best_baseline"]
    assert {row["arch"] for row in best} == set(VARIANTS) - {"original", ADJUSTED}
    assert {row["baseline"] for row in best} == {ADJUSTED}


def test_groups_without_the_label_are_told_of_too() -> None:
    found = views(TASKS)
    assert list(found) == ["gender", "age_group", "gender by ethnicity"]
    assert found["gender by ethnicity"].groups == ["ethnicity"]


@pytest.mark.parametrize("regained", [0.0, 0.5, 1.0])
def test_what_filling_regains(regained: float) -> None:
    found = {
        (one.name, one.arch): one
        for one in replaced(sitting(regained), "age_group", TASKS["age_group"], 5)
    }
    assert {name for name, _ in found} == {
        "thinned_recall", "recall_regained", "real_faces_replaced",
    }  # fmt: skip
    for filled in ("balanced", f"balanced, {ADJUSTED}"):
        share, faces = found["recall_regained", filled], found["real_faces_replaced", filled]
        assert share.value == pytest.approx(regained, abs=0.12)
        assert share.interval is not None
        assert share.interval[0] < share.value < share.interval[1]
        assert faces.value == pytest.approx(share.value * 80 / 40, abs=1e-3)


def test_where_thinning_cost_nothing_clear_nothing_is_regained() -> None:
    one = sitting()
    for name in ("whole", f"whole, {ADJUSTED}"):
        one.predicted[name]["age_group"] = one.predicted["original"]["age_group"]
    assert {f.name for f in replaced(one, "age_group", TASKS["age_group"], 5)} == {"thinned_recall"}


def test_where_all_classes_have_fewer_it_was_not_this_label() -> None:
    one = sitting()
    for name in ("original", ADJUSTED):
        one.made[name]["learned"]["real"]["gender"] = {"female": 20, "male": 200}
    assert list(replaced(one, "gender", TASKS["gender"], 5)) == []


def test_the_page_lays_variants_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "fairness.json"
    path.write_text(json.dumps({"rows": list(rows_of(sitting()))}))
    write_page(path)
    page = path.with_suffix(".md").read_text()
    assert "## faces, gender by ethnicity" in page
    assert f"{COUNT} held-out faces, 2 trainings a variant." in page
    assert "| faces, age_group | balanced | **+0." in page
    assert "| variant | old (n=" in page
    assert "recall_regained" in page
    assert "<summary>Differences to <i>original</i>" in page
    assert "    command of whole\n" in page


def test_committed_figures_are_those_of_the_kept_predictions() -> None:
    kept = Path("reports/fairface")
    one = read(kept / "predictions/fairface_tested_on_masked_wild.parquet")
    every = json.loads((kept / "fairness.json").read_text())["rows"]
    committed = [row for row in every if row["data"] == one.name]
    # As JSON gives it back: intervals are lists there.
    assert json.loads(json.dumps(list(rows_of(one)))) == committed


def test_the_readme_says_what_the_figures_say() -> None:
    variants = {
        "the photos as they come": "original",
        "the balanced set": "balanced",
        "the photos, with a loss that makes up for rare labels": ADJUSTED,
        "the balanced set, with that loss": f"balanced, {ADJUSTED}",
    }
    rows = json.loads(Path("reports/fairface/fairness.json").read_text())["rows"]
    found = {
        (row["arch"], row["name"]): row["value"]
        for row in rows
        if (row["data"], row["group"]) == ("fairface", "age_group")
    }
    table = [line.strip("| ").split(" | ") for line in Path("README.md").read_text().splitlines()]
    told = {line[0]: line[1:] for line in table if line[0] in variants}
    assert told == {
        words: [
            f"{100 * found[arch, name]:.1f} %"
            for name in ("overall", "balanced_accuracy", "worst_group")
        ]
        for words, arch in variants.items()
    }
