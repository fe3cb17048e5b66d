"""What data sets are read with: the params section ``ingest``, label tables, files, splits."""

from augment.intake.config import Intake, open_sources

__all__ = ["Intake", "open_sources"]
