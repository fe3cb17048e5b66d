"""Which photos `augment edit` reads, where each one's picture goes, and what it must not touch."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from augment.errors import UserError
from augment.intake.photo_files import photos_below


@dataclass(frozen=True)
class Photo:
    """A photo to edit.

    Attributes:
        root: the folder that it must lie in, links followed.
        uri: its path below ``root``.
        name: what it is called: below the folder that was named, or the file's own name.
        target: where its picture goes, below the output folder.
    """

    root: Path
    uri: str
    name: str
    target: str


def photos_of(source: Path) -> list[Photo]:
    """The photo, or all photos of the folder and below, each with a target of its own.

    Raises:
        UserError: there is no photo, or it cannot be looked at.
    """
    try:
        found = list(_found(source))
    except OSError as error:
        raise UserError(f"{source} cannot be read ({error.strerror}).") from None
    if not found:
        raise UserError(f"{source} holds no photos.")
    targets = _targets([name for _, _, name in found])
    return [Photo(*one, target) for one, target in zip(found, targets, strict=True)]


def _found(source: Path) -> Iterator[tuple[Path, str, str]]:
    if source.is_file():
        # A link that was named is meant; only a link in a folder may lead nowhere else.
        real = source.resolve()
        yield real.parent, real.name, source.name
    elif source.is_dir():
        for uri in photos_below(source):
            yield source, uri, uri
    else:
        raise UserError(f"{source} not found: name a photo, or a folder of photos.")


def _targets(names: Sequence[str]) -> list[str]:
    """``a.png`` becomes ``a.jpg``; beside another ``a``, ``a.png.jpg``.

    Raises:
        UserError: a photo of the folder is called like another one's picture.
    """
    short = [str(PurePosixPath(name).with_suffix(".jpg")) for name in names]
    common = Counter(short)
    targets = [
        target if common[target] == 1 or name == target else f"{name}.jpg"
        for name, target in zip(names, short, strict=True)
    ]
    taken: dict[str, str] = {}
    for name, target in zip(names, targets, strict=True):
        other = taken.setdefault(target, name)
        if other != name:
            raise UserError(f"{other} and {name} would both become {target}: rename one.")
    return targets


def check_apart(source: Path, out: Path) -> None:
    """Refuse an output folder that holds the photos, or lies among them.

    Pictures there would be taken for photos the next time, and could take a photo's place.

    Raises:
        UserError: it does, it is no folder, or it cannot be looked at.
    """
    try:
        if out.exists() and not out.is_dir():
            raise UserError(f"{out} is a file: name a folder to write to.")
        folder = (source if source.is_dir() else source.parent).resolve()
        if out.resolve() == folder:
            raise UserError(f"{out} holds the photos themselves: name another folder.")
        if source.is_dir() and out.resolve().is_relative_to(folder):
            raise UserError(
                f"{out} lies inside of {source}, among the photos: name a folder elsewhere."
            )
    except (OSError, RuntimeError) as error:  # the latter: links that lead in a circle
        raise UserError(f"{out} cannot be looked at ({error}): name another.") from None
