import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from augment.errors import UserError
from augment.schema import Labels, order_schema
from augment.stages import audit, plan
from tests.unit.aligned_rows import audit_job, counted, plan_job, row, rows, write_aligned

AXES = ["age_group", "gender"]
AGES = ("0-19", "20-39", "40+")


@dataclass
class AgeMover:
    """Moves the age group, at 1 a step; leaves all other axes."""

    parents: int = 1

    def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
        if "age_group" not in donor:
            return None
        apart = abs(AGES.index(donor["age_group"]) - AGES.index(target["age_group"]))
        return float(apart) if apart and donor.get("gender") == target.get("gender") else None


@dataclass
class Copier:
    """Stays in the bin."""

    parents: int = 1

    def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
        return 0.0 if donor == target else None


@dataclass
class Restorer:
    """Makes usable faces of those that are too small."""

    parents: int = 1
    restores: bool = True

    def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
        return 0.0 if donor == target else None


MOVERS: dict[str, plan.Mover] = {"age": AgeMover(), "copies": Copier()}


def people() -> list[dict[str, Any]]:
    return [
        *rows(20, "a", age_group="20-39"),
        *rows(12, "b", age_group="20-39", gender="male"),
        *rows(4, "c", age_group="0-19", gender="male"),
        *rows(2, "d", age_group="40+"),
        *rows(9, "t", age_group="40+", split="test"),
        *rows(3, "u", age_group="unknown"),
        *rows(3, "f", age_group="0-19", status="align_failed", reason="no face found"),
    ]


def planned(
    folder: Path,
    content: list[dict[str, Any]],
    axes: Any = AXES,
    movers: Any = MOVERS,
    **plan_: Any,
) -> Any:
    write_aligned(folder / "aligned", content, age_groups=AGES)
    audit.run(audit_job(folder, axes))
    plan.run(plan_job(folder, **plan_), movers)
    return json.loads((folder / "plan.json").read_text())


def orders(folder: Path, key: str) -> pa.Table:
    return pq.read_table(folder / "plan" / f"{key}.parquet")


def test_orders_and_unfilled_are_the_deficit_in_every_bin(tmp_path: Path) -> None:
    report = planned(tmp_path, people())
    totals = report["plan"]
    assert totals["deficit"] == sum(20 - n for n in (0, 4, 20, 12, 2, 0))
    assert totals["ordered"] + totals["unfilled"] == totals["deficit"]
    assert (totals["bins"], totals["bins_below_target_before"]) == (6, 5)
    for cell in report["cells"]:
        assert cell["ordered"] + cell["unfilled"] == cell["deficit"]
        assert cell["target"] - cell["have"] == cell["deficit"]
        assert sum(cell["orders"].values()) == cell["ordered"]
        reasons = [part["n"] for part in report["unfilled"] if part["bin"] == cell["bin"]]
        assert sum(reasons) == cell["unfilled"]


def test_each_move_has_its_candidates(tmp_path: Path) -> None:
    report = planned(tmp_path, people(), spare=1.5, max_synthetic_share=1.0)
    for entry in report["generators"]:
        table = orders(tmp_path, entry["generator"])
        moves = [m for m in report["moves"] if m["generator"] == entry["generator"]]
        of_bin: Counter[str] = Counter()
        for move in moves:
            of_bin[move["to"]] += move["candidates"]
        assert counted(table.column("bin")) == of_bin
        assert table.num_rows == entry["candidates"] == sum(of_bin.values())
        parents = {name for family in table.column("parents").to_pylist() for name in family}
        assert len(parents) == entry["parents"]
    assert report["plan"]["candidates"] > report["plan"]["ordered"]


def test_only_usable_train_faces_are_parents_and_none_too_often(tmp_path: Path) -> None:
    planned(tmp_path, people(), max_synthetic_share=1.0, max_children_per_parent=2)
    children: Counter[str] = Counter()
    for key in MOVERS:
        for family in orders(tmp_path, key).column("parents").to_pylist():
            children.update(family)
    assert children
    assert max(children.values()) <= 2
    assert {name[0] for name in children} <= set("abcd")


def test_small_faces_are_restored_once_each_and_are_nobody_elses_parents(tmp_path: Path) -> None:
    tiny = {"status": "small", "reason": "fewer than 48 pixels across (align.smallest)"}
    small = [
        *rows(5, "s", age_group="0-19", **tiny),
        *rows(2, "x", age_group="0-19", split="test", **tiny),
    ]
    movers = {**MOVERS, "restore": Restorer()}
    report = planned(
        tmp_path, [*people(), *small], movers=movers, spare=2.0, max_synthetic_share=1.0
    )
    restored = orders(tmp_path, "restore").to_pylist()
    assert sorted(row["parents"][0][0] for row in restored) == ["s"] * 5
    assert len({row["parents"][0] for row in restored}) == 5
    others = [orders(tmp_path, key).column("parents").to_pylist() for key in MOVERS]
    assert {name[0] for table in others for family in table for name in family} <= set("abcd")
    (move,) = [move for move in report["moves"] if move["generator"] == "restore"]
    assert move["from"] == f"{move['to']} (too small)"
    assert sum(cell["have"] for cell in report["cells"]) == 38  # small ones are not counted


def test_who_restores_a_face_into_another_bin_is_named(tmp_path: Path) -> None:
    class Wrong(Restorer):
        def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
            return 1.0

    with pytest.raises(ValueError, match="'wrong' restores faces: they stay in their bin"):
        planned(tmp_path, people(), movers={"wrong": Wrong()})


def test_a_candidate_has_its_parents_labels_and_the_new_age(tmp_path: Path) -> None:
    content = [{**entry, "ethnicity": entry["id"]} for entry in people()]
    planned(tmp_path, content, max_synthetic_share=1.0)
    table = orders(tmp_path, "age")
    assert table.schema.equals(order_schema(Labels(age_groups=AGES)))
    assert Labels.of(table.schema) == Labels(age_groups=AGES)
    for order in table.to_pylist():
        assert order["changes"] == ["age_group"]
        assert [order["ethnicity"]] == order["parents"]
        assert order["bin"] == f"{order['age_group']} · {order['gender']}"
    assert all(order["changes"] == [] for order in orders(tmp_path, "copies").to_pylist())


def test_every_generator_has_a_table_even_without_orders(tmp_path: Path) -> None:
    planned(tmp_path, rows(3, "a", age_group="0-19"), ["gender"], target={"kind": "floor", "n": 1})
    assert [orders(tmp_path, key).num_rows for key in MOVERS] == [0, 0]
    files = json.loads((tmp_path / "plan/plan.json").read_text())["orders"]
    assert files == [{"file": "age.parquet", "rows": 0}, {"file": "copies.parquet", "rows": 0}]


def test_nothing_is_lacking(tmp_path: Path) -> None:
    report = planned(tmp_path, rows(3, "a", age_group="0-19"), ["age_group"], {}, target={
        "kind": "share", "share": {"0-19": 0.5}
    })  # fmt: skip
    assert report["plan"]["deficit"] == report["plan"]["unfilled"] == 0
    assert report["unfilled"] == report["moves"] == []


def test_one_bin(tmp_path: Path) -> None:
    axis = {"name": "age_group", "values": ["0-19"]}
    report = planned(
        tmp_path, rows(3, "a", age_group="0-19"), [axis], target={"kind": "floor", "n": 5}
    )
    assert report["plan"]["ordered"] == 2
    assert orders(tmp_path, "copies").num_rows == 3


def test_nothing_can_be_filled(tmp_path: Path) -> None:
    report = planned(tmp_path, people(), movers={})
    assert report["plan"]["ordered"] == 0
    assert {part["reason"] for part in report["unfilled"]} == {"no generator can make it"}
    assert not list((tmp_path / "plan").glob("*.parquet"))


def test_limits_of_one_generator(tmp_path: Path) -> None:
    dear = planned(tmp_path / "a", people(), max_children_per_parent=20)
    cheap = planned(
        tmp_path / "b", people(), max_children_per_parent=20,
        generators={"copies": {"extra_cost": 10}},
    )  # fmt: skip
    share = planned(
        tmp_path / "c", people(), max_children_per_parent=20,
        generators={"copies": {"max_share": 0.25}},
    )  # fmt: skip
    copies = [report["generators"][1]["faces"] for report in (dear, cheap, share)]
    assert copies[0] > copies[2] > copies[1] == 0


def test_same_rows_in_other_shards_give_the_same_orders(tmp_path: Path) -> None:
    for name, shards in (("one", 1), ("many", 8)):
        write_aligned(tmp_path / name / "aligned", people(), age_groups=AGES, shards=shards)
        audit.run(audit_job(tmp_path / name, AXES))
        plan.run(plan_job(tmp_path / name), MOVERS)
    for key in MOVERS:
        assert orders(tmp_path / "one", key).equals(orders(tmp_path / "many", key))


def test_a_few_faces_more_change_few_orders(tmp_path: Path) -> None:
    target = {"kind": "floor", "n": 60}
    many = [*rows(200, "a", age_group="20-39"), *rows(30, "b", age_group="0-19")]
    planned(tmp_path / "a", many, ["age_group"], target=target, max_synthetic_share=1.0)
    planned(
        tmp_path / "b", [*many, *rows(2, "n", age_group="20-39")], ["age_group"],
        target=target, max_synthetic_share=1.0,
    )  # fmt: skip
    before = set(orders(tmp_path / "a", "age").column("id").to_pylist())
    after = set(orders(tmp_path / "b", "age").column("id").to_pylist())
    assert len(before) > 70
    assert len(before - after) <= 4


def test_two_parents_come_from_one_bin(tmp_path: Path) -> None:
    content = [
        row(f"p{n}", age_group="40+" if n < 6 else "0-19", gender="male", skin_tone=str(1 + n % 2))
        for n in range(26)
    ]
    report = planned(
        tmp_path, content, ["age_group"], {"morph": Copier(parents=2)},
        target={"kind": "floor", "n": 10},
    )  # fmt: skip
    assert report["plan"] | {"ordered": 4, "unfilled": 10} == report["plan"]  # 20-39 is empty
    for order in orders(tmp_path, "morph").to_pylist():
        places = [int(name[1:]) for name in order["parents"]]
        assert len(set(places)) == 2
        assert max(places) < 6
        same = places[0] % 2 == places[1] % 2
        assert order["skin_tone"] == (str(1 + places[0] % 2) if same else "unknown")


def test_explain_shows_the_plan_and_writes_nothing(tmp_path: Path) -> None:
    write_aligned(tmp_path / "aligned", people(), age_groups=AGES)
    audit.run(audit_job(tmp_path, AXES))
    text = plan.explain(plan_job(tmp_path), MOVERS)
    assert text.startswith("82 faces lacking in 5 of 6 bins:")
    for word in ("40+ · female", "limited by", "synthetic share", "copies", "from"):
        assert word in text
    last = text.splitlines()[-1].split()
    assert " ".join(last) == "copies 40+ · female 40+ · female 6 8 0.00"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aligned", "audit.json", "plots"]


def test_explain_where_nothing_is_lacking(tmp_path: Path) -> None:
    write_aligned(tmp_path / "aligned", rows(2, "a", age_group="0-19"), age_groups=AGES)
    audit.run(audit_job(tmp_path, ["gender"]))
    text = plan.explain(plan_job(tmp_path, target={"kind": "share", "share": {"female": 0.5}}), {})
    assert text == (
        "0 faces lacking in 0 of 2 bins: 0 ordered (0 candidates, spares included), 0 unfilled."
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"generators": {"aeg": {}}}, "names 'aeg'.*age, copies"),
        ({"max_synthetic_share": 1.5}, "max_synthetic_share"),
        ({"max_children_per_parent": 0}, "max_children_per_parent"),
        ({"spare": 0.5}, "spare"),
        ({"max_children": 3}, "did you mean 'max_children_per_parent'"),
        ({"target": {"kind": "share", "share": {"40-": 0.2}}}, "'40-', which is neither"),
    ],
)
def test_wrong_params_say_so(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        planned(tmp_path, people(), **settings)
    assert not (tmp_path / "plan.json").exists()


def test_an_audit_of_another_data_set(tmp_path: Path) -> None:
    planned(tmp_path, people())
    path = tmp_path / "audit.json"
    path.write_text(path.read_text().replace('"gender"', '"height"'))
    with pytest.raises(UserError, match=r"counts by 'height'.*of another data set"):
        plan.run(plan_job(tmp_path, target={"kind": "floor", "n": 20}), MOVERS)


def test_no_face_in_any_bin(tmp_path: Path) -> None:
    write_aligned(tmp_path / "aligned", rows(2, "a", age_group="0-19"), age_groups=AGES)
    audit.run(audit_job(tmp_path, AXES))
    write_aligned(tmp_path / "aligned", rows(2, "a", split="test"), age_groups=AGES)
    with pytest.raises(UserError, match="no donors"):
        plan.run(plan_job(tmp_path), MOVERS)


def test_a_generator_with_an_impossible_cost_is_named(tmp_path: Path) -> None:
    class Wrong(Copier):
        def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
            return -1.0

    with pytest.raises(ValueError, match=r"generator 'odd': -1\.0"):
        planned(tmp_path, people(), movers={"odd": Wrong()})


def test_the_plan_asks_every_generator_without_torch() -> None:
    code = (
        "import sys, augment.stages.plan\n"
        "from augment import plugins\n"
        "for name in plugins.names('generators'):\n"
        "    plugins.load('generators', name)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
