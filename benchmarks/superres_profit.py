"""Who learns better with restored faces? Linear heads on a frozen face embedder, which a few
thousand photos suffice for; the network of `evaluate` would want hours of a core for as much.

Test faces are the road's own: real, large, unseen. Three sets to learn from:

    photos     the road's real train photos, small faces left out
    as_is      the same and the small faces that were restored, merely enlarged
    restored   the same and these faces restored, as they passed the gate
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import yaml
from mask_measures import interval
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from superres_gains import DATA, RARE, RESTORED

from augment.figures import Figure
from augment.images import decode
from augment.nets.embedder import Embedder
from augment.schema import OK
from augment.shards import read_table
from augment.types import FloatArray

SEEDS = 5  # trainings, each on faces drawn with replacement (a Poisson bootstrap)
_LABELS = ("gender", "age_group")
_BASE = "photos"
_STRENGTH = 0.01  # of the heads' regularisation (inverse): 128 numbers describe a face

Words = npt.NDArray[np.str_]


def profit_rows(work: Path, seed: int) -> Iterator[Figure]:
    """Accuracies of the heads, and differences to those of ``photos``, in pairs."""
    road = work / "restored"
    params = yaml.safe_load((road / "params.yaml").read_text())
    entry = params["judges"]["embedding"]
    embedder = Embedder(Path(entry["model"]), entry["sha256"], 112, "rgb", 127.5, 127.5,
                        "the benchmark")  # fmt: skip
    arms, test = _arms(road, embedder)
    ages = test[1]["age_group"]
    for label in _LABELS:
        known = test[1][label] != "unknown"
        right = {arm: _right(faces, test, label, seed)[:, known] for arm, faces in arms.items()}
        for group in ("all", "rare ages"):
            chosen = (np.isin(ages, RARE) | (group == "all"))[known]
            shares = {arm: hits[:, chosen].mean(axis=0) for arm, hits in right.items()}
            for arm, own in shares.items():
                yield _figure("accuracy", arm, own, f"{label}, {group}", seed)
                if arm != _BASE:
                    gain = own - shares[_BASE]
                    yield _figure("accuracy_gain", arm, gain, f"{label}, {group}", seed)


def _figure(name: str, arm: str, values: npt.NDArray[np.float64], group: str, seed: int) -> Figure:
    names = [str(place) for place in range(len(values))]
    return Figure(
        name, f"heads_{arm}", DATA, round(float(values.mean()), 4), "share of test faces",
        "higher", len(values), "test", group, seeds=SEEDS,
        interval=interval(values, names, seed, lambda means: means),
    )  # fmt: skip


Faces = tuple[FloatArray, dict[str, Words]]  # descriptions, labels


def _arms(road: Path, embedder: Embedder) -> tuple[dict[str, Faces], Faces]:
    columns = ["id", "status", "split", "image", *_LABELS]
    rows = read_table(road / "data/aligned", columns).to_pylist()
    made = pq.read_table(road / "data/balanced/data", columns=["image", "generator", "parents",
                                                               *_LABELS])  # fmt: skip
    restored = [row for row in made.to_pylist() if row["generator"] == RESTORED]
    parents = {row["parents"][0] for row in restored}
    photos = [row for row in rows if (row["split"], row["status"]) == ("train", OK)]
    small = [row for row in rows if row["id"] in parents]
    test = [row for row in rows if (row["split"], row["status"]) == ("test", OK)]

    def described(faces: list[dict[str, object]]) -> Faces:
        pictures = np.stack([decode(row["image"]["bytes"]) for row in faces])  # type: ignore[index]
        labels = {name: np.array([str(row[name]) for row in faces]) for name in _LABELS}
        return embedder.describe(pictures, 1.0), labels

    base, of_small, of_restored = described(photos), described(small), described(restored)
    arms = {_BASE: base, "as_is": _both(base, of_small), "restored": _both(base, of_restored)}
    return arms, described(test)


def _both(one: Faces, other: Faces) -> Faces:
    labels = {name: np.concatenate([one[1][name], other[1][name]]) for name in _LABELS}
    return np.concatenate([one[0], other[0]]), labels


def _right(faces: Faces, test: Faces, label: str, seed: int) -> npt.NDArray[np.float64]:
    """(trainings, test faces): 1 where the head says what the label says."""
    numbers, words = faces[0], faces[1][label]
    found = []
    for number in range(SEEDS):
        random = np.random.default_rng([seed, number])
        # How often each face counts; the photos that all sets have in common count alike.
        often = random.poisson(1.0, len(words)) * (words != "unknown")
        heads = make_pipeline(StandardScaler(), LogisticRegression(C=_STRENGTH, max_iter=500))
        heads.fit(numbers, words, logisticregression__sample_weight=often)
        found.append(heads.predict(test[0]) == test[1][label])
    return np.array(found, dtype=np.float64)
