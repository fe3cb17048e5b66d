"""The one training loop: of generators, judges and downstream classifiers alike.

Progress is counted in images seen. Everything random (order of faces, augmentation, dropout) is
made from (seed, images seen), so that a training that was killed and started again ends with the
very weights of one that never stopped (as in EDM2, T. Karras et al. 2024).
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from augment.closure import code_digest
from augment.errors import TrainingFailed, UserError
from augment.nets.config import TrainConfig as TrainConfig
from augment.nets.device import autocast, autocast_type, best_device, place, reproducible
from augment.nets.ema import Average
from augment.nets.health import OF_CRITIC, OF_GENERATOR, VERDICT, Health, Watch
from augment.nets.lock import only_one
from augment.nets.order import Indices as Indices
from augment.nets.order import Order
from augment.seeds import row_generator, row_seed
from augment.shards import AtomicFile
from augment.types import FloatArray

HISTORY_POINTS = 200
#: (places of the batch's faces, randomness of this step) -> losses; "loss" is minimised, all are
#: recorded. Runs under autocast: reduce losses in float32.
Step = Callable[[Indices, np.random.Generator], Mapping[str, Tensor]]
NetworkType = TypeVar("NetworkType", bound=nn.Module)


@dataclass(frozen=True)
class Learner:
    """A network and the step that gives its losses. Adversaries are two learners taking turns."""

    network: nn.Module
    step: Step
    name: str = "net"
    betas: tuple[float, float] = (0.9, 0.999)  # of Adam; adversaries want less of the past
    alone: float = 0.0  # share of the training in which it does not listen to its adversary


@dataclass(frozen=True)
class Fitted:
    """What a finished training says of itself. The networks hold their averaged weights."""

    images: int
    history: list[dict[str, Any]]  # numbers, and of adversaries the verdict so far in words
    digest: str  # of everything that the weights depend on
    seconds: float  # spent training in this call: 0 when it was finished before
    health: Health | None = None  # of adversaries


def build(make: Callable[[], NetworkType], seed: int) -> NetworkType:
    """A network with first weights drawn from ``seed``, on the best device."""
    with reproducible():
        torch.manual_seed(row_seed(seed, "network", "first weights") % 2**32)
        return place(make(), best_device())


def fit(
    learners: Sequence[Learner],
    faces: int,
    config: TrainConfig,
    seed: int,
    work: Path,
    label: str,
    identity: Mapping[str, Any],
    weights: FloatArray | None = None,
    checkpoint_seconds: float = 10.0,
) -> Fitted:
    """Train, or go on where a killed run was; afterwards networks hold their averaged weights.

    Of two processes that train the very same in one work folder the second waits, and then finds it
    finished.

    Args:
        learners: networks made by :func:`build`, with their steps.
        faces: how many faces there are; steps are given places 0..faces-1.
        config: see :class:`augment.nets.config.TrainConfig`.
        seed: the run's seed.
        work: a folder that survives a kill; each different training has its own part of it.
        label: what the progress bar and error messages call the training.
        identity: whatever else the weights depend on: data digest, network and loss settings.
            JSON values. The code of networks and steps is looked at.
        weights: per face, how often it is drawn (with replacement); None: each once an epoch.
        checkpoint_seconds: least time between two checkpoints.

    Raises:
        UserError: there are no faces, or the training became unstable; the last good checkpoint
            is kept.
        TrainingFailed: of adversaries, one has won (see :mod:`augment.nets.health`), now or when
            this training was begun before.
    """
    if faces == 0:
        raise UserError(
            f"{label} has no faces to train on: data/aligned holds no usable train row for it. "
            "Check reports/audit.json (aligned, failed) and ingest.split."
        )
    dtype = autocast_type(best_device(), config.precision)
    code = code_digest([learner.network for learner in learners] + [x.step for x in learners])
    content = [code, label, seed, config.model_dump(), str(dtype), dict(identity)]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    run = _Run(learners, config, work / digest / "checkpoint.pt", label)
    with only_one(work / digest, label):
        run.resume()
        start = time.perf_counter()
        order = Order(faces, config.batch, seed, label, weights)
        with reproducible():
            run.advance(order, seed, checkpoint_seconds, dtype)
    for average in run.averages:
        average.apply()
    health = run.watch.health(run.history)
    return Fitted(run.seen, run.history, digest, time.perf_counter() - start, health)


@dataclass
class _Run:
    """A training's state, and how it moves on."""

    learners: Sequence[Learner]
    config: TrainConfig
    checkpoint: Path
    label: str
    seen: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        config = self.config
        self.optimisers = [
            torch.optim.AdamW(
                learner.network.parameters(),
                config.learning_rate,
                betas=learner.betas,
                weight_decay=config.weight_decay,
            )
            for learner in self.learners
        ]
        self.averages = [Average(learner.network, config.ema) for learner in self.learners]
        alone = max(learner.alone for learner in self.learners)
        self.watch = Watch(config.batch, alone * config.images)

    def advance(
        self, order: Order, seed: int, checkpoint_seconds: float, dtype: torch.dtype
    ) -> None:
        batch, total = self.config.batch, self.config.images
        interval = max(1, total // batch // HISTORY_POINTS)
        sums: dict[str, Tensor] = {}
        saved, device = time.monotonic(), best_device()
        self._stop_if_failed()  # it may have, before it was killed
        with tqdm(
            total=total, initial=self.seen, desc=self.label, unit="img", mininterval=1.0
        ) as bar:
            while self.seen < total:
                step = self.seen // batch
                torch.manual_seed(row_seed(seed, f"step {self.label}", str(self.seen)) % 2**32)
                random = row_generator(seed, f"step {self.label}", str(self.seen))
                indices = order.at(self.seen)
                for name, value in self._step(step, indices, random, device, dtype).items():
                    sums[name] = sums[name] + value if name in sums else value
                self.seen += batch
                bar.update(min(batch, total - bar.n))
                if (step + 1) % interval and self.seen < total:
                    continue
                means = {
                    name: float(value) / ((step % interval) + 1) for name, value in sums.items()
                }
                sums = {}
                self._note(means)
                self._stop_if_failed()
                bar.set_postfix_str(f"loss {self.history[-1]['loss']:.4f}", refresh=False)
                # Checkpoints lie at points of the history only: no half-summed losses to keep.
                if time.monotonic() - saved >= checkpoint_seconds or self.seen >= total:
                    self._save()
                    saved = time.monotonic()

    def _step(
        self,
        step: int,
        indices: Indices,
        random: np.random.Generator,
        device: torch.device,
        dtype: torch.dtype,
    ) -> dict[str, Tensor]:
        """One turn of every learner: losses by name, and the gradient's length."""
        found: dict[str, Tensor] = {}
        rate = self.config.learning_rate * schedule(
            self.seen / self.config.images, self.config.warmup
        )
        for learner, optimiser, average in zip(
            self.learners, self.optimisers, self.averages, strict=True
        ):
            learner.network.train()
            optimiser.param_groups[0]["lr"] = rate
            with autocast(device, dtype):
                losses = learner.step(indices, random)
            optimiser.zero_grad(set_to_none=True)
            losses["loss"].backward()  # type: ignore[no-untyped-call]
            length = nn.utils.clip_grad_norm_(
                learner.network.parameters(), self.config.gradient_clip
            )
            optimiser.step()
            average.update(step)
            prefix = f"{learner.name}_" if learner is not self.learners[0] else ""
            found |= {
                name if name in (OF_CRITIC, OF_GENERATOR) else prefix + name: value.detach()
                for name, value in losses.items()
            }
            found[f"{prefix}gradient"] = length.detach()
        return found

    def _note(self, means: dict[str, float]) -> None:
        if not all(math.isfinite(value) for value in means.values()):
            kept = (
                f"The last good state is kept in {self.checkpoint.parent}."
                if self.checkpoint.is_file()
                else "It happened before the first checkpoint."
            )
            raise UserError(
                f"Training {self.label} became unstable after {self.seen:,} images (a loss is not "
                f"a finite number). {kept} In params.yaml lower its train.learning_rate, or set "
                "its train.precision to float32, and run again."
            )
        self.history.append(
            {"images": self.seen} | {name: round(value, 6) for name, value in means.items()}
        )
        health = self.watch.health(self.history)
        if health is not None:
            self.history[-1][VERDICT] = health.word

    def _stop_if_failed(self) -> None:
        health = self.watch.health(self.history)
        if health is None or health.word != "FAILED":
            return
        self._save()  # so that the next run says the same at once
        raise TrainingFailed(
            f"Training {self.label} has failed after {self.seen:,} images: {health.reason}. "
            "Nothing more would be learned. Give it more faces or better aligned ones, or set "
            "another train.learning_rate in params.yaml, and run again; the curves are in "
            "reports/history.",
            self.history,
        )

    def _save(self) -> None:
        finished = self.seen >= self.config.images
        state = {
            "seen": self.seen,
            "history": self.history,
            "averages": [average.state() for average in self.averages],
            # A finished training is only read again: a third of the size is enough.
            "networks": [] if finished else [item.network.state_dict() for item in self.learners],
            "optimisers": [] if finished else [item.state_dict() for item in self.optimisers],
        }
        with AtomicFile(self.checkpoint) as temporary:
            torch.save(state, temporary)

    def resume(self) -> None:
        if not self.checkpoint.is_file():
            return
        state = torch.load(self.checkpoint, map_location=best_device(), weights_only=True)
        self.seen, self.history = state["seen"], state["history"]
        for average, values in zip(self.averages, state["averages"], strict=True):
            average.load(values)
        for learner, values in zip(self.learners, state["networks"], strict=False):
            learner.network.load_state_dict(values)
        for optimiser, values in zip(self.optimisers, state["optimisers"], strict=False):
            optimiser.load_state_dict(values)


def schedule(share: float, warmup: float) -> float:
    """Learning rate at a share 0..1 of the training, relative to its peak: up, then cosine."""
    if share < warmup:
        return (share + 1e-3) / (warmup + 1e-3)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (share - warmup) / (1 - warmup)))
