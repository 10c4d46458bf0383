"""企业微信 robots: Markdown up to 4096 bytes; whoever is called by phone needs a plain text of up to 2048.

developer.work.weixin.qq.com/document/path/91770 and 99398; 20 messages a minute. `errcode` decides, not the status.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.dispatches import ChannelDown, NotDelivered
from domain.robots.lines import Line, headings
from domain.robots.messenger import MOST_LINES, MessengerFacts, Posted, markdown, phones, title
from domain.wire import Heard

MARKDOWN_BYTES = 4096
TEXT_BYTES = 2048

TOO_FAST = frozenset({45009, 45033})
LASTING = frozenset({93000, 93008, 40001, 40008, 40014, 40035, 40058, 44004, 45002, 47001})
"""The robot is gone, or the message is not one it can take: the same again would be refused again."""


class WeCom:
    """A robot of an 企业微信 group."""

    pause = 0.0

    def fits(self, lines: Sequence[Line], outlet: MessengerFacts) -> bool:
        """Whether the text or Markdown stays within its bytes."""
        if phones(lines):
            return len(_text(lines).encode()) <= TEXT_BYTES
        return len(markdown(lines).encode()) <= MARKDOWN_BYTES

    def message(
        self, lines: Sequence[Line], outlet: MessengerFacts, *, secret: str | None, now: datetime
    ) -> Posted:
        """Markdown; a text when somebody is called by phone, which Markdown cannot."""
        kept = list(lines[:MOST_LINES])
        if mobiles := phones(lines):
            while len(said := _text(kept, left_out=len(lines) - len(kept)).encode()) > TEXT_BYTES:
                kept.pop()
            text = {"content": said.decode(), "mentioned_mobile_list": mobiles}
            return Posted(outlet.url, {"msgtype": "text", "text": text})
        while len(said := markdown(kept, left_out=len(lines) - len(kept)).encode()) > MARKDOWN_BYTES:
            kept.pop()
        return Posted(outlet.url, {"msgtype": "markdown", "markdown": {"content": said.decode()}})

    def judge(self, heard: Heard) -> str:
        """0 is success, whatever the status says."""
        code = heard.json().get("errcode")
        if code == 0:
            return str(heard)
        if code in TOO_FAST or heard.status == 429:
            raise ChannelDown(str(heard), pause=timedelta(minutes=1))
        raise NotDelivered(str(heard), permanent=code in LASTING)

    def not_before(self, moment: datetime) -> datetime:
        """At once."""
        return moment


def _text(lines: Sequence[Line], *, left_out: int = 0) -> str:
    said = [title(lines)]
    for _, heading, mine in headings(lines):
        said.append(f"【{heading}】")
        for line in mine:
            names = "、".join([*(f"@{name}" for name, _ in line.called), *line.told])
            said.append(" ".join(part for part in (line.number, line.text, names) if part))
            said.append(line.link)
            if line.photo:
                said.append(f"照片 {line.photo}")
    if left_out:
        said.append(f"另有{left_out}件，请在春查中查看。")
    return "\n".join(said)
