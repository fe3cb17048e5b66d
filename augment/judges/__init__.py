"""Networks that say what a face shows, for gating and scoring."""
