"""The dates of the spring inspection."""

from __future__ import annotations

from datetime import date

YEAR = 2026
SET_UP = date(YEAR, 2, 24)
MOBILISED = date(YEAR, 2, 26)
INSPECTING = date(YEAR, 3, 2), date(YEAR, 3, 27)
RECTIFYING = date(YEAR, 3, 30), date(YEAR, 4, 3)
RECHECKING = date(YEAR, 4, 7), date(YEAR, 4, 9)
SUMMARISED = date(YEAR, 4, 10)
ARCHIVED = date(YEAR, 4, 13)
CHECKED_BEFORE = date(YEAR, 4, 6), date(YEAR, 4, 8)
"""When the figures' own spring inspection was re-checked; in 2026 that begins on a holiday."""
