"""The trainings of the downstream comparison: every arm with every seed, kept once finished."""

import hashlib
import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from augment.closure import code_digest
from augment.metrics.arms import log_shares, make_arm
from augment.metrics.resampling import Words
from augment.nets.classifier import NO_LABEL, Augment, Lesson, Pictures, predict, train
from augment.nets.config import TrainConfig
from augment.seeds import row_seed
from augment.shards import AtomicFile, iterate_file


@dataclass(frozen=True)
class Trials:
    """What all trainings of a comparison share.

    Attributes:
        folder: of the balanced set's picture shards.
        train: manifest rows to train on, real and synthetic.
        test: manifest rows to predict.
        classes: label -> its words; the networks answer in these.
        config: how long and how to train.
        seed: the run's seed.
        work: a folder that survives a kill.
        keep: keep the networks, 7 MB each, so that other test faces need no training.
    """

    folder: Path
    train: pa.Table
    test: pa.Table
    classes: Mapping[str, Sequence[str]]
    config: TrainConfig
    seed: int
    work: Path
    keep: bool = False

    def run(
        self, arms: Sequence[str], seeds: int, augment: Augment
    ) -> dict[tuple[str, int], dict[str, Words]]:
        """(arm, number of the seed) -> label -> predicted words, shape (test faces,)."""
        progress = _Progress(len(arms) * seeds)
        predicted = {}
        # Seed by seed: a stopped run then leaves whole comparisons, not a few whole arms.
        for number in range(seeds):
            for arm in arms:
                folder = self.work / self._identity(arm, augment)
                path = folder / self._tested / f"{arm}-{number}.parquet"
                fresh = not path.is_file()
                if fresh:
                    self._train(arm, number, augment, folder / f"{arm}-{number}", path)
                found = pq.read_table(path)
                predicted[arm, number] = {
                    label: np.array(found.column(label).to_pylist(), str) for label in self.classes
                }
                progress.step(fresh)
        return predicted

    def _identity(self, arm: str, augment: Augment) -> str:
        """Of everything that an arm's networks depend on, but the number of the seed."""
        drawn = make_arm(arm, self._bins, self._synthetic)
        rows = self.train.take(pa.array(drawn.places)).select(["sha256", "bin", *self.classes])
        content = [
            code_digest((self, augment)), self.seed, arm, self.config.model_dump(),
            dict(self.classes), rows.to_pydict(),
        ]  # fmt: skip
        return _digest(content)

    @cached_property
    def _tested(self) -> str:
        return f"on-{_digest(self.test.column('sha256').to_pylist())}"

    def _train(self, arm: str, number: int, augment: Augment, work: Path, path: Path) -> None:
        """Train, unless that was finished before, and predict."""
        drawn = make_arm(arm, self._bins, self._synthetic)
        targets = {label: self._codes(label)[drawn.places] for label in self.classes}
        classes = {label: len(words) for label, words in self.classes.items()}
        shares = {label: log_shares(codes, classes[label]) for label, codes in targets.items()}
        lesson = Lesson(
            pictures=self._train_pictures,
            places=drawn.places,
            targets=targets,
            classes=classes,
            weights=drawn.weights,
            augmented=drawn.augmented,
            added=shares if drawn.adjusted else {},
        )
        # The seed is the arm's only through its number: all arms start from the same weights.
        seed = row_seed(self.seed, "evaluate", str(number))
        label = f"{arm} {number + 1}"
        network = train(lesson, augment, self.config, seed, work, label, work.parent.name)
        codes = predict(network, self._test_pictures)
        columns = {label: np.array(words)[codes[label]] for label, words in self.classes.items()}
        with AtomicFile(path) as temporary:
            pq.write_table(pa.table(columns), temporary, compression="zstd")
        if not self.keep:
            shutil.rmtree(work)

    def _codes(self, label: str) -> npt.NDArray[np.int64]:
        place = {word: number for number, word in enumerate(self.classes[label])}
        words = self.train.column(label).to_pylist()
        return np.array([place.get(word, NO_LABEL) for word in words], dtype=np.int64)

    @cached_property
    def _bins(self) -> list[str]:
        return [name or "" for name in self.train.column("bin").to_pylist()]

    @cached_property
    def _synthetic(self) -> npt.NDArray[np.bool_]:
        return np.array(self.train.column("synthetic").to_pylist(), dtype=bool)

    @cached_property
    def _train_pictures(self) -> Pictures:
        return self._pictures("train", self.train)

    @cached_property
    def _test_pictures(self) -> Pictures:
        return self._pictures("test", self.test)

    def _pictures(self, split: str, rows: pa.Table) -> Pictures:
        place = {row_id: number for number, row_id in enumerate(rows.column("id").to_pylist())}
        pictures = [b""] * len(place)
        for path in sorted(self.folder.glob(f"{split}-*.parquet")):
            for batch in iterate_file(path, ["id", "image"]):
                for row in batch.to_pylist():
                    if row["id"] in place:
                        pictures[place[row["id"]]] = row["image"]["bytes"]
        return Pictures(pictures)


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


@dataclass
class _Progress:
    """Says how far the trainings are, and how long the rest takes."""

    total: int
    done: int = 0
    trained: int = 0
    start: float = field(default_factory=time.monotonic)

    def step(self, fresh: bool) -> None:
        self.done += 1
        self.trained += fresh
        if fresh and self.done < self.total:
            left = (time.monotonic() - self.start) / self.trained * (self.total - self.done)
            tqdm.write(
                f"evaluate: {self.done} of {self.total} trainings done, about {left:.0f} s left",
                file=sys.stderr,
            )
