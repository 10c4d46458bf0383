"""The command, and how its processes start."""

import gc

AT_LATEST = (50_000, 10, 100)
"""What may gather, by generation, before Python looks for cycles of objects nobody needs."""

# What a start loads stays; with Python's own thresholds every start looked through all of it a hundred times, a tenth
# of the time it took.
gc.set_threshold(*AT_LATEST)
