"""Data sets as shipped on disk, one file a layout."""
