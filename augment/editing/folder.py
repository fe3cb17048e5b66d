"""``augment edit``: a photo, or a folder of them, into a new folder; every photo gets a line."""

import errno
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from augment import xmp
from augment.editing.editors import Editor
from augment.editing.edits_list import EditsList, Line
from augment.editing.photo import EditedPhoto, edit_photo
from augment.editing.places import Photo, check_apart, photos_of
from augment.errors import RowError
from augment.images import decode, encode
from augment.intake.photo_files import file_version, read_file
from augment.protocols import Detector
from augment.shards import AtomicFile

#: What stops a run, where anything else concerns one photo alone.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
#: Seconds between two states of the progress bar in a log, where each stays.
_SELDOM = 10.0


def edit_files(
    source: Path,
    out: Path,
    editors: Sequence[Editor],
    detector: Detector,
    seed: int,
    largest: bool = False,
    force: bool = False,
    say: Callable[[str], None] = tqdm.write,
) -> dict[str, int]:
    """Edit photos; write each as JPEG under its own name, and ``edits.jsonl``.

    Photos without a face that could be edited are listed with the reason and not written. A run
    that was stopped goes on where it was when the same is asked for again.

    Args:
        source: a photo, or a folder.
        out: the folder to write, outside of ``source``; new or empty, unless ``force``.
        editors: what is done to each face, in order.
        detector: finds faces.
        seed: of the masks' looks.
        largest: edit one face a photo.
        force: write over what is in ``out``.
        say: gets a sentence for each photo of which a face could not be edited.

    Returns:
        How many photos were read and written, and how many faces were found and edited.

    Raises:
        UserError: there is no photo, or ``out`` holds files already or cannot be written.
    """
    photos = photos_of(source)
    check_apart(source, out)
    asked = {
        "photos": str(source.resolve()), "seed": seed, "largest": largest,
        "edits": [editor.asked() for editor in editors],
    }  # fmt: skip
    edits = EditsList(out, asked, force)
    lines = []
    seconds = 0.1 if sys.stderr.isatty() else _SELDOM
    for photo in tqdm(photos, unit="photo", mininterval=seconds, disable=len(photos) == 1):
        version = file_version(photo.root, photo.uri)
        line = edits.done(photo.name, version)
        if line is None:
            line = _edit(photo, out, editors, detector, seed, largest)
            edits.add(version, line)
        if line["reason"]:
            say(f"{photo.name}: {line['reason']}")
        lines.append(line)
    edits.finish(lines)
    return _counts(lines)


def _edit(
    photo: Photo,
    out: Path,
    editors: Sequence[Editor],
    detector: Detector,
    seed: int,
    largest: bool,
) -> Line:
    line: Line = {"file": photo.name, "written": "", "reason": "", "faces": []}
    try:
        pixels = decode(read_file(photo.root, photo.uri))
        edited = edit_photo(pixels, editors, detector, seed, photo.name, largest)
        line["faces"] = [vars(face) for face in edited.faces]
        line["reason"] = _reason(edited)
        if edited.edited:
            _write(out / photo.target, edited, editors)
            line["written"] = photo.target
    except RowError as error:
        line["reason"] = str(error)
    if not line["written"]:
        _remove(out / photo.target)
    return line


def _counts(lines: Sequence[dict[str, Any]]) -> dict[str, int]:
    return {
        "photos": len(lines),
        "written": sum(1 for line in lines if line["written"]),
        "faces": sum(len(line["faces"]) for line in lines),
        "edited": sum(
            1 for line in lines if line["written"] for face in line["faces"] if face["steps"]
        ),
    }


def _reason(edited: EditedPhoto) -> str:
    """Why faces stayed as they were; "" where all were edited."""
    if not edited.faces:
        return "no face was found"
    left = [face.reason for face in edited.faces if face.reason]
    if not left:
        return ""
    told = "; ".join(dict.fromkeys(left))
    return told if len(edited.faces) == 1 else f"{len(left)} of {len(edited.faces)} faces: {told}"


def _write(path: Path, edited: EditedPhoto, editors: Sequence[Editor]) -> None:
    """Raises RowError where this one picture cannot be written."""
    content = xmp.embed(encode(edited.image), editors[-1].digital_source_type)
    try:
        with AtomicFile(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise
        raise RowError(f"{path} cannot be written ({error.strerror})") from None


def _remove(target: Path) -> None:
    """What an earlier run made of a photo that now has no face would speak against the list."""
    if target.is_file():
        target.unlink()
