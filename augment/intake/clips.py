"""Frames of video files, by number, exactly; and which frames of a clip are worth a row.

Seeking is not exact in every format that FFmpeg reads, so frames are counted from the start. Rows
come in the order of their frames, so an open clip mostly goes on where it stands.
"""

import math
import os
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from augment.errors import RowError
from augment.images import MAX_PIXELS
from augment.seeds import row_generator
from augment.types import Image

SUFFIXES = (
    ".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4",
    ".mpeg", ".mpg", ".mts", ".mxf", ".ogg", ".ogv", ".ts", ".vob", ".webm", ".wmv", ".y4m",
)  # fmt: skip
#: Frames before and after one that are its neighbours: half of the 5 that points are smoothed over
#: (Han & Kim 2018 as re-implemented; median of 5).
REACH = 2
_KEPT = 2 * REACH + 2  # decoded frames that an open clip remembers
_SHARPNESS_SIDE = 256  # pixels; larger frames are measured shrunken, so that noise counts less
#: Clips whose file says no believable rate are taken for this one.
USUAL_RATE = 25.0
_RATES = (1.0, 1000.0)

# What FFmpeg has to say of a broken file, the row says. Only files are opened, whatever a playlist
# inside of one names.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "protocol_whitelist;file")


@dataclass(frozen=True)
class Survey:
    """A clip, looked through once.

    Attributes:
        frames: how many it has.
        rate: frames a second.
        note: what was odd about it, else "".
        chosen: numbers of the frames worth a row, ascending, (n,).
        sharpness: variance of the Laplacian of each of them, grey levels squared, (n,).
    """

    frames: int
    rate: float
    note: str
    chosen: npt.NDArray[np.int64]
    sharpness: npt.NDArray[np.float64]


def sample(frames: int, rate: float, per_second: int, seed: int, name: str) -> list[list[int]]:
    """Random frames of every second, no two of them adjacent (Han & Kim 2018, section 3).

    Args:
        frames: of the clip, 1 or more.
        rate: frames a second.
        per_second: frames wanted of each second; fewer where more would be adjacent, and in
            proportion of a last, shorter second.
        seed: the run's.
        name: the clip's; each second draws by a seed of its own.

    Returns:
        Frame numbers, ascending, a list a second.
    """
    chosen: list[list[int]] = []
    last = -2
    for second in range(math.ceil(frames / rate)):
        start, end = math.ceil(second * rate), min(math.ceil((second + 1) * rate), frames)
        start = max(start, last + 2)  # nor are the last of one second and the first of the next
        length = end - start
        wanted = round(per_second * min(1.0, (frames - second * rate) / rate))
        count = min(wanted, (length + 1) // 2)
        if count > 0:
            random = row_generator(seed, "video frames", f"{name}/{second}")
            # Choosing among fewer and spreading the choice makes every such set equally likely.
            places = np.sort(random.choice(length - count + 1, size=count, replace=False))
            found = [start + int(place) + gap for gap, place in enumerate(places)]
            chosen.append(found)
            last = found[-1]
        else:
            chosen.append([])
    return chosen


def survey(path: Path, per_second: int, seed: int, name: str) -> Survey:
    """Count the frames of a clip, choose some, and measure how sharp these are.

    Raises:
        RowError: it cannot be read as a video, or it is too short: one frame, or no whole second.
    """
    frames, rate, note = _counted(path)
    if frames == 1:
        raise RowError("the clip holds one frame only")
    if frames < rate:
        raise RowError("the clip is shorter than a second")
    chosen = [n for second in sample(frames, rate, per_second, seed, name) for n in second]
    clip = _Clip(path)
    sharpness = [_sharpness(clip.frame(number)) for number in chosen]
    return Survey(frames, rate, note, np.array(chosen, np.int64), np.array(sharpness))


def _counted(path: Path) -> tuple[int, float, str]:
    """Frames that can be decoded, frames a second, and a note."""
    if not path.is_file():
        raise RowError("the file is missing, or no plain file")
    if not path.stat().st_size:
        raise RowError("the file is empty")
    capture = _opened(path)
    rate, told = (capture.get(key) for key in (cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_COUNT))
    frames = 0
    while capture.grab():
        frames += 1
    capture.release()
    if not frames:
        raise RowError("no frame of the clip can be decoded")
    notes = []
    if not _RATES[0] <= rate <= _RATES[1]:
        rate = USUAL_RATE
        notes.append(f"the file names no frame rate: {USUAL_RATE:g} a second assumed")
    if 0 < told < 2**31 and frames < 0.98 * told:
        notes.append("the clip is cut off: it names more frames than it holds")
    return frames, rate, "; ".join(notes)


def _opened(path: Path) -> cv2.VideoCapture:
    # By FFmpeg alone: other backends take a name with digits for a sequence of pictures.
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise RowError("the file is not a video that can be read")
    if capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT) > MAX_PIXELS:
        raise RowError(f"the clip's frames have over {MAX_PIXELS:,} pixels")
    return capture


def _sharpness(frame: Image) -> float:
    shrink = _SHARPNESS_SIDE / max(frame.shape[:2])
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    if shrink < 1:
        grey = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


class _Clip:
    """An open video file that remembers the last frames it gave."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: OrderedDict[int, Image] = OrderedDict()
        self._start()

    def _start(self) -> None:
        self._capture = _opened(self._path)
        self._next = 0

    def frame(self, number: int) -> Image:
        """RGB, uint8 (height, width, 3), and its neighbours before it are remembered.

        Raises:
            RowError: the clip has no such frame.
        """
        if number not in self._kept:
            if number < self._next:
                self._start()
            while self._next < number - REACH:
                self._grab(number)
            while self._next <= number:
                self._keep(number)
        return self._kept[number]

    def _grab(self, wanted: int) -> None:
        if not self._capture.grab():
            raise RowError(f"the clip ends before its frame {wanted}")
        self._next += 1

    def _keep(self, wanted: int) -> None:
        self._grab(wanted)
        done, pixels = self._capture.retrieve()
        if not done:
            raise RowError(f"the clip's frame {self._next - 1} cannot be decoded")
        self._kept[self._next - 1] = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


@lru_cache(maxsize=4)
def _clip(path: Path, version: str) -> _Clip:
    del version  # part of the key: a file that has changed is opened anew
    return _Clip(path)


def read_frame(path: Path, version: str, number: int) -> Image:
    """Frame ``number`` of a clip, RGB, uint8 (height, width, 3); 0 is the first.

    Args:
        path: of the file.
        version: of the file, see :func:`augment.intake.photo_files.file_version`.
        number: of the frame.

    Raises:
        RowError: there is no such file, it is no video, or it has no such frame.
    """
    if not path.is_file():
        raise RowError("the file is missing")
    return _clip(path, version).frame(number)


def neighbours(path: Path, version: str, number: int) -> list[Image]:
    """The frames within REACH of one, without itself, as far as the clip has them."""
    found = []
    for other in range(max(0, number - REACH), number + REACH + 1):
        if other != number:
            try:
                found.append(read_frame(path, version, other))
            except RowError:
                continue
    return found
