"""The two ways in which something goes wrong, each with words for the person who has to mend it."""

from typing import Any


class UserError(Exception):
    """A whole run cannot go on. The message says what was wrong, where, and what to do.

    The command line prints it as one sentence, without a traceback, and exits with 2.
    """


class TrainingFailed(UserError):
    """Two networks that train against each other have stopped learning.

    Attributes:
        history: the losses until then, as a finished training would have left them.
    """

    def __init__(self, message: str, history: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.history = history


class RowError(Exception):
    """One face cannot be used. The message becomes the ``reason`` of its row; the run goes on."""
