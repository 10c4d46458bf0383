"""What a message says: its notices by what to do about them, overdue first, each with all it takes to act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from domain.dispatches import Item, Letter
from statemachines.labels import Labelled, Language, label

ENTRIES_AT_MOST = 100
"""Notices a message spells out; the rest is counted, and read in the in-box."""

NEWS = frozenset(
    {
        "verified",
        "cancelled",
        "supervised",
        "supervision_reported",
        "delisted",
        "plan_approved",
        "extension_approved",
        "extension_refused",
        "suggestion_settle",
        "summary_published",
    }
)
"""Kinds of notice after which there is nothing to do."""

_LAST = datetime.max.replace(tzinfo=UTC)


class Group(Labelled):
    """What the reader is to do, most pressing first."""

    OVERDUE = "overdue", "已逾期，立即处理", "Overdue: act now"
    DUE = "due", "待办", "To do"
    NEWS = "news", "知悉", "For your information"


@dataclass(frozen=True, slots=True)
class Entry:
    """One notice as a message spells it out: what to do, then facts as label and value."""

    title: str
    todo: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    link: str
    photo: str | None


@dataclass(frozen=True, slots=True)
class Section:
    """The notices of one group."""

    group: Group
    heading: str
    count: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """A message in words. `left_out` counts what it does not spell out; `inbox` is where that is read."""

    subject: str
    language: Language
    sections: tuple[Section, ...]
    left_out: int
    inbox: str

    @property
    def single(self) -> Entry | None:
        """The only notice, when there is but one."""
        entries = [entry for section in self.sections for entry in section.entries]
        return entries[0] if len(entries) == 1 and not self.left_out else None

    def rendered(self, template: str) -> str:
        """The message through one of the templates: letter.txt, letter.html."""
        return templates().get_template(template).render(digest=self, zh=self.language == "zh")


@cache
def templates() -> Environment:
    """The templates of messages; what people wrote is escaped in HTML."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def group_of(item: Item) -> Group:
    """Where a notice stands in a digest."""
    if item.kind == "escalate":
        return Group.OVERDUE
    return Group.NEWS if item.kind in NEWS else Group.DUE


def by_urgency(items: Sequence[Item]) -> list[Item]:
    """Overdue first, then what is due, then news; within each what is due soonest."""
    groups = list(Group)
    return sorted(
        items, key=lambda item: (groups.index(group_of(item)), item.due_at or _LAST, item.ticket or "")
    )


def link(item: Item, public_url: str) -> str:
    """Where the reader can act on it."""
    if item.ticket:
        return f"{public_url}/tickets/{item.ticket}"
    if item.inspection:
        return f"{public_url}/inspections/{item.inspection}"
    if item.campaign:
        return f"{public_url}/campaigns/{item.campaign}"
    return f"{public_url}{item.path or '/inbox'}"


def entry(item: Item, public_url: str) -> Entry:
    """One notice spelled out. Its text is what to do, an empty line, then a fact on each line."""
    todo, _, facts = item.body.partition("\n\n")
    return Entry(
        title=item.subject,
        todo=tuple(todo.splitlines()),
        facts=tuple(_fact(line) for line in facts.splitlines() if line.strip()),
        link=link(item, public_url),
        photo=f"{public_url}/photos/{item.photo}" if item.photo else None,
    )


def _fact(line: str) -> tuple[str, str]:
    for between in ("：", ": "):
        name, found, value = line.partition(between)
        if found and len(name) <= 24:
            return name, value
    return "", line


def digest(letter: Letter, *, public_url: str) -> Digest:
    """The message of a letter. A single notice keeps its own subject line."""
    items = by_urgency(letter.items)
    sections = []
    room = ENTRIES_AT_MOST
    for group in Group:
        mine = [item for item in items if group_of(item) is group]
        if mine:
            entries = tuple(entry(item, public_url) for item in mine[:room])
            room -= len(entries)
            sections.append(Section(group, label(group, letter.language), len(mine), entries))
    return Digest(
        subject=items[0].subject if len(items) == 1 else subject_of(items, letter.language),
        language=letter.language,
        sections=tuple(sections),
        left_out=max(0, len(items) - ENTRIES_AT_MOST),
        inbox=f"{public_url}/inbox",
    )


_COUNTED = {
    "zh": {Group.OVERDUE: "逾期{}件", Group.DUE: "待办{}件", Group.NEWS: "知悉{}件"},
    "en": {Group.OVERDUE: "{} overdue", Group.DUE: "{} to do", Group.NEWS: "{} for information"},
}


def subject_of(items: Sequence[Item], language: Language) -> str:
    """The subject line of several notices: how many of each group."""
    groups = [group_of(item) for item in items]
    counts = [_COUNTED[language][each].format(groups.count(each)) for each in Group if each in groups]
    return ("春查通知：" + "、".join(counts)) if language == "zh" else ("Chuncha: " + ", ".join(counts))
