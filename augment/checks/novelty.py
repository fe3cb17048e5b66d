"""The candidate is a new picture: no copy of its parent, of another face, or of a held-out one.

Faces are compared by their 256-bit difference hash and by a grey thumbnail. A face is hashed as it
is, mirrored, and both shifted by a pixel: the nearest counts. Copies of one photo differ in few
bits; where real faces of the data set come as near as that without being copies (train against
held-out ones, and against each other), fewer count.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from augment.duplicates import near_duplicate_pairs
from augment.metrics.parents import mean_of_parents, parent_places
from augment.params import Section
from augment.protocols import Evidence, Reference, Verdict
from augment.schema import SMALL
from augment.types import FloatArray, Image

Hashes = npt.NDArray[np.uint64]  # (n, 4), or (n, VARIANTS, 4)
Grey = npt.NDArray[np.uint8]  # (height, width)
HEIGHT, WIDTH = 16, 17  # of the thumbnail that difference_hash compares the cells of
#: So many of the 272 cells, those that differ most, tell of a local change, as of a mouth that
#: opens. This share of what they differ by counts: a face stored anew stays the same picture.
_PEAK, _PEAK_SHARE = 8, 0.15
_BLOCK = 4_000_000  # pairs compared at a time: 128 MB
#: Pixels of a 64-pixel crop: as it is first.
_SHIFTS = tuple((down, across) for down in (0, -1, 1) for across in (0, -1, 1))
VARIANTS = 2 * len(_SHIFTS)
#: Shifts are tried against so many of the faces that are nearest without.
_NEAREST = 8


class Config(Section):
    # A candidate is too near a face that is not its parent where at most so many of 256 bits
    # differ, or fewer: as long as real faces are refused at no more than gate.false_rejection.
    copy_bits: int = Field(24, ge=0, le=255)
    # A candidate whose thumbnail differs from its parent's, or from another candidate's, by fewer
    # grey levels (0..255; see levels_apart) is the same picture: storing it anew changes less.
    same_levels: float = Field(1.2, ge=0)
    # Two candidates are compared by thumbnail where at most so many of 256 hash bits differ.
    same_bits: int = Field(8, ge=0, le=30)


class Check:
    """Score: bits to the nearest held-out face, or whatever else refuses it first."""

    measures: Mapping[str, int] = {"thumbnail": HEIGHT * WIDTH, "hashes": VARIANTS * 16}

    def __init__(self, config: Config) -> None:
        self._config = config

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        """Thumbnail: 16 x 17 cells of luma, row by row, 0..255. Hashes: 18 of 256 bits, each as
        16 numbers 0..65535: as it is and shifted by a pixel (1/64 of the side), then mirrored."""
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        hashes = [
            _shifted_hash(side, *shift) for side in (grey, grey[:, ::-1]) for shift in _SHIFTS
        ]
        return {
            "thumbnail": _thumbnail(grey).ravel(),
            "hashes": np.concatenate(hashes).view(np.uint16).astype(np.float32),
        }

    def fit(self, reference: Reference) -> None:
        self._parents = reference.parents
        self._status = reference.parents.rows.column("status").to_pylist()
        known = reference.hashes.filter(pc.is_valid(reference.hashes.column("face_hash")))
        is_train = pc.equal(known.column("split"), "train")
        self._train, self._held_out = known.filter(is_train), known.filter(pc.invert(is_train))
        self._train_hashes, self._held_out_hashes = _hashes(self._train), _hashes(self._held_out)
        unseen = reference.unseen
        sample = variants_of(unseen.measures["hashes"])
        themselves = _places(unseen.rows.column("id").to_pylist(), self._train)
        # Two of the tests have a rate; each gets half of it.
        rate = reference.false_rejection / 2
        near = nearest(sample, self._held_out_hashes)[1]
        self._near_held_out = self._limit(near, rate)
        near = nearest(sample, self._train_hashes, [np.array([own]) for own in themselves])[1]
        self._near_train = self._limit(near, rate)

    def _limit(self, bits: npt.NDArray[np.int64], rate: float) -> int:
        """Faces this near or nearer are refused: at most the share ``rate`` of real ones, whose
        distances are ``bits``, unless more than that are equal to another in all bits."""
        if not len(bits):
            return self._config.copy_bits
        usual = int(np.quantile(bits, rate, method="lower"))
        return min(self._config.copy_bits, max(usual - 1, 0))

    def judge(self, candidates: Evidence) -> list[Verdict]:
        thumbnails = candidates.measures["thumbnail"]
        held_out = self._to_held_out(candidates)
        other = self._to_other_train(candidates)
        parent = self._to_parents(candidates)
        first = self._copies(candidates)
        readable: npt.NDArray[np.bool_] = np.all(np.isfinite(thumbnails), axis=1)
        return [
            self._verdict(held_out[place], other[place], float(parent[place]), first[place])
            if readable[place]
            else Verdict(None, None, False, "the picture cannot be read")
            for place in range(len(thumbnails))
        ]

    def _verdict(
        self, held_out: tuple[int, str], other: tuple[int, str], parent: float, first: str
    ) -> Verdict:
        levels, bits = self._config.same_levels, float(held_out[0])
        if np.isnan(parent):
            return Verdict(None, None, False, "its parent is not among the train faces")
        if parent < levels:
            return Verdict(parent, levels, False, "the same picture as its parent")
        if held_out[0] <= self._near_held_out:
            reason = f"too near the held-out face {held_out[1]}"
            return Verdict(bits, self._near_held_out + 1, False, reason)
        if other[0] <= self._near_train:
            reason = f"too near the train face {other[1]}, which is not its parent"
            return Verdict(float(other[0]), self._near_train + 1, False, reason)
        if first:
            return Verdict(0.0, 1.0, False, f"the same picture as candidate {first}")
        return Verdict(bits, self._near_held_out + 1, passed=True)

    def _to_held_out(self, candidates: Evidence) -> list[tuple[int, str]]:
        """Bits to the nearest held-out face, and that face's id."""
        ids = [*self._held_out.column("id").to_pylist(), ""]
        found = nearest(variants_of(candidates.measures["hashes"]), self._held_out_hashes)
        return [(int(bits), ids[place]) for place, bits in zip(*found, strict=True)]

    def _to_other_train(self, candidates: Evidence) -> list[tuple[int, str]]:
        """Bits to the nearest train face that its own parents are not as near to."""
        ids = [*self._train.column("id").to_pylist(), ""]
        families = []
        for places in parent_places(candidates.rows, self._train):
            known = np.array([place for place in places if place >= 0], dtype=np.int64)
            to_parents = distances(self._train_hashes[known], self._train_hashes)
            alike = np.flatnonzero(np.any(to_parents <= self._near_train, axis=0))
            families.append(np.concatenate([known, alike]))
        own = variants_of(candidates.measures["hashes"])
        found = nearest(own, self._train_hashes, families)
        return [(int(bits), ids[place]) for place, bits in zip(*found, strict=True)]

    def _to_parents(self, candidates: Evidence) -> FloatArray:
        """How far from the parents' thumbnail, grey levels; nan without parents.

        A parent that is too small is no face of the data set: what is restored from it looks like
        it and yet is no copy (inf).
        """
        places = parent_places(candidates.rows, self._parents.rows)
        own = candidates.measures["thumbnail"]
        of_parents = mean_of_parents(self._parents.measures["thumbnail"], places)
        apart = levels_apart(own, of_parents)
        small = {n for n, word in enumerate(self._status) if word == SMALL}
        apart[[not small.isdisjoint(family) for family in places]] = np.inf
        return apart

    def _copies(self, candidates: Evidence) -> list[str]:
        """For each candidate the id of an earlier one (by id) that it repeats, else ""."""
        thumbnails = np.nan_to_num(candidates.measures["thumbnail"])
        ids = candidates.rows.column("id").to_pylist()
        order = np.argsort(np.array(ids, dtype=np.str_), kind="stable")
        plain = variants_of(candidates.measures["hashes"][order])[:, 0]
        hashes = np.ascontiguousarray(plain).view(np.uint8).reshape(-1, 32)
        first = [""] * len(ids)
        for one, other in near_duplicate_pairs(hashes, self._config.same_bits):
            early, late = order[one], order[other]
            (levels,) = levels_apart(thumbnails[early][None], thumbnails[late][None])
            if levels < self._config.same_levels and not first[late]:
                first[late] = ids[early]
        return first

    def notes(self) -> list[str]:
        return [
            f"faces within {self._near_held_out} bits of one of {self._held_out.num_rows} held-out "
            f"faces, or within {self._near_train} of another train face, count as copies"
        ]


def levels_apart(some: FloatArray, others: FloatArray) -> FloatArray:
    """How far thumbnails (n, cells) differ, (n,), grey levels: their mean difference, or a share of
    that of the cells that differ most where this is more; nan where a thumbnail is."""
    apart = np.sort(np.abs(some - others), axis=1)
    peak = _PEAK_SHARE * apart[:, -_PEAK:].mean(axis=1)
    return np.asarray(np.maximum(apart.mean(axis=1), peak), dtype=np.float32)


def _thumbnail(grey: Grey) -> FloatArray:
    small = cv2.resize(grey, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32)


def _shifted_hash(grey: Grey, down: int, across: int) -> npt.NDArray[np.uint8]:
    """Difference hash of a picture moved by 1/64 of its side, (32,); its edges are repeated."""
    height, width = grey.shape
    step = max(1, round(height / 64))
    padded = cv2.copyMakeBorder(grey, step, step, step, step, cv2.BORDER_REPLICATE)
    top, left = step * (1 - down), step * (1 - across)
    cells = _thumbnail(padded[top : top + height, left : left + width])
    return np.packbits((cells[:, 1:] > cells[:, :-1]).ravel())


def variants_of(hashes: FloatArray) -> Hashes:
    """The measured hashes, (n, VARIANTS, 4); zeros where they are not numbers."""
    numbers = np.nan_to_num(hashes).astype(np.uint16)
    return np.ascontiguousarray(numbers).view(np.uint64).reshape(-1, VARIANTS, 4)


def distances(one: Hashes, other: Hashes) -> npt.NDArray[np.int64]:
    """Differing bits, (len(one), len(other))."""
    bits = np.bitwise_count(one[:, None] ^ other[None])
    return np.asarray(bits.sum(axis=2, dtype=np.int64))


def nearest(
    one: Hashes, other: Hashes, but: Sequence[npt.NDArray[np.int64]] | None = None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Place and distance of the nearest of ``other`` for each of ``one``; -1 and 257 if none.

    Args:
        one: all variants of n faces, (n, VARIANTS, 4).
        other: plain hashes, (m, 4).
        but: for each face the places in ``other`` that are not compared; -1 is none.
    """
    place = np.full(len(one), -1, dtype=np.int64)
    bits = np.full(len(one), 257, dtype=np.int64)
    step = max(1, _BLOCK // max(1, len(other)))
    for start in range(0, len(one) if len(other) else 0, step):
        part = one[start : start + step]
        mirrored = distances(part[:, len(_SHIFTS)], other)
        rough = np.minimum(distances(part[:, 0], other), mirrored)
        for row, left_out in enumerate(but[start : start + step] if but is not None else ()):
            rough[row, left_out[left_out >= 0]] = 257
        few = min(_NEAREST, len(other))
        close = np.argpartition(rough, few - 1, axis=1)[:, :few]
        shifted = np.bitwise_count(part[:, :, None] ^ other[close][:, None]).sum(3, np.int64)
        fine = np.where(np.take_along_axis(rough, close, 1) > 256, 257, shifted.min(axis=1))
        # Of equally near ones the first: the order of a partition means nothing.
        best = np.lexsort((close, fine), axis=1)[:, 0]
        rows = np.arange(len(part))
        bits[start : start + step] = fine[rows, best]
        place[start : start + step] = np.where(fine[rows, best] > 256, -1, close[rows, best])
    return place, bits


def _places(ids: Sequence[str], rows: pa.Table) -> list[int]:
    """Where each id stands in ``rows``; -1 where it does not."""
    places = {row_id: place for place, row_id in enumerate(rows.column("id").to_pylist())}
    return [places.get(row_id, -1) for row_id in ids]


def _hashes(rows: pa.Table) -> Hashes:
    content = b"".join(rows.column("face_hash").to_pylist())
    return np.frombuffer(content, dtype=np.uint64).reshape(-1, 4)
