"""飞书 robots: a card, signed; 100 messages a minute, 5 a second, 20 KB, and none on the hour or half hour.

open.larkoffice.com/document/ukTMukTMukTM/ucTM5YjL3ETO24yNxkjN: at 10:00, 17:30 and the like the service itself is
pressed and answers 11232. `code` decides. A robot cannot call by phone: names stand in bold.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.digest import Group
from domain.dispatches import ChannelDown, NotDelivered
from domain.robots.lines import Line
from domain.robots.messenger import MOST_LINES, MessengerFacts, Posted, markdown, title
from domain.wire import Heard

BODY_BYTES = 20 * 1024
ROOM_FOR_SIGNATURE = 128
CROWDED = timedelta(minutes=1)
"""How long the crowd of an hour or half hour lasts; who waited it out comes back within as long again, by chance."""

TOO_FAST = frozenset({11232, 11233, 99991400})
LASTING = frozenset({9499, 10208, 11208, 11246, 11247, 19001, 19002, 19005, 19007, 19021, 19022, 19024})
"""No such robot, wrong signature, keyword or sender's address, or a message it cannot take."""


def sign(secret: str, timestamp: int) -> str:
    r"""base64(HMAC-SHA256("timestamp\nsecret", "")), the timestamp in seconds."""
    key = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()


class Feishu:
    """A robot of a 飞书 group."""

    pause = 0.25
    """Four a second: the fifth is for another deliverer's, right after ours or before."""

    def fits(self, lines: Sequence[Line], outlet: MessengerFacts) -> bool:
        """Whether the whole body stays within its bytes."""
        return _size(_body(lines, outlet)) <= BODY_BYTES - ROOM_FOR_SIGNATURE

    def message(
        self, lines: Sequence[Line], outlet: MessengerFacts, *, secret: str | None, now: datetime
    ) -> Posted:
        """A card, red when something is overdue."""
        kept = list(lines[:MOST_LINES])
        most = BODY_BYTES - ROOM_FOR_SIGNATURE
        while _size(body := _body(kept, outlet, left_out=len(lines) - len(kept))) > most:
            kept.pop()
        if secret:
            timestamp = int(now.timestamp())
            body |= {"timestamp": str(timestamp), "sign": sign(secret, timestamp)}
        return Posted(outlet.url, body)

    def judge(self, heard: Heard) -> str:
        """0 is success, whatever the status says."""
        answer = heard.json()
        code = answer.get("code", answer.get("StatusCode"))
        if code == 0:
            return str(heard)
        if code in TOO_FAST or heard.status == 429:
            raise ChannelDown(str(heard), pause=CROWDED * random.uniform(1, 2))  # noqa: S311 - no secret
        raise NotDelivered(str(heard), permanent=code in LASTING)

    def not_before(self, moment: datetime) -> datetime:
        """Past the crowd of the hour and half hour."""
        into = timedelta(minutes=moment.minute % 30, seconds=moment.second, microseconds=moment.microsecond)
        if into >= CROWDED:
            return moment
        return moment - into + CROWDED * random.uniform(1, 2)  # noqa: S311 - no secret


def _body(lines: Sequence[Line], outlet: MessengerFacts, *, left_out: int = 0) -> dict[str, object]:
    text = markdown(lines, left_out=left_out)
    if outlet.keyword and outlet.keyword not in text:
        text = f"{outlet.keyword}\n{text}"
    overdue = any(line.group is Group.OVERDUE for line in lines)
    header = {
        "title": {"tag": "plain_text", "content": title(lines)},
        "template": "red" if overdue else "green",
    }
    # The card's header says the title already.
    text = text.replace(f"**{title(lines)}**\n", "", 1)
    return {
        "msg_type": "interactive",
        "card": {"header": header, "elements": [{"tag": "markdown", "content": text}]},
    }


def _size(body: dict[str, object]) -> int:
    return len(json.dumps(body, ensure_ascii=False).encode())
