"""How each architecture of the mask generator learns, from the aligned faces to its weights."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from augment.generators.mask.cae import FixedPairs, PaperNet
from augment.generators.mask.config import Config, Pairs
from augment.generators.mask.network import MaskNet
from augment.generators.mask.pairs import hashes_of, read_pairs, without_known
from augment.generators.mask.training import MixedPairs, PaintedPairs, unmasked
from augment.nets.config import TrainConfig
from augment.nets.data import FaceSet, load_faces
from augment.nets.loop import Fitted, Learner, build, fit
from augment.nets.weights import export
from augment.shards import iterate

_CAE_KEPT = 600.0  # seconds between checkpoints: each is gigabytes


def learn(config: Config, faces: Path, folder: Path, seed: int, work: Path) -> None:
    """Train on the aligned train faces of half "a" without a mask; leave weights in ``folder``."""
    everyone = load_faces(faces, ("train",), ("a",))
    learned = everyone.select(unmasked(everyone))
    settings = config.model_dump(mode="json")
    if config.arch == "cae":
        paper = build(lambda: PaperNet(config.cae.bottleneck), seed)
        export(folder, {"mask": paper}, settings, _fit_cae(config, paper, learned, seed, work))
        return
    network = build(lambda: MaskNet(config.network.channels), seed)
    painted = PaintedPairs(learned, config.network.size, network)
    identity = {"faces": learned.digest, "network": config.network.model_dump()}
    learner = Learner(network, painted)
    fitted = fit([learner], len(learned), config.train, seed, work, "mask", identity)
    if config.pairs is not None:
        fitted = _fit_real(config, config.pairs, network, painted, learned, faces, fitted, seed,
                           work)  # fmt: skip
    export(folder, {"mask": network}, settings, fitted)


def _fit_cae(config: Config, network: PaperNet, learned: FaceSet, seed: int, work: Path) -> Fitted:
    """The paper's training, but for this project's falling learning rate (section 4: Adam)."""
    cae = config.cae
    train = TrainConfig(
        images=max(1, cae.epochs * len(learned)),
        batch=cae.batch,
        learning_rate=cae.learning_rate,
        weight_decay=0,
        ema=0,
        gradient_clip=1e6,
        precision="float32",
    )
    pairs = FixedPairs(learned, seed, network)
    identity = {"faces": learned.digest, "cae": cae.model_dump()}
    return fit([Learner(network, pairs)], len(learned), train, seed, work, "mask cae", identity,
               checkpoint_seconds=_CAE_KEPT)  # fmt: skip


def _fit_real(
    config: Config,
    pairs: Pairs,
    network: MaskNet,
    painted: PaintedPairs,
    learned: FaceSet,
    faces: Path,
    first: Fitted,
    seed: int,
    work: Path,
) -> Fitted:
    """Stage B: go on with real pairs, half of each batch, so that what was painted is not lost."""
    size = config.network.size
    reference = learned.points.mean(0) * (size / learned.images.shape[1])
    found, refused = read_pairs(pairs, reference, size)
    kept = without_known(found, _closed(faces))
    print(
        f"mask: {len(kept)} real pairs to learn from; {len(found) - len(kept)} left out because "
        f"they are held-out faces, {len(refused)} unusable"
        + "".join(f"\n  {sentence}" for sentence in refused[:5])
    )
    step = MixedPairs(kept, painted, len(learned))
    identity = {"first": first.digest, "pairs": pairs.sha256, "names": [one.name for one in kept]}
    train = TrainConfig.model_validate(
        {name: getattr(pairs, name) for name in TrainConfig.model_fields}
    )
    second = fit([Learner(network, step)], len(kept), train, seed, work, "mask pairs", identity)
    later = [{**point, "images": point["images"] + first.images} for point in second.history]
    return replace(
        second, images=first.images + second.images, history=[*first.history, *later],
        seconds=first.seconds + second.seconds,
    )  # fmt: skip


def _closed(faces: Path) -> list[bytes]:
    """Hashes of the faces that a generator must not have seen."""
    found: list[bytes] = []
    for batch in iterate(faces, ["face_hash", "split", "half"]):
        rows: Mapping[str, Any] = batch.to_pydict()
        found += hashes_of(rows)
    return found
