"""What happens by the clock: short Prefect flows around commands, safe to kill and to run twice."""

import os

# Before anything imports Prefect: it reports home unless told not to, and shows only its own loggers.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "domain,papers,flows")
