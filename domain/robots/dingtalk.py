"""钉钉 robots: Markdown, signed, at most 20 messages a minute; over that the robot is blocked for ten minutes.

open.dingtalk.com/document/robots/custom-robot-access. The body may have 20 000 bytes. `errcode` decides.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode

from domain.dispatches import ChannelDown, NotDelivered
from domain.robots.lines import Line
from domain.robots.messenger import MOST_LINES, MessengerFacts, Posted, markdown, phones, title
from domain.wire import Heard

BODY_BYTES = 20_000

TOO_FAST = frozenset({130101, 410100, 90030})
LASTING = frozenset({300001, 300005, 300006, 310000, 400001, 400013, 400101, 400102, 43004, 40035, 460101})
"""No such robot, wrong signature, keyword or sender's address, or a message it cannot take."""


def sign(secret: str, timestamp: int) -> str:
    r"""base64(HMAC-SHA256(secret, "timestamp\nsecret")), the timestamp in milliseconds."""
    said = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), said, hashlib.sha256).digest()).decode()


class DingTalk:
    """A robot of a 钉钉 group."""

    pause = 0.0

    def fits(self, lines: Sequence[Line], outlet: MessengerFacts) -> bool:
        """Whether the whole body stays within its bytes."""
        return _size(_body(lines, outlet)) <= BODY_BYTES

    def message(
        self, lines: Sequence[Line], outlet: MessengerFacts, *, secret: str | None, now: datetime
    ) -> Posted:
        """Markdown in which those to act are called by phone; signed when the robot has a secret."""
        kept = list(lines[:MOST_LINES])
        while _size(body := _body(kept, outlet, left_out=len(lines) - len(kept))) > BODY_BYTES:
            kept.pop()
        url = outlet.url
        if secret:
            timestamp = int(now.timestamp() * 1000)
            url += ("&" if "?" in url else "?") + urlencode(
                {"timestamp": timestamp, "sign": sign(secret, timestamp)}
            )
        return Posted(url, body)

    def judge(self, heard: Heard) -> str:
        """0 is success, whatever the status says."""
        code = heard.json().get("errcode")
        if code == 0:
            return str(heard)
        if code in TOO_FAST or heard.status == 429:
            raise ChannelDown(str(heard), pause=timedelta(minutes=10))
        raise NotDelivered(str(heard), permanent=code in LASTING)

    def not_before(self, moment: datetime) -> datetime:
        """At once."""
        return moment


def _body(lines: Sequence[Line], outlet: MessengerFacts, *, left_out: int = 0) -> dict[str, object]:
    text = markdown(lines, called="@{phone}", left_out=left_out)
    if outlet.keyword and outlet.keyword not in text:
        text = f"{outlet.keyword}\n\n{text}"
    return {
        "msgtype": "markdown",
        # A line of its own needs an empty line before it.
        "markdown": {"title": title(lines), "text": text.replace("\n", "\n\n")},
        "at": {"atMobiles": phones(lines), "isAtAll": False},
    }


def _size(body: dict[str, object]) -> int:
    return len(json.dumps(body, ensure_ascii=False).encode())
