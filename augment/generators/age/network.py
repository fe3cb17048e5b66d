"""Ours: what age does to the average face, and to what faces differ by, done to a face; it tells
ages apart, too. All of it is fitted, nothing trained."""

from collections.abc import Sequence
from dataclasses import asdict, fields

import torch
from torch import Tensor, nn

from augment.generators.age.ages import KNOTS
from augment.generators.age.decomposition import Age, AgeNetwork
from augment.generators.age.hair import FARTHEST, hair_of, tone_of
from augment.generators.age.prototypes import AverageFace
from augment.generators.age.regions import skin_likeness, toneless
from augment.generators.age.registration import SIDE, bend, flow_of, shift_of, turned_round
from augment.generators.age.telling import Telling
from augment.generators.age.texture import BANDS, brightness, with_detail
from augment.generators.age.variety import AGES, MOST
from augment.generators.age.ways import Turn, split, turned
from augment.types import FloatArray, Image

_RIM = 12 / 64  # of the side: at the edges nothing is moved, which lies outside of the photo
#: Where anything is exaggerated, what detail gains after these years is so much more: averages of
#: the old show fewer wrinkles than they have.
_LATE, _CREASED = 45, 0.5


class Editor(AgeNetwork):
    """Bends and shades a face, and changes the strength of its detail, as the average face's.

    Args:
        groups: how many age groups it tells apart.
        exaggeration: how many times what the average face's shades and detail do is done. Shapes,
            colours and what faces differ by are not exaggerated: that makes caricatures.
    """

    any_size = True

    def __init__(self, groups: int, exaggeration: float = 1.0) -> None:
        super().__init__()
        self.exaggeration = exaggeration
        self.register_buffer("late", torch.from_numpy(KNOTS > _LATE), persistent=False)
        self.late: Tensor
        # What age does to the average face, as prototypes.AverageFace says, ...
        self.register_buffer("template", torch.zeros(5, 2))
        self.register_buffer("cardinals", torch.zeros(5, SIDE, SIDE))
        self.register_buffer("middle", torch.zeros(len(KNOTS)))
        self.register_buffer("points", torch.zeros(len(KNOTS), 5, 2))
        self.register_buffer("flows", torch.zeros(len(KNOTS), 2, SIDE, SIDE))
        self.register_buffer("colours", torch.zeros(len(KNOTS), 3, SIDE, SIDE))
        self.register_buffer("others", torch.zeros(len(KNOTS), 3, SIDE, SIDE))
        self.register_buffer("details", torch.zeros(len(KNOTS), BANDS, SIDE, SIDE))
        self.register_buffer("skin", torch.zeros(SIDE, SIDE))
        self.register_buffer("head", torch.zeros(SIDE, SIDE))
        self.register_buffer("parts", torch.full((5, SIDE, SIDE), 0.2))
        # ... and to the colour of hair, as hair.Tones, ...
        self.register_buffer("tones_mean", torch.zeros(3))
        self.register_buffer("tones_centre", torch.zeros(len(KNOTS)))
        self.register_buffer("tones_slopes", torch.zeros(len(KNOTS), 3))
        self.register_buffer("tones_roots", torch.eye(3).repeat(AGES, 1, 1))
        # ... and to what faces differ by, as variety.Variety does.
        self.register_buffer("variety_mean", torch.zeros(3, SIDE, SIDE))
        self.register_buffer("variety_centre", torch.zeros(len(KNOTS)))
        self.register_buffer("variety_weights", torch.ones(3, SIDE, SIDE))
        self.register_buffer("variety_components", torch.zeros(MOST, 3, SIDE, SIDE))
        self.register_buffer("variety_slopes", torch.zeros(len(KNOTS), MOST))
        self.register_buffer("variety_places", torch.arange(AGES, dtype=torch.float32))
        self.register_buffer("variety_roots", torch.eye(MOST).repeat(AGES, 1, 1))
        self.template: Tensor
        self.cardinals: Tensor
        self.middle: Tensor
        self.points: Tensor
        self.flows: Tensor
        self.colours: Tensor
        self.others: Tensor
        self.details: Tensor
        self.skin: Tensor
        self.head: Tensor
        self.parts: Tensor
        self.tones_mean: Tensor
        self.tones_centre: Tensor
        self.tones_slopes: Tensor
        self.tones_roots: Tensor
        self.variety_mean: Tensor
        self.variety_centre: Tensor
        self.variety_weights: Tensor
        self.variety_components: Tensor
        self.variety_slopes: Tensor
        self.variety_places: Tensor
        self.variety_roots: Tensor
        # How it tells ages, as telling.Telling does.
        for name, values in asdict(Telling.empty(groups)).items():
            self.register_buffer(f"telling_{name}", torch.from_numpy(values))

    def learn(self, average: AverageFace, telling: Telling | None = None) -> None:
        """Take over what was learned of averages and variety, and of how ages are told."""
        found = asdict(average)
        for part in ("variety", "tones"):
            found |= {f"{part}_{name}": values for name, values in found.pop(part).items()}
        if telling is not None:
            found |= {f"telling_{name}": values for name, values in asdict(telling).items()}
        for name, values in found.items():
            self.get_buffer(name).copy_(torch.from_numpy(values))

    def forward(
        self, face: Tensor, source: Age, target: Age, points: Tensor | None = None,
        ways: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        with torch.autocast(face.device.type, enabled=False):
            return self._changed(face.float(), source.code, target.code, points, ways)

    def _changed(
        self, face: Tensor, source: Tensor, target: Tensor, points: Tensor | None,
        ways: Tensor | None,
    ) -> Tensor:  # fmt: skip
        size, move = face.shape[2], target - source
        more, way = self.exaggeration, split(ways, face)
        shaping = way.shape * move
        here = points if points is not None else face.new_full((len(face), 5, 2), torch.nan)
        shift = shift_of(here, self.template)
        to_template = flow_of(shift, self.cardinals)
        to_face = turned_round(to_template)
        moved = torch.einsum("nk,kpc->npc", shaping, self.points)
        further = torch.einsum("nk,kcyx->ncyx", shaping, self.flows)
        flow = bend(further - flow_of(moved, self.cardinals), to_face)
        laid = self._laid(face, source, to_template)
        likeness = skin_likeness(laid, self.skin)
        colours = self._coloured(likeness, move)
        colours = colours + (more - 1) * brightness(colours)
        hair = hair_of(laid, self.parts, likeness)
        dyed = self._dyed(laid, hair, source, target, way.hair)
        colours = torch.lerp(colours * self.head, dyed, hair * (1 - self.skin))
        colours = colours + self._spread(laid, source, target, way.face)
        # Colours lie in the middle age's shape: to the target's, and then to the target's points.
        reshaped = source + shaping - self.middle
        shaped = bend(colours, torch.einsum("nk,kcyx->ncyx", reshaped, self.flows))
        placed = bend(shaped, turned_round(flow_of(shift + moved, self.cardinals)))
        creases = way.detail * move * torch.where(self.late, more + _CREASED * (more - 1), more)
        gains = torch.einsum("nk,kcyx->ncyx", creases, self.details)
        gains = bend(gains, to_face)
        made = bend(face, window(size, face.device) * larger(flow, size))
        return with_detail(made, larger(gains, size)) + larger(placed, size)

    def _laid(self, face: Tensor, source: Tensor, to_template: Tensor) -> Tensor:
        """The face in the middle age's shape, (n, 3, SIDE, SIDE)."""
        small = face
        if face.shape[2] != SIDE:
            small = nn.functional.interpolate(face, (SIDE, SIDE), mode="area")
        back = torch.einsum("nk,kcyx->ncyx", self.middle - source, self.flows)
        return bend(bend(small, to_template), back)

    def _coloured(self, likeness: Tensor, move: Tensor) -> Tensor:
        """What is added to skin where the face has it, and elsewhere to what it has there; age
        shall not change the tone of anybody's skin."""
        skin, other = (torch.einsum("nk,kcyx->ncyx", move, maps)
                       for maps in (self.colours, self.others))  # fmt: skip
        return toneless(torch.lerp(other, skin, likeness), self.skin)

    def _spread(self, laid: Tensor, source: Tensor, target: Tensor, way: Turn | None) -> Tensor:
        """What becomes of the face's own differences, (n, 3, SIDE, SIDE)."""
        rest = (laid - self.variety_mean) * self.variety_weights
        place = torch.einsum("ncyx,kcyx->nk", rest, self.variety_components)
        place = place - (source - self.variety_centre) @ self.variety_slopes
        change = self._respread(place, self.variety_roots, source, target, way) - place
        maps = torch.einsum("nk,kcyx->ncyx", change, self.variety_components) / self.variety_weights
        return toneless(maps, self.skin) * self.skin

    def _dyed(
        self, laid: Tensor, hair: Tensor, source: Tensor, target: Tensor, way: Turn | None
    ) -> Tensor:
        """By how much the colour of hair changes, (n, 3, 1, 1)."""
        tone, enough = tone_of(laid, hair)
        usual, other = (self.tones_mean + (code - self.tones_centre) @ self.tones_slopes
                        for code in (source, target))  # fmt: skip
        rest = self._respread(tone - usual, self.tones_roots, source, target, way)
        change = (other + rest - tone).clamp(-FARTHEST, FARTHEST)
        return (change * enough[:, None])[:, :, None, None]

    def _respread(
        self, place: Tensor, roots: Tensor, source: Tensor, target: Tensor, way: Turn | None
    ) -> Tensor:
        """A place (n, k) in the spread at one age -> the same in that at another, or near it."""
        own, other = (self._root(roots, code) for code in (source, target))
        kept = torch.linalg.solve(own, place[:, :, None])
        if way is not None:
            kept = turned(kept, way)
        found: Tensor = (other @ kept)[:, :, 0]
        return found

    def _root(self, roots: Tensor, code: Tensor) -> Tensor:
        """The square root of the covariance at these ages, of ``roots`` (AGES, k, k): (n, k, k)."""
        places, at = self.variety_places, code.sum(1)
        after = torch.searchsorted(places, at).clamp(1, len(places) - 1)
        share = ((at - places[after - 1]) / (places[after] - places[after - 1])).clamp(0, 1)
        return torch.lerp(roots[after - 1], roots[after], share[:, None, None])

    def opinions(self, images: Sequence[Image]) -> tuple[FloatArray, FloatArray]:
        names = (field.name for field in fields(Telling))
        found = {name: self.get_buffer(f"telling_{name}").cpu().numpy() for name in names}
        return Telling(**found).tell(images)


def window(size: int, device: torch.device) -> Tensor:
    """(size, size): 1 inside, falling to 0 at the edges."""
    places = (torch.arange(size, device=device) + 0.5) / size
    rise = (torch.minimum(places, 1 - places) / _RIM).clamp(0, 1)
    rise = rise.square() * (3 - 2 * rise)
    return rise[:, None] * rise


def larger(maps: Tensor, size: int) -> Tensor:
    return nn.functional.interpolate(maps, (size, size), mode="bilinear", align_corners=False)
