"""The candidate is a new picture: no copy of its parent, of another face, or of a held-out one.

Faces are compared by their 256-bit difference hash (as they are and mirrored) and by a grey
thumbnail. Copies of one photo differ in few bits; where real faces of the data set come as near
as that without being copies (train against held-out ones, and against each other), fewer count.
"""

from collections.abc import Mapping

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
from augment.types import FloatArray, Image

Hashes = npt.NDArray[np.uint64]  # (n, 4)
HEIGHT, WIDTH = 16, 17  # of the thumbnail that difference_hash compares the cells of
_BLOCK = 4_000_000  # pairs compared at a time: 128 MB


class Config(Section):
    # A candidate is too near a face that is not its parent where at most so many of 256 bits
    # differ, or fewer: as long as real faces are refused at no more than gate.false_rejection.
    copy_bits: int = Field(20, ge=0, le=255)
    # A candidate whose thumbnail differs from its parent's, or from another candidate's, by fewer
    # grey levels (0..255, on average) is the same picture: storing it anew changes less than 1.
    same_levels: float = Field(2.0, ge=0)
    # Two candidates are compared by thumbnail where at most so many of 256 hash bits differ.
    same_bits: int = Field(8, ge=0, le=30)


class Check:
    """Score: bits to the nearest held-out face, or whatever else refuses it first."""

    measures: Mapping[str, int] = {"thumbnail": HEIGHT * WIDTH}

    def __init__(self, config: Config) -> None:
        self._config = config

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        """Thumbnail: 16 x 17 cells of luma, row by row, 0..255."""
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        return {"thumbnail": small.astype(np.float32).ravel()}

    def fit(self, reference: Reference) -> None:
        self._parents = reference.parents
        known = reference.hashes.filter(pc.is_valid(reference.hashes.column("face_hash")))
        is_train = pc.equal(known.column("split"), "train")
        self._train, self._held_out = known.filter(is_train), known.filter(pc.invert(is_train))
        self._train_hashes, self._held_out_hashes = _hashes(self._train), _hashes(self._held_out)
        sample = _hashes(reference.unseen.rows.filter(
            pc.is_valid(reference.unseen.rows.column("face_hash"))))  # fmt: skip
        # Two of the tests have a rate; each gets half of it.
        rate = reference.false_rejection / 2
        self._near_held_out = self._limit(nearest(sample, self._held_out_hashes)[1], rate)
        self._near_train = self._limit(_second_nearest(sample, self._train_hashes), rate)

    def _limit(self, bits: npt.NDArray[np.int64], rate: float) -> int:
        """Faces this near or nearer are refused: at most the share ``rate`` of real ones, whose
        distances are ``bits``, unless more than that are equal to another in all bits."""
        if not len(bits):
            return self._config.copy_bits
        usual = int(np.quantile(bits, rate, method="lower"))
        return min(self._config.copy_bits, max(usual - 1, 0))

    def judge(self, candidates: Evidence) -> list[Verdict]:
        thumbnails = candidates.measures["thumbnail"]
        held_out = self._to_held_out(thumbnails)
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

    def _to_held_out(self, thumbnails: FloatArray) -> list[tuple[int, str]]:
        """Bits to the nearest held-out face, as it is or mirrored, and that face's id."""
        ids = [*self._held_out.column("id").to_pylist(), ""]
        place, bits = nearest(hash_of(thumbnails), self._held_out_hashes)
        mirrored, mirrored_bits = nearest(hash_of(thumbnails, mirror=True), self._held_out_hashes)
        best = np.where(mirrored_bits < bits, mirrored, place)
        both = np.minimum(bits, mirrored_bits)
        return [(int(b), ids[p]) for b, p in zip(both, best, strict=True)]

    def _to_other_train(self, candidates: Evidence) -> list[tuple[int, str]]:
        """Bits to the nearest train face that its own parents are not as near to."""
        ids = self._train.column("id").to_pylist()
        parents = parent_places(candidates.rows, self._train)
        found = []
        for own, places in zip(hash_of(candidates.measures["thumbnail"]), parents, strict=True):
            near = distances(own[None], self._train_hashes)[0]
            known = [place for place in places if place >= 0]
            to_parents = distances(self._train_hashes[known], self._train_hashes)
            near[np.any(to_parents <= self._near_train, axis=0)] = 257
            near[known] = 257
            best = int(np.argmin(near)) if len(near) else -1
            found.append((int(near[best]), ids[best]) if best >= 0 else (257, ""))
        return found

    def _to_parents(self, candidates: Evidence) -> FloatArray:
        """Mean absolute difference to the parents' thumbnail, grey levels; nan without parents."""
        places = parent_places(candidates.rows, self._parents.rows)
        own = candidates.measures["thumbnail"]
        of_parents = mean_of_parents(self._parents.measures["thumbnail"], places)
        return np.asarray(np.abs(own - of_parents).mean(axis=1), dtype=np.float32)

    def _copies(self, candidates: Evidence) -> list[str]:
        """For each candidate the id of an earlier one (by id) that it repeats, else ""."""
        thumbnails = np.nan_to_num(candidates.measures["thumbnail"])
        ids = candidates.rows.column("id").to_pylist()
        order = np.argsort(np.array(ids, dtype=np.str_), kind="stable")
        hashes = hash_of(thumbnails[order]).view(np.uint8).reshape(-1, 32)
        first = [""] * len(ids)
        for one, other in near_duplicate_pairs(hashes, self._config.same_bits):
            early, late = order[one], order[other]
            levels = np.abs(thumbnails[early] - thumbnails[late]).mean()
            if levels < self._config.same_levels and not first[late]:
                first[late] = ids[early]
        return first

    def notes(self) -> list[str]:
        return [
            f"faces within {self._near_held_out} bits of one of {self._held_out.num_rows} held-out "
            f"faces, or within {self._near_train} of another train face, count as copies"
        ]


def hash_of(thumbnails: FloatArray, mirror: bool = False) -> Hashes:
    """Difference hashes of thumbnails (n, 272), or of their mirror images, (n, 4)."""
    cells = np.nan_to_num(thumbnails).reshape(-1, HEIGHT, WIDTH)
    cells = cells[..., ::-1] if mirror else cells
    bits = (cells[..., 1:] > cells[..., :-1]).reshape(len(cells), 256)
    return np.ascontiguousarray(np.packbits(bits, axis=1)).view(np.uint64).reshape(-1, 4)


def distances(one: Hashes, other: Hashes) -> npt.NDArray[np.int64]:
    """Differing bits, (len(one), len(other))."""
    bits = np.bitwise_count(one[:, None] ^ other[None])
    return np.asarray(bits.sum(axis=2, dtype=np.int64))


def nearest(one: Hashes, other: Hashes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Place and distance of the nearest of ``other`` for each of ``one``; -1 and 257 if none."""
    place = np.full(len(one), -1, dtype=np.int64)
    bits = np.full(len(one), 257, dtype=np.int64)
    if not len(other):
        return place, bits
    step = max(1, _BLOCK // len(other))
    for start in range(0, len(one), step):
        block = distances(one[start : start + step], other)
        place[start : start + step] = block.argmin(axis=1)
        bits[start : start + step] = block.min(axis=1)
    return place, bits


def _second_nearest(one: Hashes, other: Hashes) -> npt.NDArray[np.int64]:
    """Distance to the nearest of ``other`` that is not the face itself (distance 0, once)."""
    if len(other) < 2:
        return np.full(len(one), 257, dtype=np.int64)
    step = max(1, _BLOCK // len(other))
    found = [
        np.partition(distances(one[start : start + step], other), 1, axis=1)[:, 1]
        for start in range(0, len(one), step)
    ]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _hashes(rows: pa.Table) -> Hashes:
    content = b"".join(rows.column("face_hash").to_pylist())
    return np.frombuffer(content, dtype=np.uint64).reshape(-1, 4)
