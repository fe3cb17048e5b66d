"""The page a person looks at, and the ten lines that a run ends with. No torch, no network."""
