"""``augment edit``: a photo, or a folder of them, into a new folder; every photo gets a line."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from tqdm import tqdm

from augment import xmp
from augment.editing.editors import Editor
from augment.editing.photo import EditedPhoto, edit_photo, read_photo
from augment.errors import RowError, UserError
from augment.images import encode
from augment.intake.photo_files import photos_below
from augment.protocols import Detector
from augment.shards import AtomicFile, write_text

LIST = "edits.jsonl"


def edit_files(
    source: Path,
    out: Path,
    editors: Sequence[Editor],
    detector: Detector,
    seed: int,
    largest: bool = False,
    force: bool = False,
    say: Callable[[str], None] = print,
) -> dict[str, int]:
    """Edit photos; write each as JPEG under its own name, and ``edits.jsonl``.

    Photos without a face that could be edited are listed with the reason and not written.

    Args:
        source: a photo, or a folder.
        out: the folder to write; new or empty, unless ``force``.
        editors: what is done to each face, in order.
        detector: finds faces.
        seed: of the masks' looks.
        largest: edit one face a photo.
        force: write over what is in ``out``.
        say: gets a sentence for each photo that could not be edited.

    Returns:
        How many photos were read and written, and how many faces were found and edited.

    Raises:
        UserError: there is no photo, or ``out`` holds files already.
    """
    photos = list(_photos(source))
    _check(out, photos, source, force)
    counts = dict.fromkeys(("photos", "written", "faces", "edited"), 0)
    lines = []
    for path, name in tqdm(photos, unit="photo", disable=len(photos) == 1):
        target = PurePosixPath(name).with_suffix(".jpg")
        line: dict[str, Any] = {"file": name, "written": "", "reason": "", "faces": []}
        try:
            edited = edit_photo(read_photo(path), editors, detector, seed, name, largest)
        except RowError as error:
            line["reason"] = str(error)
        else:
            line["faces"] = [vars(face) for face in edited.faces]
            line["reason"] = _reason(edited)
            counts["faces"] += len(edited.faces)
            counts["edited"] += edited.edited
            if edited.edited:
                _write(out / target, edited, editors)
                line["written"] = str(target)
                counts["written"] += 1
        if line["reason"]:
            say(f"{name}: {line['reason']}")
        counts["photos"] += 1
        lines.append(json.dumps(line, ensure_ascii=False))
    write_text(out / LIST, "".join(f"{line}\n" for line in lines))
    return counts


def _photos(source: Path) -> Iterator[tuple[Path, str]]:
    """Each photo, and its name below the folder."""
    if source.is_file():
        yield source, source.name
        return
    if not source.is_dir():
        raise UserError(f"{source} not found: name a photo, or a folder of photos.")
    for uri in photos_below(source):
        yield source / uri, uri


def _check(out: Path, photos: Sequence[tuple[Path, str]], source: Path, force: bool) -> None:
    if not photos:
        raise UserError(f"{source} holds no photos.")
    if out.is_file():
        raise UserError(f"{out} is a file: name a folder to write to.")
    if out.resolve() == (source if source.is_dir() else source.parent).resolve():
        raise UserError(f"{out} holds the photos themselves: name another folder.")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise UserError(f"{out} is not empty: name a new folder, or add --force to write over it.")
    targets: dict[PurePosixPath, str] = {}
    for _, name in photos:
        target = PurePosixPath(name).with_suffix(".jpg")
        other = targets.setdefault(target, name)
        if other != name:
            raise UserError(f"{other} and {name} would both become {target}: rename one.")


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
    content = xmp.embed(encode(edited.image), editors[-1].digital_source_type)
    with AtomicFile(path) as temporary:
        temporary.write_bytes(content)
