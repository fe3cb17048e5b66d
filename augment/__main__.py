"""``python -m augment``: the same as the ``augment`` command."""

from augment.cli import main

main()
