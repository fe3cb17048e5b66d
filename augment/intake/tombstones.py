"""Who has withdrawn: ``forgotten.json`` in the project's folder, which ingest obeys.

The file names nobody in the clear: it holds SHA-256 digests of names and of files' digests, taken
with a random salt of the project. Whoever holds a list of names can still test it against the file.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augment.errors import UserError
from augment.shards import write_json

FILE = "forgotten.json"
#: What may be withdrawn: a source's key, "<source>/<person>", a row's id, a file's sha256 (hex).
KINDS = ("source", "person", "id", "file")
_VERSION = 1
_SALT_BYTES = 16


@dataclass(frozen=True)
class Tombstones:
    """Digests of what was withdrawn, by kind."""

    salt: str = ""
    digests: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self.digests.values())

    def holds(self, kind: str, name: str | None) -> bool:
        """Whether this person, row, source or file was withdrawn."""
        known = self.digests.get(kind)
        return bool(known and name) and self._digest(kind, str(name)) in (known or ())

    def holds_row(self, row_id: str, person: str | None) -> bool:
        """Whether a row was withdrawn by its own name, its person's or its source's."""
        return (
            self.holds("id", row_id)
            or self.holds("person", person)
            or self.holds("source", row_id.partition("/")[0])
        )

    def add(self, names: Mapping[str, Iterable[str]]) -> "Tombstones":
        """These, and more: kind -> names in the clear."""
        more = Tombstones(self.salt or secrets.token_hex(_SALT_BYTES), {})
        digests = {
            kind: self.digests.get(kind, frozenset())
            | {more._digest(kind, name) for name in names.get(kind, ()) if name}
            for kind in KINDS
        }
        return Tombstones(more.salt, digests)

    def write(self, path: Path) -> None:
        """Atomically; sorted, so that nothing tells which entries came together."""
        digests = {kind: sorted(self.digests.get(kind, ())) for kind in KINDS}
        write_json(path, {"version": _VERSION, "salt": self.salt, **digests})

    def _digest(self, kind: str, name: str) -> str:
        return hashlib.sha256(f"{self.salt}\0{kind}\0{name}".encode()).hexdigest()


def read_tombstones(path: Path) -> Tombstones:
    """What the file says.

    Raises:
        UserError: it is missing or not what :meth:`Tombstones.write` wrote. Going on without it
            would bring back people who have withdrawn.
    """
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{path} is missing: it keeps withdrawn people out. Take it back from git; only in a "
            f"project from which nobody was ever withdrawn, write {{}} into a new one."
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid JSON ({error}): take it back from git.") from None
    known = isinstance(content, dict) and set(content) <= {"version", "salt", *KINDS}
    if not known or not all(isinstance(content.get(kind, []), list) for kind in KINDS):
        raise UserError(f"{path} must hold lists of digests named {', '.join(KINDS)}.")
    digests = {kind: frozenset(map(str, content.get(kind, ()))) for kind in KINDS}
    return Tombstones(str(content.get("salt", "")), digests)
