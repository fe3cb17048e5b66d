"""A project with everything in which a person may leave traces, small and made up."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from augment.engine import Engine
from augment.intake.predictions import Prediction, write_predictions
from augment.intake.tombstones import FILE
from augment.params import read_params
from augment.road import make_job, read_road
from augment.rowcache import KEY
from augment.schema import index_schema, order_schema, table
from augment.shards import write_bucketed, write_json, write_table
from augment.stages import assemble
from tests.unit.gate_rows import (
    LABELS,
    face,
    masked,
    write_candidates,
    write_faces,
    write_plan,
    write_topup,
)
from tests.unit.test_assemble import verdict_rows, write_verdicts
from tests.unit.toy_project import ROOT, Project

ADA = ("s/ada_1.jpg", "s/ada_2.jpg", "s/ada_3.jpg")
COPY, NEAR = "s/copy_of_ada.jpg", "s/like_ada.jpg"
BIN = "female · mask yes"


def _hash(number: int) -> bytes:
    """A photo hash; others differ in many bits."""
    import hashlib

    return hashlib.sha256(str(number).encode()).digest()


def _people() -> list[dict[str, Any]]:
    rows = [
        face(ADA[0], half="a"), face(ADA[1], half="b"), face(ADA[2], "test"),
        face(COPY, half="a"), face(NEAR, half="a"),
        *(face(f"s/other_{n}.jpg", half="ab"[n % 2]) for n in range(8)),
        face("s/held_out.jpg", "validation"), face("s/tested.jpg", "test"),
        face("t/far.jpg", half="a"),
    ]  # fmt: skip
    for number, row in enumerate(rows):
        name = "ada" if row["id"] in ADA else f"person_{number}"
        row |= {
            "person": f"{row['source']}/{name}", "photo_hash": _hash(number), "note": "",
            "group": f"{row['source']}/{name}", "sha256": f"{number:064x}",
        }  # fmt: skip
    ada, copy, near = rows[0], rows[3], rows[4]
    copy |= {"sha256": ada["sha256"], "photo_hash": ada["photo_hash"], "image": ada["image"],
             "note": f"same file as '{ada['id']}'"}  # fmt: skip
    near["photo_hash"] = bytes([ada["photo_hash"][0] ^ 1]) + ada["photo_hash"][1:]
    for row in (copy, near):  # the group is called like its first person
        row["group"] = "s/ada"
    # A person called like somebody else's photo.
    rows[5] |= {"person": "s/other_1.jpg", "group": "s/other_1.jpg"}
    return rows


def write_project(folder: Path) -> None:
    """The project, in ``folder``, which must be the working directory."""
    project = Project(folder)
    project.edit("ingest.data", "photos")
    project.edit("ingest.sources", {"s": {"kind": "folder"}, "t": {"kind": "folder"}})
    project.edit("generators", {"mask": {"kind": "mask"}})
    project.edit("judges", {"attributes": {"kind": "attributes"}})
    (folder / "photos").mkdir()
    _write_tables(folder)
    _write_work(folder)
    _write_dvc_cache(folder)
    guessed = (ADA[0], f"{0:064x}"), ("s/other_1.jpg", f"{6:064x}")
    write_predictions(
        folder / "predicted.csv",
        [Prediction(name, "age_group", "3-9", 0.9, "age 1", digest) for name, digest in guessed],
    )


def _write_tables(folder: Path) -> None:
    data, people = folder / "data", _people()
    write_bucketed(data / "index", table(people, index_schema(LABELS)), 4)
    write_faces(data, people)
    train = [row for row in people if row["split"] == "train"]
    made = [masked(row) for row in train]
    for number, row in enumerate(made):
        row |= {"id": f"mask/{BIN}/{number:04x}", "seed": number}
        row["image"] = {**row["image"], "path": f"{row['id']}.jpg"}
    extra = [{**masked(train[0], 5), "id": f"mask/{BIN}/topup"},
             {**masked(train[-1], 5), "id": f"mask/{BIN}/topup2"}]  # fmt: skip
    for row in extra:
        row["image"] = {**row["image"], "path": f"{row['id']}.jpg"}
    write_candidates(data, "mask", made)
    write_verdicts(data, made, {made[-1]["id"]: f"nearly the same as '{ADA[0]}'"})
    orders = table([{n: row.get(n) for n in order_schema(LABELS).names} for row in made],
                   order_schema(LABELS))  # fmt: skip
    write_table(data / "plan/mask.parquet", orders)
    wanted = {(BIN, "mask"): 50}
    write_plan(data, wanted)
    write_topup(data, wanted, extra, verdict_rows(extra))
    for name in ("audit.json", "plan.json"):
        (folder / "reports").mkdir(exist_ok=True)
        (data / name).rename(folder / "reports" / name)
    params = read_params()
    assemble.run(make_job(read_road(params)["assemble"], params, Engine("inline", progress=False)))
    audit = json.loads((folder / "reports/audit.json").read_text())
    write_json(folder / "reports/audit.json", audit | {"examples": [[ADA[0], COPY]]})
    tested = [(ADA[2], "s/ada"), ("s/tested.jpg", "s/person_13")]
    rows = pa.table({"id": [i for i, _ in tested], "person": [p for _, p in tested]})
    write_table(data / "predictions/test.parquet", rows)
    (folder / "reports/report.html").write_text(f"<!doctype html><p>{ADA[0]}</p>")
    for key in ("mask", "attributes"):
        (folder / "models" / key).mkdir(parents=True)
        (folder / "models" / key / "weights.safetensors").write_bytes(b"numbers")


def _chunk(path: Path, columns: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    count = len(next(iter(columns.values())))
    keys = pa.array([n.to_bytes(16, "little") for n in range(count)], pa.binary(16))
    pq.write_table(pa.table({**columns, KEY: keys}), path)


def _write_work(folder: Path) -> None:
    work, people = folder / ".augment", _people()
    images = [row["image"] for row in people]
    pilot = {"bytes": b"a pilot's picture of Ada", "path": "mask/pilot/0001.jpg"}
    _chunk(work / "cache/align-1/a.parquet", {"image": [*images, None, pilot]})
    _chunk(work / "cache/ingest s-1/a.parquet", {"sha256": [row["sha256"] for row in people]})
    _chunk(work / "cache/attributes-1/a.parquet", {"gender": [[0.5, 0.5]] * len(people)})
    (work / "cache/align-1/.b.parquet.1.tmp").write_bytes(b"PAR1 cut off")
    for name in ("train/mask/1", "train/attributes/1", "evaluate/1", "generate/mask"):
        (work / name).mkdir(parents=True)
        (work / name / "file").write_bytes(b"numbers")


def _write_dvc_cache(folder: Path) -> None:
    objects = folder / ".dvc/cache/files/md5"
    (folder / ".dvc/tmp").mkdir(parents=True)
    (folder / ".dvc/config").write_text("[core]\nanalytics = false\n['remote \"box\"']\nurl = /x\n")
    copies: dict[str, Path] = {}
    for number, path in enumerate(sorted(folder.glob("data/**/*.parquet"))):
        copies[f"{number:032x}"] = path
    pages = {"c" * 32: folder / "reports/report.html", "d" * 32: folder / FILE}
    for digest, path in (copies | pages).items():
        target = objects / digest[:2] / digest[2:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for number, group in enumerate((sorted(copies), ["d" * 32])):
        listing = objects / "ee" / f"{number:030x}.dir"
        listing.parent.mkdir(exist_ok=True)
        listing.write_text(json.dumps([{"md5": digest, "relpath": "x"} for digest in group]))


def traces(folder: Path, names: Sequence[str], pictures: Sequence[bytes]) -> list[str]:
    """Files that hold any of these names or pictures; read as nobody else reads them."""
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink() or ROOT in path.resolve().parents:
            continue
        content = path.read_bytes()
        text = content.decode("utf-8", "replace")
        if content[:4] == b"PAR1" and content[-4:] == b"PAR1":
            text = repr(pq.read_table(path).to_pylist())
            content += b"".join(_pictures(path))
        if any(name in text for name in names) or any(p in content for p in pictures):
            found.append(path.relative_to(folder).as_posix())
    return found


def _pictures(path: Path) -> list[bytes]:
    rows = pq.read_table(path)
    if "image" not in rows.column_names:
        return []
    return [image["bytes"] for image in rows["image"].to_pylist() if image and image["bytes"]]


def pictures_of(folder: Path, ids: Sequence[str]) -> list[bytes]:
    """The crops of these photos and the pictures made from them, as the project stores them."""
    found = []
    for path in folder.glob("data/**/*.parquet"):
        names = pq.read_schema(path).names
        if "image" in names:
            for row in pq.read_table(path).to_pylist():
                theirs = row["id"] in ids or not set(row.get("parents") or ()).isdisjoint(ids)
                if theirs and row["image"]:
                    found.append(row["image"]["bytes"])
    assert found
    return found
