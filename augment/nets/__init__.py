"""Building blocks of trained networks: layers, losses, the one training loop."""
