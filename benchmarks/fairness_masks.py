"""What are synthetic masks worth to a model that meets real ones?

    python benchmarks/fairness_masks.py --project DIR --seeds 5

DIR holds a road past ``dvc repro align`` whose photos show no masks. The pipeline's small
classifier (a head a label: the tasks of `evaluate`, and whether there is a mask) learns on its
train faces in several ways. Each training sees equally many faces and starts from the same weights
a seed; but for ``bare``, every second face is covered:

- ``bare``: as they are; what a mask is, it cannot know, and says "no" to all;
- ``greyed``: below the middle between eyes and nose tip all is grey, what anybody can do;
- ``masks``: wearing a mask put on by the network that comes with the package (``MaskWearer``);
- ``templates``: wearing MaskTheFace's templates. The test wears these, too, so that this is no
  rival but what there was to gain.

Tested on the real held-out faces as they are and wearing MaskTheFace's templates, and, on whether
there is a mask, on photos from the web (``masked/wild``), of which nobody learned. Rows go to
reports/fairface/fairness.json, as those of benchmarks/fairness.py; whether masked faces are told
apart better is in reports/systems/mask.json (``verify_accuracy``). Pictures and trainings are kept
in --work; after a change of how masks are made, name another folder.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fairness import trained_with, write
from fairness_saved import FIGURES, SAVED, Sitting, made_now, save
from folders import add_folders
from mask_faces import Landmarker, aligned, upper_half
from mask_methods import Pasted

from augment.editing import MaskWearer, edit_photo
from augment.errors import UserError
from augment.generators.mask.layout import read_templates
from augment.images import decode, encode
from augment.metrics.arms import REFERENCE
from augment.metrics.resampling import Words
from augment.metrics.tasks import Task, real_faces
from augment.nets.trials import Trials
from augment.params import read_params
from augment.plugins import configure
from augment.protocols import Detection
from augment.schema import IMAGE, OK, Labels
from augment.seeds import row_seed
from augment.shards import read_schema, read_table, write_table
from augment.stages.evaluate import ClassicalAugmentation, Config
from augment.types import FloatArray, Image
from augment.vocabulary import NO, UNKNOWN, YES

BARE, MAIN = "bare", "masks"
#: What the others are compared with.
_BASELINES = (BARE, "greyed", "templates")
#: The types of mask that are put on, in turn.
_KINDS = ("surgical", "n95", "cloth")
_MASK = Task(label="mask", groups=["mask"])
_SCHEMA = pa.schema([("id", pa.string()), ("image", IMAGE)])
#: A face and its points, and the face's id -> the face covered, or None where that is not possible.
Cover = Callable[[Image, FloatArray, str], Image | None]


def main() -> None:
    args = _arguments()
    params = read_params(args.project / "params.yaml")
    config = trained_with(Config.model_validate(params["evaluate"]), args.images)
    work = args.work or args.project / ".augment/fairness_masks"
    pictures = work / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    faces = _read(args.project)
    train, test = real_faces(faces, "train"), real_faces(faces, "test")
    covers = _covers(args.data, params["align"], params["seed"])
    _write(pictures / "train-bare.parquet", train)
    _write(pictures / "test-bare.parquet", test)
    worn = {name: _covered(train, name, cover, pictures, "train") for name, cover in covers.items()}
    ways = {BARE: train} | {name: pa.concat_tables([train, rows]) for name, rows in worn.items()}
    pasted = _covered(test, "templates", covers["templates"], pictures, "test")
    wild = _wild(args.data / "masked/wild", params["align"], pictures, test)
    named = args.name or "+".join(params["ingest"]["sources"])
    exams: list[tuple[str, pa.Table, Mapping[str, Task]]] = [
        (f"{named}, faces as they are", test, config.tasks),
        (f"{named}, wearing templates", pasted, config.tasks),
        (f"{named}, tested on masked/wild", wild, {"mask": _MASK}),
    ]
    classes = _classes(train, config)
    made = {way: made_now() for way in ways}
    for name, faces, tasks in exams:
        predicted = {}
        for way, mine in ways.items():
            trials = Trials(pictures, mine, faces, classes, config.train, params["seed"], work,
                            keep=True)  # fmt: skip
            predicted[way] = _predicted(trials, args.seeds)
        save(args.saved, Sitting(name, faces, tasks, predicted, MAIN, _BASELINES, made))
    write(args.out, args.saved)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", type=Path, default=Path(), help="a road past `align`")
    parser.add_argument("--name", default="", help="what the rows call the data; else the sources")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--images", type=int, help="seen in one training; else as in params.yaml")
    parser.add_argument("--saved", type=Path, default=SAVED, help="where predictions are kept")
    add_folders(parser, "fairness")
    parser.set_defaults(out=FIGURES)
    args = parser.parse_args()
    if not (args.project / "data/aligned/_complete.json").is_file():
        parser.error(f"{args.project} holds no aligned faces: run `dvc repro align` there first")
    return args


def _read(project: Path) -> pa.Table:
    """The usable faces of a road, none of them masked, with their pictures."""
    folder = project / "data/aligned"
    labels = [name for name in Labels.of(read_schema(folder)).columns if name != "mask"]
    rows = read_table(
        folder, ["id", "status", "split", "person", "sha256", "image", "points", *labels]
    )
    rows = rows.filter(pc.equal(rows.column("status"), OK)).sort_by("id")
    nothing = {"mask": NO, "bin": "", "synthetic": False}
    for name, value in nothing.items():
        rows = rows.append_column(name, pa.array([value] * rows.num_rows))
    return rows


def _covers(data: Path, align: dict[str, Any], seed: int) -> dict[str, Cover]:
    wearers = [MaskWearer(kind) for kind in _KINDS]
    detector = _detector(align)
    landmarker = Landmarker(data, detector)
    pasted = Pasted(read_templates(data / "masked/templates"))

    def greyed(face: Image, points: FloatArray, _: str) -> Image:
        return upper_half(face, points)

    def masked(face: Image, points: FloatArray, name: str) -> Image | None:
        # As a photo is edited: the network knows crops with more room than the road's may have.
        number = row_seed(seed, "mask", name)
        wearer = wearers[number % len(wearers)]
        edited = edit_photo(face, [wearer], Known(points), seed, name)
        return edited.image if edited.edited else None

    def pasted_on(face: Image, _: FloatArray, name: str) -> Image | None:
        return pasted.one(face, landmarker(face), row_seed(seed, "template", name))

    return {"greyed": greyed, MAIN: masked, "templates": pasted_on}


@dataclass(frozen=True)
class Known:
    """A detector of one crop, whose five points, float32 (5, 2) in pixels, are known."""

    points: FloatArray

    def identity(self) -> str:
        return "known points"

    def detect(self, image: Image) -> list[Detection]:
        height, width = image.shape[:2]
        return [Detection(np.array([0, 0, width, height], np.float32), self.points, 1.0)]


def _detector(align: dict[str, Any]) -> Any:
    module, settings = configure("align", align["detector"], "align.detector")
    return module.Detector(settings)


def _covered(rows: pa.Table, name: str, cover: Cover, folder: Path, split: str) -> pa.Table:
    """The rows of the faces that could be covered, whose pictures are then in ``folder``."""
    made = _pictures(rows, name, cover, folder / f"{split}-{name}.parquet")
    print(f"{split} {name}: {len(made):,} of {rows.num_rows:,} faces", file=sys.stderr)
    ids = [f"{name} {one}" for one in rows.column("id").to_pylist()]
    new = {
        "id": pa.array(ids),
        # Trainings are known by it: another picture is another training.
        "sha256": pa.array([made.get(one) for one in ids]),
        "mask": pa.array([YES] * rows.num_rows),
    }
    for column, values in new.items():
        rows = rows.set_column(rows.schema.get_field_index(column), column, values)
    return rows.filter(pc.is_valid(rows.column("sha256")))


def _pictures(rows: pa.Table, name: str, cover: Cover, path: Path) -> dict[str, str]:
    """Covered faces, written to ``path`` unless they are there: id -> sha256 of the picture."""
    if not path.is_file():
        made = []
        columns = (rows.column(column).to_pylist() for column in ("id", "image", "points"))
        for one, image, points in zip(*columns, strict=True):
            places = np.array(points, np.float32).reshape(5, 2)
            covered = cover(decode(image["bytes"]), places, f"{name} {one}")
            if covered is not None:
                content = {"bytes": encode(covered), "path": None}
                made.append({"id": f"{name} {one}", "image": content})
        write_table(path, pa.Table.from_pylist(made, _SCHEMA))
    return {
        row["id"]: hashlib.sha256(row["image"]["bytes"]).hexdigest()
        for row in pq.read_table(path).to_pylist()
    }


def _write(path: Path, rows: pa.Table) -> None:
    write_table(path, rows.select(_SCHEMA.names).cast(_SCHEMA))


def _wild(folder: Path, align: dict[str, Any], pictures: Path, like: pa.Table) -> pa.Table:
    """Photos with and without real masks, cut as the road cuts them; without a face: left out."""
    detector = _detector(align)
    made, rows = [], []
    for name, word in (("with_mask", YES), ("without_mask", NO)):
        for path in sorted((folder / name).iterdir()):
            cut = aligned(decode(path.read_bytes()), detector, align["size"], align["margin"])
            if cut is not None:
                one = f"{name}/{path.name}"
                made.append({"id": one, "image": {"bytes": encode(cut[0]), "path": None}})
                rows.append({"id": one, "person": None, "sha256": f"wild {one}", "mask": word})
    write_table(pictures / "test-wild.parquet", pa.Table.from_pylist(made, _SCHEMA))
    schema = pa.schema([like.schema.field(name) for name in ("id", "person", "sha256", "mask")])
    return pa.Table.from_pylist(rows, schema)


def _classes(train: pa.Table, config: Config) -> dict[str, list[str]]:
    columns = [task.label for task in config.tasks.values()]
    found = {name: sorted(set(train.column(name).to_pylist()) - {UNKNOWN}) for name in columns}
    return found | {"mask": [NO, YES]}


def _predicted(trials: Trials, seeds: int) -> dict[str, Words]:
    """Label -> words, shape (seeds, test faces)."""
    said = trials.run((REFERENCE,), seeds, ClassicalAugmentation())
    return {
        label: np.stack([said[REFERENCE, number][label] for number in range(seeds)])
        for label in trials.classes
    }


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"fairness_masks: {error}")
