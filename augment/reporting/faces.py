"""Which pictures the page may show, which of many it shows, and how they get into it."""

import base64
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from augment.images import decode, encode, resize
from augment.seeds import row_share

#: Pictures are shown at most this large, in pixels.
SIDE = 96
#: All pictures together, as text: the page stays below 15 MB.
MOST_BYTES = 11_000_000

HIDDEN = "not shown: a photograph of a real person"
HIDDEN_CHILD = "not shown: made from photographs of real people"
MISSING = "no picture"


@dataclass(frozen=True)
class Visibility:
    """What may be seen. A face made from hidden faces is hidden too: it looks like them.

    Attributes:
        everything: params allow real faces.
        sources: the sources whose faces are shown anyway: drawn ones, and those params name.
    """

    everything: bool
    sources: frozenset[str]

    def allows(self, ids: Iterable[str]) -> bool:
        """Whether faces of these ids, or a face made from them, may be shown; no ids, no."""
        sources = {row_id.split("/", 1)[0] for row_id in ids}
        return self.everything or (bool(sources) and sources <= self.sources)


@dataclass(frozen=True)
class Shot:
    """One picture's place on the page: a data URI, or why there is none."""

    alt: str
    uri: str = ""
    absent: str = ""


@dataclass(frozen=True)
class Outline:
    """What choosing needs to know of a candidate."""

    id: str
    generator: str
    bin: str
    passed: bool


def choose(candidates: Sequence[Outline], most: int) -> list[str]:
    """At most so many ids: in turn from every generator, verdict and bin, so that rare ones show.

    The same candidates give the same choice, whatever their order.
    """
    piles: dict[tuple[str, bool, str], list[str]] = defaultdict(list)
    for one in sorted(candidates, key=lambda one: (row_share(0, "report", one.id), one.id)):
        piles[one.generator, one.passed, one.bin].append(one.id)
    order = sorted(piles)
    chosen: list[str] = []
    depth = 0
    while len(chosen) < most and any(len(piles[key]) > depth for key in order):
        chosen += [piles[key][depth] for key in order if len(piles[key]) > depth]
        depth += 1
    return chosen[:most]


def data_uri(content: bytes) -> str:
    """Encoded picture bytes of any size as a data URI of at most :data:`SIDE` pixels."""
    image = decode(content)
    if max(image.shape[:2]) > SIDE:
        content = encode(resize(image, SIDE))
    return "data:image/jpeg;base64," + base64.b64encode(content).decode("ascii")


class Album:
    """Pictures for the page until its share of bytes is used up."""

    def __init__(self, visibility: Visibility, most_bytes: int = MOST_BYTES) -> None:
        self._visibility, self._left = visibility, most_bytes

    def real(self, row_id: str, content: bytes | None, alt: str) -> Shot:
        """A face of the data set."""
        if not self._visibility.allows([row_id]):
            return Shot(alt, absent=HIDDEN)
        return self._shot(content, alt)

    def made(self, parents: Sequence[str], content: bytes | None, alt: str) -> Shot:
        """A candidate; it shows what its parents show."""
        if content is None:
            return Shot(alt, absent=MISSING)
        if not self._visibility.allows(parents):
            return Shot(alt, absent=HIDDEN_CHILD)
        return self._shot(content, alt)

    def _shot(self, content: bytes | None, alt: str) -> Shot:
        if content is None:
            return Shot(alt, absent=MISSING)
        uri = data_uri(content)
        if len(uri) > self._left:
            return Shot(alt, absent="left out: the page would become too large")
        self._left -= len(uri)
        return Shot(alt, uri)
