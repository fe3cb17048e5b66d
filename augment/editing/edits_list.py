"""``edits.jsonl``: a line a photo; kept photo by photo, so that a stopped run goes on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augment.errors import UserError
from augment.shards import write_text

LIST = "edits.jsonl"
#: What is done so far: a line that says what was asked for, then each photo's version and line.
UNFINISHED = ".edits.unfinished.jsonl"

Line = dict[str, Any]


class EditsList:
    """The list of an output folder."""

    def __init__(self, out: Path, asked: Mapping[str, Any], force: bool) -> None:
        """Go on with the folder's unfinished run, or begin.

        Args:
            out: the folder.
            asked: what is to be done, as JSON: a run that was asked for the same is gone on with.
            force: begin anew in a folder that holds something else.

        Raises:
            UserError: it holds something else, and ``force`` is not set; or it cannot be written.
        """
        self._out = out
        self._path = out / UNFINISHED
        self._asked = json.dumps(asked, ensure_ascii=False, sort_keys=True)
        self._done: dict[str, tuple[str, Line]] = {}
        try:
            mine = self._read()
            if not mine and not force and out.is_dir() and any(out.iterdir()):
                raise UserError(_occupied(out, self._path.is_file()))
            if (out / LIST).is_dir():
                raise UserError(f"{out / LIST} is a folder: name another folder to write to.")
            self._begin()
        except OSError as error:
            raise UserError(
                f"{out} cannot be written ({error.strerror}): name another folder, or change its "
                "rights."
            ) from None

    def _read(self) -> bool:
        """Take over what a stopped run has done, if it was asked for the same."""
        if not self._path.is_file():
            return False
        text = self._path.read_text(encoding="utf-8", errors="replace")
        first, *rest = text.split("\n")
        if first != self._asked:
            return False
        for one in rest:
            try:
                entry = json.loads(one)
                self._done[entry["line"]["file"]] = entry["version"], entry["line"]
            except (ValueError, TypeError, KeyError):
                break  # cut off or damaged where the run was killed: those photos come again
        return True

    def _begin(self) -> None:
        # Written anew, for a killed process may have left half a line at its end.
        entries = [self._entry(version, line) for version, line in self._done.values()]
        write_text(self._path, "".join(f"{text}\n" for text in (self._asked, *entries)))

    def done(self, name: str, version: str) -> Line | None:
        """The photo's line, if a run that was stopped has edited just this file."""
        before, line = self._done.get(name, ("", None))
        if line is None or before != version:
            return None
        if line["written"] and not (self._out / line["written"]).is_file():
            return None
        return line

    def add(self, version: str, line: Line) -> None:
        """One more photo is done."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(self._entry(version, line) + "\n")

    def finish(self, lines: list[Line]) -> None:
        """Write the list itself."""
        text = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
        write_text(self._out / LIST, text)
        self._path.unlink()

    @staticmethod
    def _entry(version: str, line: Line) -> str:
        return json.dumps({"version": version, "line": line}, ensure_ascii=False)


def _occupied(out: Path, unfinished: bool) -> str:
    if unfinished:
        return (
            f"{out} holds the unfinished run of another command: repeat that one, name a new "
            "folder, or add --force to begin anew over it."
        )
    return f"{out} is not empty: name a new folder, or add --force to write over it."
