"""Small aligned and candidate folders with pictures, for the gate and what follows it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from augment.images import decode, encode
from augment.measure import measure
from augment.schema import Labels, aligned_schema, candidate_schema, table, verdict_schema
from augment.seeds import row_generator
from augment.shards import write_bucketed, write_json
from augment.types import Axis, BinSpace, Image

SIZE = 32
LABELS = Labels(attributes=("mask",))
BINS = BinSpace((Axis("gender", ("female", "male")), Axis("mask", ("no", "yes"))))


def picture(name: str, labels: Mapping[str, str]) -> Image:
    """A smooth picture of its own for every name: men are bluish, masks are white bars below."""
    random = row_generator(7, "picture", name)
    coarse = random.integers(60, 190, (6, 6, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    image[..., 2 if labels["gender"] == "male" else 0] //= 2
    if labels["mask"] == "yes":
        image[SIZE // 2 :, 4:-4] = 230
    return image


def face(name: str, split: str = "train", half: str = "a", **labels: str) -> dict[str, Any]:
    """A usable aligned row."""
    known = {"age_group": "20-29", "gender": "female", "ethnicity": "white", "skin_tone": "3",
             "mask": "no", **labels}  # fmt: skip
    return {
        "id": name,
        "source": name.split("/")[0],
        "uri": name,
        "status": "ok",
        "reason": "",
        "sha256": f"{abs(hash(name)):064d}",
        "person": f"person of {name}",
        "split": split,
        "half": half,
        "licence": "CC0-1.0",
        "age": 25.0,
        **known,
        "label_origin": dict.fromkeys(LABELS.columns, "given"),
        **pictured(name, picture(name, known)),
    }


def pictured(name: str, image: Image) -> dict[str, Any]:
    """The columns that belong to a picture."""
    content = encode(image)
    return {"image": {"bytes": content, "path": f"{name}.jpg"}, "points": [8.0] * 10,
            **measure(decode(content)).columns()}  # fmt: skip


def failed_face(name: str) -> dict[str, Any]:
    return {**face(name), "status": "align_failed", "reason": "no face was found", "image": None,
            "points": None, "face_hash": None, "sharpness": None, "brightness": None,
            "ita": None}  # fmt: skip


def masked(parent: Mapping[str, Any], number: int = 0, **changed: Any) -> dict[str, Any]:
    """A candidate of the generator ``mask``: its parent with a mask on, or as ``changed`` says."""
    labels = {name: parent[name] for name in LABELS.columns} | {"mask": "yes"}
    bin_name = BINS.name(BINS.code(labels))
    name = f"mask/{bin_name}/{parent['id']}-{number}"
    image = decode(parent["image"]["bytes"])
    image = np.clip(image.astype(np.int16) + 3 * number, 0, 255).astype(np.uint8)
    image[SIZE // 2 + number % 3 :, 4:-4] = 225 + 5 * (number % 3)
    return {
        "id": name,
        "generator": "mask",
        "bin": bin_name,
        "parents": [parent["id"]],
        "changes": ["mask"],
        "seed": number,
        "status": "ok",
        "reason": "",
        "weights": "ab" * 32,
        "steps": ["mask put on"],
        "licence": parent["licence"],
        **labels,
        **pictured(name, image),
        **changed,
    }


def not_made(candidate: Mapping[str, Any], reason: str) -> dict[str, Any]:
    return {**candidate, "status": "generate_failed", "reason": reason, "image": None,
            "points": None, "face_hash": None, "sharpness": None, "brightness": None,
            "ita": None}  # fmt: skip


def write_faces(folder: Path, rows: Sequence[Mapping[str, Any]], shards: int = 4) -> Path:
    write_bucketed(folder / "aligned", table(rows, aligned_schema(LABELS)), shards)
    write_json(folder / "audit.json", {"bin_space": BINS.to_json()})
    return folder / "aligned"


def write_candidates(
    folder: Path, key: str, rows: Sequence[Mapping[str, Any]], shards: int = 4
) -> Path:
    write_bucketed(folder / "candidates" / key, table(rows, candidate_schema(LABELS)), shards)
    return folder / "candidates"


def write_topup(
    folder: Path,
    wanted: Mapping[tuple[str, str], int],
    candidates: Sequence[Mapping[str, Any]] = (),
    verdicts: Sequence[Mapping[str, Any]] = (),
    passes: Mapping[str, Any] | None = None,
    still_missing: Sequence[Mapping[str, Any]] = (),
) -> None:
    """What the top-ups leave: these further candidates, and so many faces of each (bin, generator)
    for the data set."""
    target = folder / "topup"
    schema = candidate_schema(LABELS)
    write_bucketed(target / "candidates" / "mask", table(candidates, schema), 4)
    write_bucketed(target / "verdicts", table(verdicts, verdict_schema()), 4)
    write_json(target / "verdicts" / "summary.json", {"passes": {"generator": passes or {}}})
    cells = [
        {"bin": name, "orders": {key: n for (of, key), n in wanted.items() if of == name}}
        for name in BINS.names
    ]
    write_json(target / "topup.json", {"cells": cells, "still_missing": list(still_missing)})


def write_plan(folder: Path, ordered: Mapping[tuple[str, str], int]) -> None:
    """A plan that wants so many faces of each (bin, generator)."""
    cells = [
        {
            "bin": name,
            "target": 40,
            "orders": {key: n for (of, key), n in ordered.items() if of == name},
        }
        for name in BINS.names
    ]
    (folder / "plan.json").write_text(json.dumps({"cells": cells}))
