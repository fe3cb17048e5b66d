"""What the benchmark of two people asks of each way to morph: samples, paths, morphs half way."""

from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from morph_faces import SIZE
from morph_frames import Faces, Frames

from augment.generators.morph import dcgan, paths
from augment.generators.morph.blending import whole
from augment.generators.morph.network import Code, Morpher, side_of
from augment.generators.morph.training import Network
from augment.generators.morph.warping import anchors, bent
from augment.images import resize
from augment.nets.data import to_images, to_tensor

if TYPE_CHECKING:
    from morph_nets_measures import Measures

_SURE, _TRIED = 0.95, 400  # of DCGAN's samples, ends of paths are chosen by the recogniser
_GROUP = 100


class Model(Protocol):
    """``samples``: n faces of either person, none of them morphs; empty where that is no question.
    ``paths``: faces from the first person to the second, as many as could be made."""

    def samples(self, count: int, random: np.random.Generator) -> Faces: ...

    def paths(self, count: int, steps: int, random: np.random.Generator) -> list[Faces]: ...


class WarpModel:
    """The classical morph of one frame of each person, nothing learned."""

    def __init__(self, frames: Frames) -> None:
        self._crops, self._who = frames.crops, frames.who
        self._points = frames.points.astype(np.float64)

    def samples(self, count: int, random: np.random.Generator) -> Faces:
        return np.zeros((0, *self._crops.shape[1:]), np.uint8)  # copies of frames

    def paths(self, count: int, steps: int, random: np.random.Generator) -> list[Faces]:
        found = []
        for _ in range(count):
            pair = [int(random.choice(np.flatnonzero(self._who == n))) for n in (0, 1)]
            images, own = [self._crops[n] for n in pair], [self._points[n] for n in pair]
            made = []
            for w in np.linspace(0, 1, steps):
                middle = np.average(own, axis=0, weights=[1 - w, w])
                target = np.concatenate([middle, anchors(middle)])
                made.append(whole(bent(images, own, target), [1 - w, w]))
            found.append(np.stack(made))
        return found


class OurModel:
    """Ours: people by their code, moments as learned; paths between given frames."""

    def __init__(self, network: Morpher, frames: Frames, held: list[Faces]) -> None:
        self._network, self._held = network, held
        self._side = side_of(network.decoder.channels)
        with torch.no_grad():
            codes = torch.cat(
                [network.encode(self._given(part)).who for part in _parts(frames.crops)]
            )
        self._people = torch.stack(
            [codes[torch.from_numpy(frames.who == n)].mean(0) for n in (0, 1)]
        )

    @torch.no_grad()
    def samples(self, count: int, random: np.random.Generator) -> Faces:
        torch.manual_seed(int(random.integers(2**31)))
        who = self._people[torch.arange(count) % 2]
        code = Code(who, self._network.draw_moments(count))
        return _enlarged(_decoded(self._network, code))

    @torch.no_grad()
    def paths(self, count: int, steps: int, random: np.random.Generator) -> list[Faces]:
        """Between frames that nobody has learned from."""
        found = []
        for _ in range(count):
            pair = np.stack([faces[random.integers(len(faces))] for faces in self._held])
            code = self._network.encode(self._given(pair))
            found.append(_enlarged(to_images(paths.people_path(self._network, code, steps))))
        return found

    def _given(self, crops: Faces) -> torch.Tensor:
        return to_tensor([resize(crop, self._side) for crop in crops])


class DcganModel:
    """DCGAN: a recogniser says which samples show whom."""

    def __init__(self, network: dcgan.Maker, tells: paths.Tells) -> None:
        self._network, self._tells = network, tells

    @torch.no_grad()
    def samples(self, count: int, random: np.random.Generator) -> Faces:
        return self._decoded(self._noise(count, random))

    @torch.no_grad()
    def paths(self, count: int, steps: int, random: np.random.Generator) -> list[Faces]:
        noise = self._noise(_TRIED, random)
        told = self._tells(self._decoded(noise))
        first, second = paths.ends(told, _SURE, count)
        if not first or not second:
            return []
        chosen = [(first[n % len(first)], second[n % len(second)]) for n in range(count)]
        return [to_images(paths.noise_path(self._network, noise[a], noise[b], steps))
                for a, b in chosen]  # fmt: skip

    def _noise(self, count: int, random: np.random.Generator) -> torch.Tensor:
        torch.manual_seed(int(random.integers(2**31)))
        return dcgan.draw_noise(count, torch.device("cpu"))

    def _decoded(self, noise: torch.Tensor) -> Faces:
        parts = torch.split(noise, _GROUP)
        return np.concatenate([to_images(self._network(part)) for part in parts])


def model_of(network: Network | None, frames: Frames, measures: "Measures") -> Model:
    """A trained network as a model; None: the warp of the frames themselves."""
    if network is None:
        return WarpModel(frames)
    if isinstance(network, Morpher):
        return OurModel(network, frames, measures.held_by_person)
    return DcganModel(network, measures.second_person)


def _decoded(network: Morpher, code: Code) -> Faces:
    parts = zip(torch.split(code.who, _GROUP), torch.split(code.moment, _GROUP), strict=True)
    return np.concatenate([to_images(network.decode(Code(*part))) for part in parts])


def _enlarged(faces: Faces) -> Faces:
    return np.stack([resize(face, SIZE) for face in faces])


def _parts(crops: Faces) -> list[Faces]:
    return [crops[start : start + _GROUP] for start in range(0, len(crops), _GROUP)]
