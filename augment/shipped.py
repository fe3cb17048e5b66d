"""Trained weights that come with the package, for those who have no time to train.

``weights: shipped`` in an entry of params.yaml's ``generators`` or ``judges`` makes its `train`
stage copy them instead of learning. Each folder of ``weights/`` holds one model as `train` leaves
it, and a model card: data, licence, figures by group, limits.
"""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augment.errors import UserError

SHIPPED = "shipped"
CARD = "MODEL_CARD.md"
_FILE = "weights.safetensors"
_HERE = Path(__file__).parent / "weights"
#: kind -> sha256 of its weights.
SHA256: Mapping[str, str] = {
    "age": "8ebd3311f27eaa5c118550b58d1e4ae0bc74b6a540ee1bbbb87e51dd96007113",
    "artifacts": "75237f4657449f28ebdf298fe32e754d60844da26dc09ed75aae4de4e2742e55",
    "attributes": "5ca81fc58fd9912439803a0ba886d1810c74c560799f08a20130214808b8f440",
    "mask": "5d0383387766b22dbbf33594db2fa06ec5a9ef6d2f8d677bbe57f31dbb23cc0e",
    "superres": "c540a43d954a46dd6464501857f2f3a701f8fa63957fb87cbdbd938aa079054f",
}


def wants_shipped(entry: Any, where: str) -> bool:
    """Whether an entry of params.yaml asks for weights that come with the package.

    Args:
        entry: what params.yaml holds at ``where``.
        where: dotted path, for messages.

    Raises:
        UserError: its ``weights`` is another word, none come with the package for its kind, or it
            is a judge that scores.
    """
    if not isinstance(entry, Mapping) or "weights" not in entry:
        return False
    if entry["weights"] != SHIPPED:
        raise UserError(
            f"params.yaml: {where}.weights: '{entry['weights']}' is not known; leave it out to "
            f"train, or write '{SHIPPED}'."
        )
    if entry.get("kind") not in SHA256:
        raise UserError(
            f"params.yaml: {where}.weights: none come with the package for '{entry.get('kind')}'; "
            f"there are: {', '.join(SHA256) or 'none at all'}. Leave the line out to train."
        )
    if entry.get("family") == "score":
        raise UserError(
            f"params.yaml: {where}: a judge of `family: score` must not be the one that the gate "
            "asks, and there is one of each kind in the package: leave `weights` out to train."
        )
    return True


def shipped_folder(kind: str) -> Path:
    """The folder of a kind's weights, checked.

    Raises:
        UserError: none come with the package, or they are damaged.
    """
    if kind not in SHA256:
        raise UserError(
            f"no weights of '{kind}' come with the package, only of: {', '.join(SHA256)}; train it "
            "with `dvc repro` and name the folder of its model (`--models models`)."
        )
    folder = _HERE / kind
    path = folder / _FILE
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    if found != SHA256[kind]:
        raise UserError(
            f"{path} is {'damaged' if found else 'missing'} (sha256 {found[:12]}…, not "
            f"{SHA256[kind][:12]}…); install the package again."
        )
    return folder


def copy_shipped(kind: str, folder: Path) -> None:
    """Lay a kind's weights into ``folder``, as its training would leave them.

    Raises:
        UserError: see :func:`shipped_folder`.
    """
    source = shipped_folder(kind)
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        if path.name != CARD:
            shutil.copyfile(path, folder / path.name)
