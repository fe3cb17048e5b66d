"""``augment predict``: age groups that nobody has labelled, guessed by a trained generator."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from tqdm import tqdm

from augment.errors import UserError
from augment.images import decode
from augment.intake.predictions import FILE, Prediction, read_predictions, write_predictions
from augment.metrics.proportion import wilson_interval
from augment.params import read_params
from augment.plugins import CLASS_NAME, configure
from augment.schema import OK, PREDICTED
from augment.shards import iterate
from augment.types import FloatArray, Image
from augment.vocabulary import UNKNOWN

_LABEL = "age_group"
_ALIGNED = Path("data/aligned")
_COLUMNS = ["id", "status", "split", "sha256", "image", _LABEL, "label_origin"]
_BATCH = 64


class Classifier(Protocol):
    """A generator that also says how old faces look."""

    def age_groups(self) -> tuple[str, ...]: ...

    def classify(self, images: Sequence[Image]) -> FloatArray:
        """Probabilities of the groups, (images, groups)."""
        ...

    def weights(self) -> str: ...


@dataclass(frozen=True)
class _Guesses:
    """Rows that were looked at, the likeliest group of each and its probability, (rows,)."""

    rows: list[dict[str, Any]]
    group: npt.NDArray[np.int64]
    probability: FloatArray


def predict(key: str, at_least: float, say: Callable[[str], None] = print) -> int:
    """Write ``predicted.csv`` of the project in the working directory anew.

    Lines of another model, or of a person who wrote a name of their own under ``model``, stay.

    Args:
        key: a trained generator under ``generators`` that knows ages.
        at_least: a guess of less probability is none, 0..1.
        say: gets a sentence on how many were filled in, and one on how often such guesses are
            right of the validation faces that are labelled.

    Returns:
        How many faces got a guess.

    Raises:
        UserError: there is no such generator, it is not trained, or it knows nothing of ages.
    """
    model = _model(key)
    name = f"{key} {model.weights()[:12]}"
    groups = model.age_groups()
    unlabelled = _guesses(model, "train", _is_open)
    if not unlabelled.rows:
        say("Every usable train face has an age group already: there is nothing to guess.")
        return 0
    sure = np.flatnonzero(unlabelled.probability >= at_least)
    found = [
        Prediction(
            id=unlabelled.rows[place]["id"],
            label=_LABEL,
            value=groups[unlabelled.group[place]],
            probability=round(float(unlabelled.probability[place]), 4),
            model=name,
            sha256=unlabelled.rows[place]["sha256"],
        )
        for place in sure
    ]
    path = Path(FILE)
    others = [one for one in read_predictions(path) if one.model.split(" ")[0] != key]
    own = {one.sha256 for one in others}
    found = [one for one in found if one.sha256 not in own]
    write_predictions(path, [*others, *found])
    say(
        f"{len(found):,} of {len(unlabelled.rows):,} train faces without an age group: guessed "
        f"with a probability of {at_least:g} or more, written to {FILE}; the others stay unknown."
    )
    labelled = _guesses(model, "validation", lambda row: not _is_open(row))
    say(_how_good(labelled, groups, at_least))
    if found:
        say("Look through the file, then run `dvc repro`.")
    return len(found)


def _model(key: str) -> Classifier:
    entry = (read_params().get("generators") or {}).get(key)
    if entry is None:
        raise UserError(f"params.yaml has no generator '{key}' under generators.")
    module, config = configure("generators", entry, f"generators.{key}")
    generator = getattr(module, CLASS_NAME["generators"])(config)
    if not hasattr(generator, "classify"):
        raise UserError(
            f"generator '{key}' is of kind '{entry['kind']}', which does not say how old faces "
            "look; name one of kind 'age'."
        )
    folder = Path("models") / key
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder} holds no trained model: run `dvc repro train@{key}` first.")
    generator.load(folder)
    model: Classifier = generator
    return model


def _is_open(row: Mapping[str, Any]) -> bool:
    """Whether nobody has labelled it."""
    guessed = (row["label_origin"] or {}).get(_LABEL) == PREDICTED
    return guessed or row[_LABEL] in (UNKNOWN, None)


def _guesses(
    model: Classifier, split: str, wanted: Callable[[Mapping[str, Any]], bool]
) -> _Guesses:
    kept: list[dict[str, Any]] = []
    opinions = [np.zeros((0, len(model.age_groups())), np.float32)]
    quiet = not sys.stderr.isatty()
    for rows in tqdm(_batches(split, wanted), f"{split} faces", unit="batch", disable=quiet):
        opinions.append(model.classify([decode(row.pop("image")["bytes"]) for row in rows]))
        kept += rows
    probabilities = np.concatenate(opinions)
    return _Guesses(kept, probabilities.argmax(axis=1), probabilities.max(axis=1, initial=0))


def _batches(
    split: str, wanted: Callable[[Mapping[str, Any]], bool]
) -> Iterator[list[dict[str, Any]]]:
    """Usable rows of a split with their pictures, a few at a time."""
    for batch in iterate(_ALIGNED, _COLUMNS):
        rest = batch.drop_columns(["image"]).to_pylist()
        places = [
            place
            for place, row in enumerate(rest)
            if row["status"] == OK and row["split"] == split and wanted(row)
        ]
        for start in range(0, len(places), _BATCH):
            yield batch.take(pa.array(places[start : start + _BATCH])).to_pylist()


def _how_good(labelled: _Guesses, groups: Sequence[str], at_least: float) -> str:
    sure = np.flatnonzero(labelled.probability >= at_least)
    true = [labelled.rows[place][_LABEL] for place in sure]
    known = [(groups.index(word), place) for word, place in zip(true, sure, strict=True)
             if word in groups]  # fmt: skip
    if not known:
        return (
            f"How often such guesses are right is not known: of {len(labelled.rows):,} labelled "
            "validation faces it is as sure of none."
        )
    apart = np.array([abs(word - int(labelled.group[place])) for word, place in known])
    right = int((apart == 0).sum())
    low, high = wilson_interval(right, len(known))
    return (
        f"Of {len(labelled.rows):,} labelled validation faces it is as sure of {len(known):,}: "
        f"{right / len(known):.0%} right ({low:.0%} to {high:.0%}), "
        f"{(apart < 2).mean():.0%} within one group."
    )
