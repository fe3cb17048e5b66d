"""Finds names of rows and people in running text, however a file format writes them."""

import html
import re
from collections.abc import Iterator, Set
from pathlib import Path

REDACTED = "(withdrawn)"
_CHUNK = 1 << 23
_ESCAPED = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/]))')
#: The longest way to write a character: "&#x10ffff;" in HTML.
_LONGEST = 10


class Mentions:
    """Names that must not be mentioned any more, told apart from longer names that stay.

    ``mine/ann`` is not mentioned by ``mine/anna``, nor by ``mine/ann.jpg`` where that is the name
    of another row. A name that a withdrawn person shares with a row that stays cannot be told from
    it in text: see :attr:`shared`.
    """

    def __init__(self, names: Set[str], staying: Set[str]) -> None:
        #: names that also name something that stays: only tables can tell them apart
        self.shared = names & staying
        self._names = names - staying
        self._known = names | staying
        # Names are "<source or generator>/<rest>": their first parts find where to look closely.
        starts = sorted({name.partition("/")[0] for name in self._names}, key=len, reverse=True)
        pattern = "|".join(map(re.escape, starts)) or "(?!)"
        self._start = re.compile(rf"(?<!\w)(?:{pattern})/")
        self._lengths = sorted({len(name) for name in self._known}, reverse=True)

    def __bool__(self) -> bool:
        return bool(self._names)

    def count(self, text: str) -> int:
        """How many times any of the names stands in a text."""
        return sum(1 for _ in self._found(text))

    def redact(self, text: str) -> str:
        """The text with :data:`REDACTED` in the place of each name."""
        parts, place = [], 0
        for start, end in self._found(text):
            parts += [text[place:start], REDACTED]
            place = end
        return "".join([*parts, text[place:]])

    def count_in_file(self, path: Path) -> int:
        """The same for a file of any kind, in bounded memory; also as JSON and HTML escape it."""
        if not self._names:
            return 0
        overlap = _LONGEST * max(map(len, self._names)) + 1
        found, rest = 0, b""
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                content = rest + chunk
                last = len(chunk) < _CHUNK
                # A name may lie across two chunks: what starts in the rest counts with the next.
                found += self._count_variants(content, len(content) - (0 if last else overlap))
                rest = b"" if last else content[-overlap:]
        return found + (self._count_variants(rest, len(rest)) if rest else 0)

    def _count_variants(self, content: bytes, end: int) -> int:
        text = content.decode("utf-8", "replace")
        if end < len(content):  # characters, not bytes
            end = len(content[:end].decode("utf-8", "replace"))
        found = sum(start < end for start, _ in self._found(text))
        for read, sign in ((html.unescape, "&"), (_unescape_json, "\\")):
            if sign in text:
                found = max(found, sum(1 for _ in self._found(read(text))))
        return found

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        place = 0
        while start := self._start.search(text, place):
            end = self._match(text, start.start())
            if end:
                yield start.start(), end
            place = end or start.end()

    def _match(self, text: str, start: int) -> int:
        """Where the longest known name ends that starts here, if it is one of ours; else 0."""
        for length in self._lengths:
            end = start + length
            name = text[start:end]
            if len(name) == length and name in self._known:
                if end < len(text) and (text[end].isalnum() or text[end] == "_"):
                    continue
                return end if name in self._names else 0
        return 0


def _unescape_json(text: str) -> str:
    return _ESCAPED.sub(lambda m: chr(int(m[1], 16)) if m[1] else m[2], text)
