"""Face detectors, one file each, and the crop."""
