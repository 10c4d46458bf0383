"""The command, and how its processes start."""
