"""Words with two labels: the code a program stores, the Chinese and the English a person reads."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Literal, Self

Language = Literal["zh", "en"]

# Asia/Shanghai has kept +08:00 without daylight saving since 1991: a fixed offset needs no zone files.
LOCAL = timezone(timedelta(hours=8), "Asia/Shanghai")

LISTED_AT_MOST = 10


class Labelled(StrEnum):
    """A StrEnum whose members are written `NAME = code, 中文, English`; the member itself is its code."""

    _value_: str
    zh: str
    en: str

    def __new__(cls, code: str, zh: str = "", en: str = "") -> Self:
        """Keep the code as the value; the labels are left out only when a member is looked up by its code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.zh = zh
        member.en = en
        return member


class Level(Labelled):
    """How grave a hazard is: 一般 and 重大 are national (安监总局令第16号), 较大 is what enterprises add."""

    GENERAL = "general", "一般", "General"
    SERIOUS = "serious", "较大", "Serious"
    MAJOR = "major", "重大", "Major"


def label(member: Labelled, language: Language) -> str:
    """The member as a person of that language reads it: `label(TicketState.FOUND, "zh")` is 已登记."""
    return member.zh if language == "zh" else member.en


def local_day(moment: datetime) -> date:
    """The calendar day of an aware moment as people in Asia/Shanghai see it."""
    return moment.astimezone(LOCAL).date()


def spoken(value: object, language: Language) -> str:
    """A value as it stands in a sentence: a label, a local time, a list joined in the language's way."""
    if isinstance(value, Labelled):
        return label(value, language)
    if isinstance(value, datetime):
        return value.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        return _joined(value, language)
    return str(value)


def _joined(values: Iterable[object], language: Language) -> str:
    words = [spoken(value, language) for value in values]
    joined = ("、" if language == "zh" else ", ").join(words[:LISTED_AT_MOST])
    if len(words) <= LISTED_AT_MOST:
        return joined
    return (
        f"{joined}等{len(words)}项"
        if language == "zh"
        else f"{joined} and {len(words) - LISTED_AT_MOST} more"
    )
