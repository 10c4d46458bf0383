"""Moments, days and numbers as people in Asia/Shanghai read them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

from babel.dates import format_date

from statemachines.labels import LOCAL, Language, local_day

_WEEKDAYS = "一二三四五六日"
_END_OF_DAY = time(23, 59, 59)


def day(value: date, language: Language, *, now: datetime | None = None, weekday: bool = True) -> str:
    """4月14日（周二), with the year when it is not this year's."""
    this_year = now is not None and local_day(now).year == value.year
    if language == "zh":
        year = "" if this_year else f"{value.year}年"
        name = f"（周{_WEEKDAYS[value.weekday()]}）" if weekday else ""
        return f"{year}{value.month}月{value.day}日{name}"
    pattern = ("EEE " if weekday else "") + "d MMM" + ("" if this_year else " y")
    return str(format_date(value, pattern, locale="en_GB"))


def moment(value: datetime, language: Language, *, now: datetime | None = None) -> str:
    """4月2日 09:14."""
    local = value.astimezone(LOCAL)
    return f"{day(local.date(), language, now=now, weekday=False)} {local:%H:%M}"


def deadline(value: datetime, language: Language, *, now: datetime | None = None) -> str:
    """4月14日（周二）24:00: the end of a day is said as 24:00, other deadlines by the minute."""
    local = value.astimezone(LOCAL)
    clock = "24:00" if local.time().replace(microsecond=0) == _END_OF_DAY else f"{local:%H:%M}"
    gap = "" if language == "zh" else ", "
    return f"{day(local.date(), language, now=now)}{gap}{clock}"


def remaining(due: datetime, now: datetime) -> tuple[str, int]:
    """How far a deadline is: ("late" | "today" | "hours" | "left", how many days or hours)."""
    days = (local_day(due) - local_day(now)).days
    if due < now:
        return "late", max(1, -days)
    if due - now < timedelta(hours=24) and days > 0 and due.astimezone(LOCAL).time() < _END_OF_DAY:
        return "hours", max(1, int((due - now).total_seconds() // 3600))
    return ("today", 0) if days == 0 else ("left", days)


def number(value: Decimal | int | float | None) -> str:
    """2, 4 500, 12.5: without idle zeros, thousands kept together by a thin space."""
    if value is None:
        return "—"
    plain = f"{Decimal(str(value)):f}"
    whole, _, rest = plain.partition(".")
    rest = rest.rstrip("0")
    if len(whole.lstrip("-")) > 4:
        whole = f"{int(whole):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{whole}.{rest}" if rest else whole


def iso_day(value: datetime | date | None) -> str:
    """2026-04-14, as a date field of a form wants it."""
    if isinstance(value, datetime):
        value = local_day(value)
    return value.isoformat() if value else ""


def iso_minute(value: datetime | None) -> str:
    """2026-04-14T09:14, as a date-and-time field of a form wants it, in local time."""
    return value.astimezone(LOCAL).strftime("%Y-%m-%dT%H:%M") if value else ""
