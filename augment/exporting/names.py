"""File names from row ids, which are others' file names and may hold anything."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

#: With digest and suffix a name must fit into the 100 bytes of a plain tar entry.
_LONGEST = 60


def safe_names(ids: Sequence[str]) -> list[str]:
    """File names without a suffix: letters, digits, ``_`` and ``-`` of the id, and no two alike.

    Names that would be the same, also on a disk that ignores case, get a digest of their id.
    """
    plain = [_plain(row_id) for row_id in ids]
    often = Counter(name.lower() for name in plain)
    names = [
        name if often[name.lower()] == 1 and len(name) <= _LONGEST
        else f"{name[:_LONGEST]}-{hashlib.blake2b(i.encode(), digest_size=10).hexdigest()}"
        for name, i in zip(plain, ids, strict=True)
    ]  # fmt: skip
    taken: set[str] = set()
    for place, name in enumerate(names):
        while names[place].lower() in taken:  # an id that looks like another's digest
            names[place] = f"{name}-{place}"
        taken.add(names[place].lower())
    return names


def _plain(row_id: str) -> str:
    stem = re.sub(r"\.(jpe?g|png|webp|bmp|tiff?|gif)$", "", row_id, flags=re.IGNORECASE)
    # No dots: webdataset takes what follows the first for the kind of file.
    return re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_-") or "face"
