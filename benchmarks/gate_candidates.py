"""Candidates whose truth is known, for benchmarks/gate.py: faultless ones, and planted faults."""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import gate_spoils
import numpy as np

from augment.crop import choose, cut, reference_points, similarity
from augment.drawing import FaceSpec, draw, random_spec, sample_person
from augment.drawing.spec import MASKS
from augment.images import decode, encode
from augment.intake import Intake, open_sources
from augment.measure import measure
from augment.params import validate
from augment.plugins import configure
from augment.schema import OK, Labels
from augment.seeds import row_generator
from augment.shards import read_schema, read_table
from augment.sources.drawn import BEARD_FROM, Source
from augment.types import Image
from augment.vocabulary import NO, YES, group_of_years

Random = np.random.Generator
Draft = dict[str, Any]  # a candidate row in the making: "image" is still pixels

#: Fault -> the checks that are meant to catch it, of those that there are.
MEANT_FOR: Mapping[str, tuple[str, ...]] = {
    "wrong_age": ("label",),
    "wrong_mask": ("label",),
    "wrong_person": ("identity",),
    "skin_tone": ("tone", "kept"),
    "dark_skin_tone": ("tone",),
    "blur": ("quality",),
    "noise": ("quality", "artifact"),
    "paste": ("artifact",),
    "copy_train": ("novelty",),
    "copy_test": ("novelty",),
    "cut": ("one_face",),
    "closed": ("one_face",),
}
FAULTS = tuple(MEANT_FOR)
#: Ages are ordered to move by so many groups: a judge that is off by one sees that.
FEWEST_STEPS, MOST_STEPS = 2, 4
#: Skin tone moves by so many steps of the Monk scale; between the darkest ones by fewer.
TONE_STEPS, DARK_TONE_STEPS = 3, 2
DARKEST = ("7", "8", "9", "10")


@dataclass(frozen=True)
class _Parent:
    """A train face, the settings it was drawn with, and how its crop was cut."""

    row: Mapping[str, Any]
    spec: FaceSpec
    matrix: Any


class _Maker:
    """Draws candidates as an exact generator would make them: in their parent's own crop."""

    def __init__(self, faces: Path, params: Mapping[str, Any], seed: int) -> None:
        intake = validate(Intake, params["ingest"], "ingest")
        opened: Mapping[str, object] = open_sources(intake, seed)
        source = opened["drawn"]
        assert isinstance(source, Source), "params.yaml: ingest.sources.drawn is of another kind"
        self.source = source
        self.labels = Labels.of(read_schema(faces))
        self.pixels, self.size = self.source.config.size, params["align"]["size"]
        self.margin = params["align"].get("margin", 0.0)
        module, settings = configure("align", params["align"]["detector"], "align.detector")
        self.detector = module.Detector(settings)
        self.rows = [row for row in read_table(faces).to_pylist() if row["status"] == OK]
        self.train = [row for row in self.rows if row["split"] == "train"]
        self.held_out = [row for row in self.rows if row["split"] != "train"]

    def parent(self, row: Mapping[str, Any]) -> _Parent:
        photo = decode(self.source.read(row["uri"]))
        points = choose(self.detector.detect(photo), photo.shape).points
        matrix = similarity(points, reference_points(self.size, self.margin))
        return _Parent(row, self.source._spec(int(row["uri"])), matrix)

    def crop(self, parent: _Parent, spec: FaceSpec) -> Image:
        drawn = decode(encode(draw(spec, self.pixels).image))
        return np.asarray(cut(drawn, parent.matrix, self.size), dtype=np.uint8)

    def draft(self, parent: _Parent, image: Image, changed: Mapping[str, str]) -> Draft:
        labels = {name: parent.row[name] for name in self.labels.columns}
        return {"parents": [parent.row["id"]], "changes": sorted(changed), "image": image,
                "generator": "mask" if "mask" in changed else "age" if changed else "copies",
                **labels, **changed}  # fmt: skip

    def other_age(self, parent: _Parent, random: Random) -> float:
        """Years in a group that lies FEWEST_STEPS to MOST_STEPS away."""
        groups = self.source.age_groups
        place = [group.name for group in groups].index(parent.row["age_group"])
        steps = [s for s in range(FEWEST_STEPS, MOST_STEPS + 1) for s in (s, -s)
                 if 0 <= place + s < len(groups)]  # fmt: skip
        group = groups[place + int(random.choice(steps))]
        high = min(group.high, 85)
        return float(random.uniform(group.low, high + 0.9))

    def aged(self, parent: _Parent, random: Random) -> tuple[FaceSpec, str]:
        """The same picture at another age, with the hair of that age; and its age group."""
        age, was = self.other_age(parent, random), parent.spec
        kept = {name: getattr(was, name) for name in ("glasses", "smile", "mouth_open", "mask")}
        spec = random_spec(was.person, age, was.seed, **kept)
        return spec, group_of_years(age, self.source.age_groups)


def candidates(
    faces: Path, params: Mapping[str, Any], seed: int, each: int, good: int, workers: int
) -> list[dict[str, Any]]:
    """Rows of ``candidate_schema``, ``fault`` and the parent's ``half``, a parent for each.

    Args:
        faces: the aligned drawn faces.
        params: sections ``ingest`` and ``align``.
        seed: of the run.
        each: candidates of each fault, at most.
        good: faultless ones, at most.
        workers: processes that draw.
    """
    rows = read_table(faces, ["status", "split", "mask", "skin_tone"]).to_pylist()
    usable = [row for row in rows if row["status"] == OK]
    bare = [place for place, row in enumerate(usable)
            if row["split"] == "train" and row["mask"] == NO]  # fmt: skip
    kinds = list(_kinds(each, good))
    if len(kinds) > len(bare):
        raise SystemExit(f"{len(kinds)} candidates need as many bare train faces; there are "
                         f"{len(bare)}: raise --faces")  # fmt: skip
    order = [int(place) for place in np.random.default_rng(seed).permutation(bare)]
    tasks = list(_given_parents(kinds, order, usable))
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, _start, (faces, params, seed)) as pool:
        return pool.map(_finished, tasks, chunksize=16)


def _given_parents(
    kinds: list[str], order: list[int], rows: list[Mapping[str, Any]]
) -> Iterator[tuple[str, int, int]]:
    """(kind, place of its parent, number): the next one in ``order`` that will do for the kind."""
    dark = [place for place in order if rows[place]["skin_tone"] in DARKEST]
    dark = dark[: kinds.count("dark_skin_tone")]
    others = iter([place for place in order if place not in set(dark)])
    for number, kind in enumerate(kinds):
        if kind != "dark_skin_tone":
            yield kind, next(others), number
        elif dark:
            yield kind, dark.pop(), number


def _kinds(each: int, good: int) -> Iterator[str]:
    """Kinds in turn, so that none gets other parents than another."""
    counts = dict.fromkeys(FAULTS, each) | dict.fromkeys(("good_age", "good_mask"), good // 2)
    counts["dark_skin_tone"] = each // 2  # dark parents are few
    for turn in range(max(counts.values())):
        yield from (kind for kind, count in counts.items() if turn < count)


_drawing: dict[str, Any] = {}  # what each process of the pool works with


def _start(faces: Path, params: Mapping[str, Any], seed: int) -> None:
    cv2.setNumThreads(1)
    _drawing.update(maker=_Maker(faces, params, seed), seed=seed)


def _finished(task: tuple[str, int, int]) -> dict[str, Any]:
    kind, place, number = task
    maker, seed = _drawing["maker"], _drawing["seed"]
    row = maker.rows[place]
    random = row_generator(seed, f"gate benchmark {kind}", row["id"])
    draft = _MAKERS[kind](maker, maker.parent(row), random)
    content = encode(np.ascontiguousarray(draft.pop("image")))
    points = np.array(row["points"], np.float32).reshape(5, 2)
    name = f"{draft['generator']}/{number:05d}"
    measured = measure(decode(content), points).columns()
    # The ordered bin plays no part in the gate: groups come from the labels.
    return {**draft, "id": name, "fault": kind, "bin": "", "seed": number, "status": OK,
            "reason": "", "weights": "", "steps": [kind], "licence": row["licence"],
            "half": row["half"],
            "image": {"bytes": content, "path": f"{name}.jpg"}, "points": row["points"],
            **measured}  # fmt: skip


# --- faultless, and what is built on it ---


def _good_age(maker: _Maker, parent: _Parent, random: Random) -> Draft:
    spec, word = maker.aged(parent, random)
    draft = maker.draft(parent, maker.crop(parent, spec), {"age_group": word})
    return {**draft, "beard": YES if spec.beard >= BEARD_FROM else NO}


def _good_mask(maker: _Maker, parent: _Parent, random: Random) -> Draft:
    spec = replace(parent.spec, mask=MASKS[int(random.integers(len(MASKS)))])
    return maker.draft(parent, maker.crop(parent, spec), {"mask": YES})


def _asked(maker: _Maker, parent: _Parent, random: Random) -> Draft:
    return (_good_age if random.random() < 0.5 else _good_mask)(maker, parent, random)


def _spoiled(spoil: Callable[[Image, Random], Image]) -> Callable[..., Draft]:
    """A faultless candidate whose finished crop gets a fault."""

    def make(maker: _Maker, parent: _Parent, random: Random) -> Draft:
        draft = _asked(maker, parent, random)
        return {**draft, "image": spoil(draft["image"], random)}

    return make


# --- wrong contents ---


def _unchanged(parent: _Parent, random: Random) -> FaceSpec:
    """The parent's own picture, but for light and smile: a generator that did nothing much."""
    spec = parent.spec
    smile = float(np.clip(spec.smile + random.uniform(-0.12, 0.12), 0, 1))
    return replace(spec, light_strength=spec.light_strength * random.uniform(1.05, 1.12),
                   light_azimuth=spec.light_azimuth + random.uniform(-8, 8), smile=smile,
                   seed=spec.seed + 1)  # fmt: skip


def _wrong_age(maker: _Maker, parent: _Parent, random: Random) -> Draft:
    _, word = maker.aged(parent, random)
    image = maker.crop(parent, _unchanged(parent, random))
    return maker.draft(parent, image, {"age_group": word})


def _wrong_mask(maker: _Maker, parent: _Parent, random: Random) -> Draft:
    return maker.draft(parent, maker.crop(parent, _unchanged(parent, random)), {"mask": YES})


def _wrong_person(maker: _Maker, parent: _Parent, random: Random) -> Draft:
    """Somebody else with all the right labels, in the same pose and light."""
    was = parent.spec.person
    person = sample_person(int(random.integers(1 << 31)), was.gender, was.monk)
    own = random_spec(person, parent.spec.age, parent.spec.seed)
    stranger = replace(parent.spec, person=person, hair_style=own.hair_style,
                       hair_length=own.hair_length)  # fmt: skip
    return _asked(maker, replace(parent, spec=stranger), random)


def _other_tone(steps: int, lightest: int) -> Callable[..., Draft]:
    """The same person, so many steps of the Monk scale lighter or darker."""

    def make(maker: _Maker, parent: _Parent, random: Random) -> Draft:
        was = parent.spec.person
        moved = [m for m in (was.monk - steps, was.monk + steps) if lightest <= m <= 10]
        person = sample_person(was.seed, was.gender, int(random.choice(moved)))
        turned = replace(parent.spec, person=person)
        return _asked(maker, replace(parent, spec=turned), random)

    return make


def _copy_of(pool: Callable[[_Maker], list[Any]]) -> Callable[..., Draft]:
    """Another face of the data set with the parent's labels: mirrored, shifted, stored anew."""

    def make(maker: _Maker, parent: _Parent, random: Random) -> Draft:
        alike = [row for row in pool(maker) if row["person"] != parent.row["person"]
                 and row["gender"] == parent.row["gender"]]  # fmt: skip
        other = alike[int(random.integers(len(alike)))]
        image = decode(other["image"]["bytes"])
        if random.random() < 0.5:
            image = image[:, ::-1]
        shift = np.array([[1, 0, random.uniform(-1, 1)], [0, 1, random.uniform(-1, 1)]])
        size = image.shape[0]
        moved = cv2.warpAffine(image, shift, (size, size), borderMode=cv2.BORDER_REPLICATE)
        draft = maker.draft(parent, np.asarray(moved, np.uint8), {})
        return {**draft, **{name: other[name] for name in maker.labels.columns}}

    return make


_MAKERS: Mapping[str, Callable[[_Maker, _Parent, Random], Draft]] = {
    "good_age": _good_age,
    "good_mask": _good_mask,
    "wrong_age": _wrong_age,
    "wrong_mask": _wrong_mask,
    "wrong_person": _wrong_person,
    "skin_tone": _other_tone(TONE_STEPS, 1),
    "dark_skin_tone": _other_tone(DARK_TONE_STEPS, int(DARKEST[0])),
    "blur": _spoiled(gate_spoils.blur),
    "noise": _spoiled(gate_spoils.noise),
    "paste": _spoiled(gate_spoils.paste),
    "copy_train": _copy_of(lambda maker: maker.train),
    "copy_test": _copy_of(lambda maker: maker.held_out),
    "cut": _spoiled(gate_spoils.cut),
    "closed": _spoiled(gate_spoils.closed),
}
