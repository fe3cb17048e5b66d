"""The two ways in which something goes wrong, each with words for the person who has to mend it."""


class UserError(Exception):
    """A whole run cannot go on. The message says what was wrong, where, and what to do.

    The command line prints it as one sentence, without a traceback, and exits with 2.
    """


class RowError(Exception):
    """One face cannot be used. The message becomes the ``reason`` of its row; the run goes on."""
