"""From real and synthetic faces to the data set that people load."""
