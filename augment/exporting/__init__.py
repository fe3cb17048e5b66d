"""The balanced data set in the layouts that other tools read."""

from augment.exporting.export import Wanted, export

__all__ = ["Wanted", "export"]
