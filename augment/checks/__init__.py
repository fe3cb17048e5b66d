"""Checks that a candidate must pass, one file each."""
