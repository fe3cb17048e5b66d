"""From orders to candidates: fetching donors, asking the generator, measuring what it made."""
