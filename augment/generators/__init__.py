"""What makes new faces, one file (or folder) each."""
