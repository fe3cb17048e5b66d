import json
from pathlib import Path

from augment.road import Stage
from augment.shards import MARKER
from augment.status import Line, count_rows, describe

CODE = "augment/stages/align.py"
ROAD = {
    stage.address: stage
    for stage in (
        Stage("ingest", None, "", (), ("../photos",), ("data/index",)),
        Stage("align", None, "", (), ("data/index", CODE), ("data/aligned",)),
        Stage("train", "mask", "", (), ("data/aligned",), ("models/mask",)),
        Stage("gate", None, "", (), ("models",), ("data/verdicts",)),
    )
}
ALL = frozenset(ROAD)


def lines(changes: dict[str, list[object]], locked: frozenset[str] = ALL) -> dict[str, Line]:
    return {line.address: line for line in describe(ROAD, changes, locked, Path("nowhere"))}


def test_all_done() -> None:
    assert {line.state for line in lines({}).values()} == {"done"}


def test_a_change_makes_later_stages_wait() -> None:
    found = lines({"align": [{"changed deps": {CODE: "modified"}}]})
    assert found["ingest"].state == "done"
    assert found["align"] == Line("align", "would run", None, f"new code: {CODE}")
    assert found["train@mask"] == Line("train@mask", "waits", None, "after align")
    assert found["gate"].why == "after train@mask"  # reads the folder that holds models/mask


def test_what_only_follows_from_an_earlier_stage_is_left_out() -> None:
    found = lines(
        {
            "ingest": [{"changed deps": {"../photos": "modified"}}],
            "align": [{"changed deps": {"data/index": "modified"}}],
        }
    )
    assert found["ingest"].why == "new data: ../photos"
    assert found["align"] == Line("align", "waits", None, "after ingest")


def test_reasons_in_words() -> None:
    change = {
        "changed deps": {"params.yaml": {"align.size": "modified", "seed": "modified"}},
    }
    gone = {"changed outs": {"data/aligned": "deleted"}}
    assert lines({"align": [change, gone, "changed command"]})["align"].why == (
        "new parameters: align.size, seed; missing or changed: data/aligned; changed command"
    )


def test_a_stage_that_never_ran() -> None:
    change = {"changed deps": {CODE: "modified", "params.yaml": "new"}}
    found = lines({"align": [change]}, locked=frozenset({"ingest"}))
    assert found["align"].why == "has not run yet"


def test_rows_are_counted_from_finished_tables_only(tmp_path: Path) -> None:
    stage = ROAD["ingest"]
    assert count_rows(stage, tmp_path) is None
    folder = tmp_path / "data/index"
    folder.mkdir(parents=True)
    assert count_rows(stage, tmp_path) is None
    (folder / MARKER).write_text(json.dumps({"shards": [{"rows": 3}, {"rows": 4}]}))
    assert count_rows(stage, tmp_path) == 7
