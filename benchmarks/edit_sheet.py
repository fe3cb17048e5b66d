"""The README's picture of ``augment edit``. python benchmarks/edit_sheet.py --london DIR

People of the Face Research Lab London Set (L. DeBruine and B. Jones 2017, CC BY 4.0), who agreed to
be shown: the only photos of real people that the project shows. Writes `reports/systems/edit.jpg`.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from augment.editing import AgeEditor, Editor, MaskWearer, edit_photo, read_photo
from augment.images import resize
from augment.types import Image

SEED = 7
AGES = (5, 72)
MASKS = ("surgical", "n95", "cloth")
EACH = 3  # every so manyth photo, for another person
PEOPLE = 7
SIDE = 176  # pixels of a picture on the sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--london", type=Path, required=True, help="the set, with images/")
    parser.add_argument("--out", type=Path, default=Path("reports/systems/edit.jpg"))
    args = parser.parse_args()
    photos = sorted((args.london / "images").glob("*.jpg"))[2::EACH][:PEOPLE]
    columns = [np.vstack([_small(picture) for picture in _pictures(path)]) for path in photos]
    quality = [cv2.IMWRITE_JPEG_QUALITY, 88]
    cv2.imwrite(str(args.out), np.hstack(columns)[..., ::-1], quality)


def _pictures(path: Path) -> Iterator[Image]:
    """The photo, at each age, and with a mask of each kind."""
    photo = read_photo(path)
    yield photo
    editors: list[Editor] = [*map(AgeEditor, AGES), *map(MaskWearer, MASKS)]
    for editor in editors:
        edited = edit_photo(photo, [editor], seed=SEED, name=path.name)
        print(path.name, edited.faces[0].steps or edited.faces[0].reason)
        yield edited.image


def _small(picture: Image) -> Image:
    """Head and shoulders, without the wall around."""
    side = min(picture.shape[:2])
    low, size = int(0.2 * side), int(0.62 * side)
    return resize(picture[low : low + size, low : low + size], SIDE)


if __name__ == "__main__":
    main()
