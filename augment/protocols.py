"""The plug points, on one screen. A plug-in is one file, found by its name (see plugins.py).

Beside its class each plug-in file holds ``Config``, a :class:`augment.params.Section`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import pyarrow as pa

from augment.params import Section
from augment.types import BinSpace, FloatArray, Image
from augment.vocabulary import DigitalSourceType


@dataclass(frozen=True)
class Record:
    """One picture of a source, before anything is read of it."""

    name: str  # unique inside the source: usually the relative path
    uri: str  # what the source's read() takes; never trusted as a path without a check
    labels: Mapping[str, str] = field(default_factory=dict)  # missing ones become "unknown"
    age: float | None = None  # years
    person: str | None = None
    split: str | None = None  # the data set's own: train | validation | test
    note: str = ""  # what was repaired, or is odd but usable
    reason: str = ""  # not empty: set this row aside
    licence: str = ""  # empty: the source's


class Source(Protocol):
    """A data set as shipped on disk -> rows; picklable.

    Made as ``Source(config, data, age_groups, seed)``, with ``data`` the folder of all data sets.
    Its ``Config`` is a :class:`augment.intake.photo_files.SourceConfig`.
    A source whose pictures are frames of films, of one person each, also has ``around(uri) ->
    list[Image]``: the frames just before and after, which `align` steadies the points with; its
    ``records()`` reads label tables when it is called, before any film is opened.
    """

    licence: str
    attributes: tuple[str, ...]  # label columns beyond vocabulary.BASE_LABELS
    assume: Mapping[str, str]  # labels that params assume where the data set says nothing

    def records(self) -> Iterator[Record]:
        """Every picture file once, in a stable order.

        Raises UserError where a label table is unusable.
        """
        ...

    def read(self, uri: str) -> bytes:
        """The file's bytes. Raises RowError where they cannot be read."""
        ...

    def version(self, uri: str) -> str:
        """Changes whenever ``read(uri)`` would give other bytes; takes microseconds."""
        ...

    def parsing(self, uri: str) -> Image | None:
        """The 19-class CelebAMask-HQ map of the upright photo, uint8 (height, width), or None."""
        ...


@dataclass(frozen=True)
class Detection:
    """One face: box (x, y, width, height) and points (5, 2), both in pixels of the given photo.

    Points: the eye on the picture's left, the other eye, nose tip, mouth corner on the picture's
    left, the other one.
    """

    box: FloatArray
    points: FloatArray
    score: float


class Detector(Protocol):
    """Photo -> faces. Made as ``Detector(config)``; picklable, loads its network on first use."""

    def identity(self) -> str: ...

    def detect(self, image: Image) -> list[Detection]: ...


@dataclass(frozen=True)
class Face:
    """An aligned face in memory."""

    id: str
    image: Image
    points: FloatArray  # (5, 2), crop pixels
    labels: Mapping[str, str]
    age: float | None = None
    native_side: float | None = None  # pixels that the crop's side had in the photo; None: unknown


@dataclass(frozen=True)
class Request:
    """One candidate to be made: from whom, with which labels, with which seed."""

    id: str
    parents: tuple[Face, ...]
    labels: Mapping[str, str]
    changes: tuple[str, ...]
    seed: int


@dataclass(frozen=True)
class Made:
    """What became of a request: a picture, or None and a reason."""

    image: Image | None
    points: FloatArray | None = None
    steps: tuple[str, ...] = ()  # what was done, in order, readable
    reason: str = ""


class Generator(Protocol):
    """Real train faces -> new faces. Made as ``Generator(config)``."""

    parents: int  # faces needed for one new face
    # Optional ``restores = True``: its parents are faces that `align` found too small, and only
    # those; each of them once, for the result shows the same person in the same moment.
    digital_source_type: DigitalSourceType  # what its faces are called inside their files

    def cost(self, donor: Mapping[str, str], target: Mapping[str, str]) -> float | None:
        """What moving a donor of one bin to another costs (0: nothing moves), None: it cannot.

        Both map axis names to axis values. Must not import torch: the plan asks.
        """
        ...

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None:
        """Learn from the aligned train rows of half "a" and leave weights + config in ``folder``.

        ``work`` survives a kill; checkpoints go there. A generator without weights writes nothing.
        """
        ...

    def load(self, folder: Path) -> None:
        """Read what train() left."""
        ...

    def weights(self) -> str:
        """sha256 of the loaded weights, "" for a generator that has none."""
        ...

    def make(self, requests: Sequence[Request]) -> list[Made]:
        """One result a request, in order; each depends on its own request only."""
        ...


class JudgeConfig(Section):
    """What every judge's ``Config`` has.

    One family gates, the other scores what passed. They learn on different halves of the train
    split. No judge guides a generator; generators learn on the scoring family's half, never on the
    gate's.
    """

    family: Literal["gate", "score"] = "gate"

    @property
    def half(self) -> str:
        """The half of the train split that the judge learns on."""
        return "b" if self.family == "gate" else "a"


class Judge(Protocol):
    """Faces -> probabilities of label values, and features. Made as ``Judge(config)``.

    Its ``Config`` is a :class:`JudgeConfig`; it learns on train rows of half ``config.half``.
    """

    def train(self, faces: Path, folder: Path, seed: int, work: Path) -> None: ...

    def load(self, folder: Path) -> None: ...

    def weights(self) -> str: ...

    def values(self) -> Mapping[str, tuple[str, ...]]:
        """The labels it judges and their values, in the order of the probabilities; may be none."""
        ...

    def features(self) -> Mapping[str, int]:
        """The descriptions of a face that it gives: name -> how many numbers; may be none."""
        ...

    def accuracy(self) -> Sequence[Mapping[str, Any]]:
        """How good it is on real held-out faces; rows of ``metrics.calibration.accuracy_rows``."""
        ...

    def predict(self, images: Sequence[Image]) -> Mapping[str, FloatArray]:
        """For each label, probabilities (images, values); for each feature, (images, numbers)."""
        ...


@runtime_checkable
class Adopting(Judge, Protocol):
    """A judge whose weights may come with the package (see ``augment.shipped``)."""

    def adopt(self, faces: Path, folder: Path, split: str = "validation") -> None:
        """After ``load``: measure it on a split of this data set, and write into the model's
        config.json how good it is there, and which labels the two have in common.

        Args:
            faces: ``data/aligned``.
            folder: ``models/<key>``.
            split: whose faces.

        Raises:
            UserError: a judge of labels has none in common with the data set.
        """
        ...


@dataclass(frozen=True)
class Evidence:
    """What is known of some faces, without their pixels; entry i of everything is face i.

    Attributes:
        rows: labels and measured columns, of candidates also generator, parents and changes.
        opinions: judge key -> label -> probabilities, shape (faces, values); see Judge.values().
        measures: what this check's own ``measure`` found, by name, shape (faces, numbers).
        features: judge key -> name -> numbers, shape (faces, numbers); see Judge.features().
    """

    rows: pa.Table
    opinions: Mapping[str, Mapping[str, FloatArray]] = field(default_factory=dict)
    measures: Mapping[str, FloatArray] = field(default_factory=dict)
    features: Mapping[str, Mapping[str, FloatArray]] = field(default_factory=dict)


@dataclass(frozen=True)
class Reference:
    """The real faces that a check takes its thresholds from.

    Attributes:
        bins: the axes whose groups get their own thresholds.
        groups: more label columns whose groups do.
        values: judge key -> label -> the values in the order of the probabilities.
        unseen: real faces that no judge learned on.
        again: the same faces, in the same order, harmlessly varied.
        parents: real faces that candidates were made from; where one was made of several, also a
            face of every train person.
        hashes: ``id``, ``split`` and ``face_hash`` of every real face of the data set.
        false_rejection: share of the real faces of each group that a check may refuse, 0..1.
        smallest_group: groups with fewer real faces borrow the thresholds of wider ones.
        accuracy: judge key -> how good it is, by label and group; see Judge.accuracy().
    """

    bins: BinSpace
    groups: tuple[str, ...]
    values: Mapping[str, Mapping[str, tuple[str, ...]]]
    unseen: Evidence
    again: Evidence
    parents: Evidence
    hashes: pa.Table
    false_rejection: float
    smallest_group: int
    accuracy: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """One check's word on one candidate."""

    score: float | None  # higher is better; None: there was nothing to score
    threshold: float | None  # passes from here on; None where there is no score
    passed: bool
    reason: str = ""  # why it did not pass


class Check(Protocol):
    """Candidates -> verdicts. Made as ``Check(config)``; must not import torch.

    A check whose measures depend on more than the picture (a detector's weights) also has
    ``identity() -> str``, which names it. One that never reads its measures of parents says
    ``candidates_only = True``, and parents are not measured for it.
    """

    measures: Mapping[str, int]  # numbers taken from pixels: name -> how many a face; often none

    def measure(self, image: Image) -> Mapping[str, FloatArray]:
        """The measures of one face. Depends on the picture alone, never on thresholds."""
        ...

    def fit(self, reference: Reference) -> None:
        """Take the thresholds from real faces."""
        ...

    def judge(self, candidates: Evidence) -> list[Verdict]:
        """One verdict a candidate, in order; a value that is not finite is refused in words."""
        ...

    def notes(self) -> list[str]:
        """What the person should know of the fitted check, such as labels that no judge knows."""
        ...
