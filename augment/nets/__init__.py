"""Building blocks of trained networks: layers, losses, the one training loop."""

import os

# Threads that wait for each other by spinning stop each other where two trainings share the cores
# (measured under load: twice the time, three times the CPU). Must be said before torch starts.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
