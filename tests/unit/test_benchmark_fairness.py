"""Which faces the variants of the fairness benchmark train on."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fairness_thin import left_out, write_thinned
from fairness_variants import (
    Road,
    check_parts,
    chosen,
    first_candidates,
    learned,
    variants,
    whole,
    with_dose,
)

from augment.errors import UserError
from augment.metrics.arms import ARMS, MAIN, MAIN_ADJUSTED
from augment.schema import IMAGE, candidate_schema, index_schema
from augment.shards import write_bucketed
from tests.unit.gate_rows import LABELS


def rows(sizes: dict[str, tuple[int, dict[str, int]]]) -> pa.Table:
    """bin -> (real faces, generator -> synthetic ones)."""
    content = []
    for name, (real, made) in sizes.items():
        content += [(f"{name}/r{n}", name, "") for n in range(real)]
        content += [(f"{name}/{k}{n}", name, k) for k, count in made.items() for n in range(count)]
    ids, bins, keys = (list(column) for column in zip(*content, strict=True))
    count = len(ids)
    return pa.table(
        {"id": ids, "person": [None] * count, "bin": bins, "synthetic": [k != "" for k in keys],
         "generator": keys, "sha256": ids, "gender": ["female"] * count},
        schema=pa.schema([("id", pa.string()), ("person", pa.string()), ("bin", pa.string()),
                          ("synthetic", pa.bool_()), ("generator", pa.string()),
                          ("sha256", pa.string()), ("gender", pa.string())]),
    )  # fmt: skip


@pytest.fixture
def road(tmp_path: Path) -> Road:
    found = rows({"a": (30, {"mask": 10, "age": 20}), "b": (40, {}), "c": (0, {"age": 5})})
    return Road(tmp_path, found, ("gender",))


def counts(table: pa.Table) -> dict[tuple[str, str], int]:
    found = table.group_by(["bin", "generator"]).aggregate([([], "count_all")]).to_pylist()
    return {(row["bin"], row["generator"]): row["count_all"] for row in found}


@pytest.mark.parametrize(("dose", "kept"), [(0.1, 3), (0.25, 10), (0.5, 30), (0.9, 30)])
def test_a_dose_is_a_share_of_the_bin(road: Road, dose: float, kept: int) -> None:
    found = counts(with_dose(road.train, dose))
    assert found["a", ""] == 30
    assert found["b", ""] == 40
    assert found.get(("a", "mask"), 0) + found.get(("a", "age"), 0) == kept
    assert found["c", "age"] == 5  # nothing real to be a share of


def test_a_larger_dose_holds_the_smaller_one(road: Road) -> None:
    small, large = (set(with_dose(road.train, d)["id"].to_pylist()) for d in (0.1, 0.25))
    assert small < large


def test_every_variant_says_what_it_trains_on(road: Road) -> None:
    found = {v.name: v for v in variants(road, ["arms", "dose", "adjusted", "generators"], None)}
    assert list(found)[: len(ARMS)] == list(ARMS)
    assert counts(found["only mask"].rows) == {("a", ""): 30, ("b", ""): 40, ("a", "mask"): 10}
    assert found["only mask"].arm == MAIN
    assert found["only mask, logit-adjusted"].arm == MAIN_ADJUSTED
    # Resampled with its synthetic faces: the arm leaves none out.
    assert not any(found["balanced, resampled"].rows["synthetic"].to_pylist())
    assert found["balanced, resampled"].rows.num_rows == road.train.num_rows
    # That of `evaluate`, so that its trainings are not repeated.
    assert found["balanced, logit-adjusted"].arm == MAIN_ADJUSTED
    adjusted = found["dose 0.25, logit-adjusted"]
    assert adjusted.arm == MAIN_ADJUSTED
    assert adjusted.rows["id"].to_pylist() == found["dose 0.25"].rows["id"].to_pylist()
    assert "ungated" not in found


def test_variants_can_be_chosen_beside_the_original(road: Road) -> None:
    every = list(variants(road, ["arms", "dose"], None))
    assert chosen(every, []) == every
    found = [variant.name for variant in chosen(every, ["dose 0.25"])]
    assert found == ["original", "dose 0.25"]
    with pytest.raises(UserError, match="--only dose 3: there are original"):
        chosen(every, ["dose 3"])


def test_a_single_generator_is_not_compared_with_itself(tmp_path: Path) -> None:
    road = Road(tmp_path, rows({"a": (3, {"mask": 2})}), ("gender",))
    assert [v.name for v in variants(road, ["generators"], None)] == list(ARMS)


def test_ungated_takes_the_first_candidates_of_each_bin(road: Road, tmp_path: Path) -> None:
    made = []
    for number in range(12):
        made.append(
            {"id": f"mask/a/{number}", "generator": "mask", "bin": "a", "seed": 100 - number,
             "parents": ["a/r1"], "status": "ok", "gender": "male",
             "image": {"bytes": bytes([number]), "path": "x"}}
        )  # fmt: skip
    made[11]["status"] = "generate_failed"  # the smallest seed
    schema = candidate_schema(LABELS)
    content = pa.Table.from_pylist(
        [{name: row.get(name) for name in schema.names} for row in made], schema
    )
    write_bucketed(tmp_path / "data/candidates/mask", content, 2)
    empty = content.slice(0, 0)
    write_bucketed(tmp_path / "data/candidates/age", empty, 2)
    for key in ("mask", "age"):
        write_bucketed(tmp_path / f"data/topup/candidates/{key}", empty, 2)
    found = first_candidates(road, ["mask", "age"], tmp_path / "pictures")
    # Ten were in the balanced set; whom the gate refused plays no part.
    assert found["id"].to_pylist() == [f"mask/a/{number}" for number in range(10, 0, -1)]
    assert found.schema.equals(road.train.schema)
    assert set(found["gender"].to_pylist()) == {"male"}
    paths = sorted((tmp_path / "pictures").glob("train-*.parquet"))
    stored = pa.concat_tables([pq.read_table(path) for path in paths])
    assert stored.schema.field("image").type == IMAGE
    assert sorted(stored["id"].to_pylist()) == sorted(found["id"].to_pylist())


def index_of(folder: Path) -> None:
    content = [
        {"id": f"s/train/{n}.jpg", "uri": f"train/{n}.jpg", "split": split, "age_group": group}
        for n, (split, group) in enumerate(
            [*[("train", "70+")] * 200, *[("test", "70+")] * 20, *[("train", "20-29")] * 20]
        )
    ]
    schema = index_schema(LABELS)
    rows = [{name: row.get(name) for name in schema.names} for row in content]
    write_bucketed(folder / "data/index", pa.Table.from_pylist(rows, schema), 2)


def test_only_train_photos_of_rare_groups_are_thinned(tmp_path: Path) -> None:
    index_of(tmp_path)
    few, many = (left_out(tmp_path, ["70+"], share) for share in (0.25, 0.5))
    assert many < few
    assert 130 < len(few) < 170
    assert all(int(Path(name).stem) < 200 for name in few)
    full = tmp_path / "full"
    (full / "train").mkdir(parents=True)
    lines = ["file,age,gender,race,service_test"]
    lines += [f"train/{n}.jpg,more than 70,Male,Indian,True" for n in range(240)]
    (full / "fairface_label_train.csv").write_text("\n".join(lines) + "\n")
    for number in range(240):
        (full / f"train/{number}.jpg").write_bytes(b"photo")
    kept, gone = write_thinned(full, tmp_path / "thin", few)
    assert (kept, gone) == (240 - len(few), len(few))
    written = (tmp_path / "thin/fairface_label_train.csv").read_text().splitlines()
    assert written[0] == lines[0]
    assert set(lines) - set(written) == {f"{n},more than 70,Male,Indian,True" for n in few}
    photos = {f"train/{path.name}" for path in (tmp_path / "thin/train").iterdir()}
    assert photos == {f"train/{n}.jpg" for n in range(240)} - few


def test_whole_is_the_real_faces_of_the_other_road(road: Road) -> None:
    plain, adjusted = whole(road)
    assert (plain.name, plain.arm) == ("whole", "original")
    assert (adjusted.name, adjusted.arm) == ("whole, logit-adjusted", "logit-adjusted")
    for variant in (plain, adjusted):
        assert counts(variant.rows) == {("a", ""): 30, ("b", ""): 40}


@pytest.mark.parametrize(
    ("name", "real", "synthetic"),
    [("original", 70, 0), ("logit-adjusted", 70, 0), ("balanced", 70, 35),
     ("balanced, logit-adjusted", 70, 35), ("only mask", 70, 10)],
)  # fmt: skip
def test_whom_a_variant_learns_from_is_counted(
    road: Road, name: str, real: int, synthetic: int
) -> None:
    every = {one.name: one for one in variants(road, ["arms", "generators"], None)}
    assert learned(every[name], ["gender"]) == {
        "real": {"gender": {"female": real}},
        "synthetic": {"gender": {"female": synthetic} if synthetic else {}},
    }


def test_parts_are_named() -> None:
    assert check_parts("arms, dose") == ["arms", "dose"]
    with pytest.raises(ValueError, match="doses: parts are arms"):
        check_parts("doses")
