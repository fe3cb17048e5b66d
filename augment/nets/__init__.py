"""Building blocks of trained networks: layers, losses, the one training loop."""

import os

# Threads that wait for each other by spinning stop each other where two trainings share the cores
# (measured: a quarter of the speed). Must be said before torch starts its threads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
