"""What a group is told, a line for each matter: number, place, what, by when, the links, and whom it concerns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.digest import Group, by_urgency, group_of, link
from domain.dispatches import Item
from domain.notices import local_time
from statemachines.labels import label

LONGEST = 120
"""Characters of what people wrote that a line carries."""

#: What a messenger would read as a mention, a link or a style, in the full-width form it leaves alone.
_HARMLESS = str.maketrans("<>[]()*@`_#|~\\", "＜＞［］（）＊＠｀＿＃｜～＼")


@dataclass(frozen=True, slots=True)
class Line:
    """One matter. `called` are those to be called by name with their phones; `told` are the others."""

    group: Group
    number: str
    text: str
    link: str
    photo: str | None
    called: tuple[tuple[str, str | None], ...]
    told: tuple[str, ...]


def harmless(text: str) -> str:
    """What people wrote, so that it can call nobody and hide no link."""
    return " ".join(text.translate(_HARMLESS).split())


def lines_of(items: Sequence[Item], public_url: str) -> list[Line]:
    """A line for each ticket and kind, most pressing first, with everybody told of it."""
    matters: dict[tuple[str, str], list[Item]] = {}
    for item in by_urgency(items):
        matters.setdefault((item.kind, item.ticket or item.subject), []).append(item)
    return [_line(about, public_url) for about in matters.values()]


def _line(about: Sequence[Item], public_url: str) -> Line:
    first = about[0]
    said = harmless("：".join(part for part in (first.place, first.what) if part))
    if len(said) > LONGEST:
        said = said[:LONGEST] + "…"
    if first.due_at is not None:
        said += f"，期限{local_time(first.due_at, 'zh')}"
    return Line(
        group=group_of(first),
        number=first.ticket or "",
        text=said,
        link=link(first, public_url),
        photo=f"{public_url}/photos/{first.photo}" if first.photo else None,
        called=tuple(
            dict.fromkeys((harmless(item.person), item.phone) for item in about if item.responsible)
        ),
        told=tuple(dict.fromkeys(_name(item) for item in about if not item.responsible)),
    )


def test_line(public_url: str) -> Line:
    """What a test says."""
    return Line(
        group=Group.NEWS,
        number="",
        text="这是一条测试消息，收到即表示渠道可用。",
        link=f"{public_url}/outlets",
        photo=None,
        called=(),
        told=(),
    )


def _name(item: Item) -> str:
    name = harmless(item.person)
    return f"{name}（代{harmless(item.instead_of)}）" if item.instead_of else name


def headings(lines: Sequence[Line]) -> list[tuple[Group, str, list[Line]]]:
    """The lines by group, each with its heading."""
    return [
        (group, label(group, "zh"), mine)
        for group in Group
        if (mine := [line for line in lines if line.group is group])
    ]
