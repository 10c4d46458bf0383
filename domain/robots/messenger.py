"""What the three messengers have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from domain.digest import Group
from domain.records import OutletKind
from domain.robots.lines import Line, headings
from domain.wire import Heard

MOST_LINES = 200
"""Lines that are tried at all; no messenger has room for so many."""

_COUNTED = {Group.OVERDUE: "逾期{}件", Group.DUE: "待办{}件", Group.NEWS: "知悉{}件"}


class MessengerFacts(Protocol):
    """What a messenger reads of an outlet."""

    @property
    def kind(self) -> OutletKind: ...
    @property
    def url(self) -> str: ...
    @property
    def keyword(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Posted:
    """One request: where to and what."""

    url: str
    body: dict[str, Any]


class Messenger(Protocol):
    """One messenger's robots: what fits, how a message looks, and what its answers mean."""

    pause: float
    """Seconds between two messages of one robot."""

    def fits(self, lines: Sequence[Line], outlet: MessengerFacts) -> bool:
        """Whether one message can say all this."""
        ...

    def message(
        self, lines: Sequence[Line], outlet: MessengerFacts, *, secret: str | None, now: datetime
    ) -> Posted:
        """The request that says this to the group; what has no room is counted at the end."""
        ...

    def judge(self, heard: Heard) -> str:
        """The messenger's word for it. Raises NotDelivered or ChannelDown when the message was not taken."""
        ...

    def not_before(self, moment: datetime) -> datetime:
        """When a message ready at this moment is best sent."""
        ...


def title(lines: Sequence[Line]) -> str:
    """How much there is of each group."""
    return "春查通知：" + "、".join(_COUNTED[group].format(len(mine)) for group, _, mine in headings(lines))


def markdown(lines: Sequence[Line], *, called: str = "**{name}**", left_out: int = 0) -> str:
    """The lines as Markdown; `called` is how a person to act is written ({name}, {phone})."""
    said = [f"**{title(lines)}**"]
    for _, heading, mine in headings(lines):
        said.append(f"**{heading}**")
        for line in mine:
            names = [
                called.format(name=name, phone=phone) if phone or "{phone}" not in called else f"**{name}**"
                for name, phone in line.called
            ]
            parts = [f"[{line.number or '查看'}]({line.link})", line.text]
            if line.photo:
                parts.append(f"[照片]({line.photo})")
            if names or line.told:
                parts.append("、".join([*names, *line.told]))
            said.append("- " + " ".join(parts))
    if left_out:
        said.append(f"另有{left_out}件，请在春查中查看。")
    return "\n".join(said)


def phones(lines: Sequence[Line]) -> list[str]:
    """Whom to call, each once."""
    return list(dict.fromkeys(phone for line in lines for _, phone in line.called if phone))
