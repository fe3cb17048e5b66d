"""Which faces an attribute can be learned from: their values, their maps, and what speaks against
them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from augment.errors import UserError
from augment.generators.attribute.config import Config
from augment.nets.data import FaceSet
from augment.regions import PARTS, SIGNS, region_of, shape
from augment.shards import iterate
from augment.types import FloatArray, Image
from augment.vocabulary import NO, YES

VALUES = {NO: 0.0, YES: 1.0}


@dataclass(frozen=True)
class Maps:
    """Parsing maps of faces that have a usable one, uint8 (side, side), by face id."""

    parsing: Mapping[str, Image]
    odd: int = 0  # maps of another size than their face, or damaged

    @classmethod
    def read(cls, folder: Path, faces: FaceSet) -> "Maps":
        """From ``data/aligned``."""
        wanted, side, found, odd = set(faces.ids), faces.images.shape[1], {}, 0
        for batch in iterate(folder, ["id", "parsing"]):
            rows = batch.to_pydict()
            for name, content in zip(rows["id"], rows["parsing"], strict=True):
                if name in wanted and content is not None:
                    coded = np.frombuffer(content, np.uint8)
                    drawn = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE) if len(coded) else None
                    if drawn is None or drawn.shape != (side, side) or drawn.max() > len(PARTS):
                        odd += 1
                    else:
                        found[name] = np.asarray(drawn, dtype=np.uint8)
        return cls(found, odd)


def values_of(config: Config, faces: FaceSet, where: str) -> FloatArray:
    """(faces, attributes): 0, 1, or nan where not known."""
    lost = [name for name in config.attributes if name not in faces.labels]
    if lost:
        raise UserError(
            f"params.yaml: {where}.attributes names '{lost[0]}', which is no label of this data "
            f"set. It has {', '.join(faces.labels)}."
        )
    columns = [[VALUES.get(word, np.nan) for word in faces.labels[name]]
               for name in config.attributes]  # fmt: skip
    return np.array(columns, np.float32).reshape(len(columns), len(faces)).T


def usable(
    config: Config, faces: FaceSet, values: FloatArray, maps: Maps
) -> tuple[npt.NDArray[np.bool_], dict[str, int]]:
    """Which faces can be learned from, and why the others cannot, counted.

    Sets values to nan that the face's own map contradicts.
    """
    notes: Counter[str] = Counter()
    masked = np.array([word == YES for word in faces.labels.get("mask", ("",) * len(faces))], bool)
    notes["wear a mask"] = int(masked.sum())
    for place, name in enumerate(config.attributes):
        sign = SIGNS.get(name)
        shown = np.array([sign is not None and one in maps.parsing
                          and bool((maps.parsing[one] == PARTS.index(sign) + 1).any())
                          for one in faces.ids], bool)  # fmt: skip
        has_map = np.array([one in maps.parsing for one in faces.ids], bool)
        wrong = has_map & (values[:, place] == 1 - shown) if sign else np.zeros(len(faces), bool)
        notes[f"label {name} contradicts the map"] = int(wrong.sum())
        values[wrong, place] = np.nan
    scale = config.network.size / max(1, faces.images.shape[1])
    placed = np.array([
        all(shape(region_of(config.region(name)), config.network.size, points * scale).any()
            for name in config.attributes)
        for points in faces.points], bool)  # fmt: skip
    notes["have no place for a region"] = int((~placed).sum())
    unknown = np.isnan(values).all(axis=1)
    notes["have no known value"] = int(unknown.sum())
    notes["maps of another size, or damaged, are not read"] = maps.odd
    notes["guides are by landmarks alone"] = sum(one not in maps.parsing for one in faces.ids)
    return ~masked & placed & ~unknown, {name: count for name, count in notes.items() if count}


def enough(config: Config, values: FloatArray, where: str) -> None:
    for place, name in enumerate(config.attributes):
        counts = {word: int((values[:, place] == value).sum()) for word, value in VALUES.items()}
        if min(counts.values()) < config.smallest_class:
            shown = ", ".join(f"{word}: {count}" for word, count in counts.items())
            raise UserError(
                f"{where} needs {config.smallest_class} train faces or more (of half a) of each "
                f"value of '{name}', but has {shown}. Add faces, lower {where}.smallest_class, or "
                f"leave '{name}' out of {where}.attributes in params.yaml."
            )
