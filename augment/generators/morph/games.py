"""Teaches morphing networks, each against a critic."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

import augment.generators.morph.dcgan as dcgan
from augment.generators.morph.lesson import Lesson
from augment.generators.morph.network import Code, Critic, Morpher
from augment.nets.adversary import (
    gradient_penalty,
    logistic,
    told_by_critic,
    told_by_generator,
)
from augment.nets.augmenting import diff_augment
from augment.nets.loop import Indices
from augment.nets.losses import gradient_l1

#: "who" is weak: at 1, mixes turned bluer, to look half way to the encoder.
_WEIGHTS = {"learnt": 4.0, "coarse": 2.0, "edges": 2.0, "real": 0.15, "who": 0.2, "moment": 0.05,
            "between": 1.0, "tint": 6.0, "alike": 0.5, "calm": 0.05, "smooth": 0.2}  # fmt: skip
_LAZY = 8  # the critic's slope is held down every so many steps (T. Karras et al., StyleGAN2)
_PENALTY = 0.5
_NOISE = 0.15  # on moments, so that those between the learned ones are faces, too
_TEMPERATURE = 0.1  # of likenesses of who
_START = 8  # coarse colours: so many places a side
_TINT = 5  # pixels a side of the squares, which overlap, whose tint is held in mixes
_PART, _STEP = 8, 0.15  # of a batch is walked along a path, in steps of w


class Noise:
    """DCGAN's three turns: the maker's two and the critic's (the port: "so that d-loss does not
    reach 0")."""

    def __init__(self, lesson: Lesson, maker: dcgan.Maker, critic: dcgan.Critic) -> None:
        self._lesson, self._maker, self._critic = lesson, maker, critic

    def make(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        """The maker's loss, non-saturating."""
        self._critic.requires_grad_(False)
        words = self._critic(self._made(len(indices)))
        self._critic.requires_grad_(True)
        return {"loss": nn.functional.softplus(-words).mean(), **told_by_generator(words)}

    def again(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        """The same, with other noise."""
        return {"loss": self.make(indices, random)["loss"]}

    def criticise(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        with torch.no_grad():
            made = self._made(len(indices))
        real, fake = self._critic(self._lesson.faces(indices, random)), self._critic(made)
        return {"loss": logistic(real, fake), **told_by_critic(real, fake)}

    def _made(self, count: int) -> Tensor:
        device = next(self._maker.parameters()).device
        faces: Tensor = self._maker(dcgan.draw_noise(count, device))
        return faces


class People:
    """Our two turns. Who comes from one photo of a person and the moment from another. That alone
    lets the moment hold everything; so who must be alike on photos of one person and unlike those
    of others (P. Khosla et al., "Supervised contrastive learning", NeurIPS 2020), moments are noisy
    and dear, and a face made with another's who must look like that other to the encoder and to the
    critic, which also sees real faces beside wrong codes."""

    def __init__(self, lesson: Lesson, morpher: Morpher, critic: Critic) -> None:
        self._lesson, self._morpher, self._critic = lesson, morpher, critic
        self._last: tuple[Tensor, ...] | None = None

    def morph(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        """The morpher's losses: faces found again, and mixes that convince."""
        morpher = self._morpher
        faces = self._lesson.faces(indices, random)
        others = self._lesson.faces(self._lesson.others(indices, random), random)
        code = morpher.encode(torch.cat([faces, others]))
        moment, (own, who) = code.moment[: len(faces)], code.who.chunk(2)
        again = morpher.decode(Code(who, moment + _NOISE * torch.randn_like(moment)))
        everywhere = again.new_ones(len(again), 1, *again.shape[2:])
        first, second = who.detach(), who.detach().roll(1, 0)
        w = torch.rand(len(faces), 1, device=faces.device)
        wanted = torch.lerp(first, second, w)
        made = morpher.decode(Code(wanted, moment.detach()))
        # The encoder reads mixes as it has learned to read faces; it is not taught by them.
        morpher.encoder.requires_grad_(False)
        back = morpher.encode(made)
        morpher.encoder.requires_grad_(True)
        self._critic.requires_grad_(False)
        words = self._critic(diff_augment(torch.cat([made, again])), torch.cat([wanted, first]))
        self._critic.requires_grad_(True)
        same = self._lesson.same(indices)
        self._last = faces, first, made.detach(), wanted, same
        found = {
            "learnt": (again - faces).abs().mean(),
            "coarse": sum(_coarse(again, faces, size) for size in (4, 16)) * again.new_ones(()),
            "edges": gradient_l1(again, faces, everywhere),
            "real": nn.functional.softplus(-words).mean(),
            "between": self._between(faces, made, w),
            "tint": self._tint(faces, made, w),
            "who": (back.who - wanted).abs().mean(),
            "moment": (back.moment - moment.detach()).abs().mean(),
            "alike": alike(own, who, same),
            "calm": moment.square().mean(),
            "smooth": self._uneven(first, second, moment.detach(), w),
        }
        total = sum((_WEIGHTS[name] * value for name, value in found.items()), made.new_zeros(()))
        return {"loss": total, **found, **told_by_generator(words)}

    @staticmethod
    def _between(faces: Tensor, made: Tensor, w: Tensor) -> Tensor:
        """How far a mix's coarse colours are from between those of its two people's faces: what the
        encoder does not look at would be free else."""
        size = faces.shape[2] // _START
        one = nn.functional.avg_pool2d(faces, size)
        target = torch.lerp(one, one.roll(1, 0), w[:, :, None, None])
        return (nn.functional.avg_pool2d(made, size) - target).abs().mean()

    @staticmethod
    def _tint(faces: Tensor, made: Tensor, w: Tensor) -> Tensor:
        """The same of what is left of colours without brightness, on small squares: where one
        person's hair meets the other's background, mixes turned blue. Brightness is left free
        there, else outlines of both people would shine through."""
        one, mix = _tints(faces), _tints(made)
        return (mix - torch.lerp(one, one.roll(1, 0), w[:, :, None, None])).abs().mean()

    def _uneven(self, first: Tensor, second: Tensor, moment: Tensor, w: Tensor) -> Tensor:
        """How unequal two equal steps of w change a face: a path shall neither stand nor jump."""
        part = slice(0, max(1, len(w) // _PART))
        first, second, moment = first[part], second[part], moment[part]
        middle = _STEP + (1 - 2 * _STEP) * w[part]
        walked = [torch.lerp(first, second, middle + step) for step in (-_STEP, 0.0, _STEP)]
        faces = self._morpher.decode(Code(torch.cat(walked), torch.cat([moment] * 3)))
        one, two, three = nn.functional.avg_pool2d(faces, 2).chunk(3)
        early = (two - one).abs().mean(dim=(1, 2, 3))
        late = (three - two).abs().mean(dim=(1, 2, 3))
        return ((early - late).abs() / (early + late + 0.02)).mean()

    def criticise(self, indices: Indices, random: np.random.Generator) -> Mapping[str, Tensor]:
        """The critic's loss on the faces and mixes of this very step."""
        assert self._last is not None
        faces, who, made, wanted, same = self._last
        shown = self._critic.describe(diff_augment(faces))
        real = self._critic.judge(shown, who)
        fake = self._critic(diff_augment(made), wanted)
        other = ~same.diagonal(1)  # the next face's person is another one
        misnamed = nn.functional.softplus(self._critic.judge(shown[:-1], who[1:])) * other
        loss = logistic(real, fake) + 0.5 * misnamed.sum() / other.sum().clamp_min(1)
        if random.random() < 1 / _LAZY:
            slope = gradient_penalty(faces, lambda x: self._critic(x, who))
            loss = loss + _PENALTY * _LAZY * slope
        return {"loss": loss, **told_by_critic(real, fake)}


def alike(own: Tensor, who: Tensor, same: Tensor) -> Tensor:
    """How badly photos of one person are told from those of others by their who.

    Args:
        own: (n, k), of one photo each.
        who: (n, k), of another photo of the same people.
        same: (n, n), whether face i and face j show one person.
    """
    middle = torch.cat([own, who]).detach().mean(0)
    one, other = (nn.functional.normalize(codes - middle, dim=1) for codes in (own, who))
    likeness = nn.functional.log_softmax(one @ other.T / _TEMPERATURE, dim=1)
    return -(torch.logsumexp(likeness.masked_fill(~same, -1e4), dim=1)).mean()


def _tints(faces: Tensor) -> Tensor:
    """(n, 3, h, w): colours less their mean, on squares that overlap: apart, a grid would show."""
    colours = faces - faces.mean(dim=1, keepdim=True)
    return nn.functional.avg_pool2d(colours, _TINT, stride=2, padding=_TINT // 2)


def _coarse(one: Tensor, other: Tensor, size: int) -> Tensor:
    """Difference of means over squares of ``size`` pixels."""
    return nn.functional.avg_pool2d(one - other, size).abs().mean()
