"""Do restored faces look lighter, or like people of another group, than the very photos did?

Restorers are said to do both. The truth is known here: the photo before it was shrunk, aligned by
itself. All restored faces count, whether the gate passed them or not; the judge is the road's own
embedder with heads, which has not learned from the shrunken faces.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from mask_measures import interval
from superres_gains import DATA, RESTORED

from augment import plugins
from augment.crop import choose, cut, reference_points, similarity
from augment.figures import Figure
from augment.images import decode
from augment.measure import measure
from augment.schema import OK
from augment.shards import read_table
from augment.types import Image

_MOST_GROUPS = 8  # faces of a group; fewer say nothing
_WHITE = "white"
#: Name, what is looked at, and what it is compared with. The last is the restorer's own part.
_COMPARED = (
    ("enlarged", "enlarged", "truth"),
    ("restored", "restored", "truth"),
    ("restored_against_enlarged", "restored", "enlarged"),
)


def shift_rows(work: Path, data: Path, seed: int) -> Iterator[Figure]:
    """Shifts of skin tone and of judged ethnicity, by ethnicity as labelled: of restored faces, of
    small faces that were only enlarged, and between the two."""
    folder = work / "restored"
    params = yaml.safe_load((folder / "params.yaml").read_text())
    rows = _pictures(folder, params, data)
    judge = _judge(folder, params)
    values = list(judge.values()["ethnicity"])
    says = {kind: judge.predict([row[kind] for row in rows])["ethnicity"]
            for kind in ("truth", "enlarged", "restored")}  # fmt: skip
    tones = {kind: np.array([_angle(row[kind]) for row in rows]) for kind in says}
    labelled = np.array([row["ethnicity"] for row in rows])
    own = np.array([values.index(word) for word in labelled])
    places = np.arange(len(rows))
    for arch, kind, against in _COMPARED:
        white = values.index(_WHITE)
        shifts = {
            "skin_tone_shift": (tones[kind] - tones[against], "degrees of ITA; 0 is best"),
            "judged_white_shift": (
                (says[kind] - says[against])[:, white],
                "probability; 0 is best",
            ),
            "judged_own_shift": (
                says[kind][places, own] - says[against][places, own],
                "probability; 0 is best",
            ),
            "judged_ethnicity_kept": (
                (says[kind].argmax(1) == says[against].argmax(1)).astype(np.float64),
                "share of faces",
            ),
        }
        for name, (shift, unit) in shifts.items():
            yield from _by_group(name, arch, shift, labelled, unit, seed)


def _by_group(
    name: str,
    kind: str,
    shift: npt.NDArray[np.float64],
    labelled: npt.NDArray[np.str_],
    unit: str,
    seed: int,
) -> Iterator[Figure]:
    for group in ("all", *sorted(set(labelled.tolist()))):
        chosen = np.isfinite(shift) & ((labelled == group) | (group == "all"))
        if chosen.sum() < _MOST_GROUPS:
            continue
        values = shift[chosen].astype(np.float64)
        people = [str(place) for place in range(len(values))]
        better = "higher" if name == "judged_ethnicity_kept" else "lower"
        yield Figure(name, kind, DATA, round(float(values.mean()), 4), unit,
                     "higher" if better == "higher" else "lower", len(values), "train", group,
                     interval=interval(values, people, seed, lambda means: means))  # fmt: skip


def _pictures(folder: Path, params: dict[str, Any], data: Path) -> list[dict[str, Any]]:
    """Of each restored face: the photo's crop before it was shrunk, the small face enlarged, the
    restored one."""
    columns = ["id", "image", "ethnicity"]
    small = {row["id"]: row for row in read_table(folder / "data/aligned", columns).to_pylist()}
    made = read_table(folder / "data/candidates" / RESTORED, ["parents", "status", "image"])
    module, settings = plugins.configure("align", params["align"]["detector"], "align.detector")
    detector = module.Detector(settings)
    rows = []
    for row in made.to_pylist():
        before = small[row["parents"][0]]
        if row["status"] != OK:
            continue
        photo = decode((data / before["id"]).read_bytes())
        faces = detector.detect(photo)
        if not faces:
            continue
        size, margin = params["align"]["size"], params["align"]["margin"]
        matrix = similarity(choose(faces, photo.shape).points, reference_points(size, margin))
        rows.append({
            "truth": cut(photo, matrix, size),
            "enlarged": decode(before["image"]["bytes"]),
            "restored": decode(row["image"]["bytes"]),
            "ethnicity": before["ethnicity"],
        })  # fmt: skip
    return rows


def _judge(folder: Path, params: dict[str, Any]) -> Any:
    module, settings = plugins.configure("judges", params["judges"]["embedding"], "embedding")
    judge = module.Judge(settings)
    judge.load(folder / "models/embedding")
    return judge


def _angle(face: Image) -> float:
    found = measure(face).ita
    return np.nan if found is None else found
