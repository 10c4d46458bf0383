"""A real SMTP server for tests: it keeps what it takes, and refuses what a test tells it to refuse."""

from __future__ import annotations

import email
import email.policy
import socket
from collections import Counter
from collections.abc import Callable
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.waiting import PATIENCE


class MailServer:
    """`refuse` maps an address to the answer for it ("550 no such mailbox"); `on_message` runs before taking one."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.refuse: dict[str, str] = {}
        self.on_message: Callable[[EmailMessage], str | None] = lambda message: None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"smtp://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen on a free port; again on the same one after a stop."""
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port, ready_timeout=PATIENCE)
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop()

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        message = email.message_from_bytes(envelope.content or b"", policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        if refusal := self.on_message(message):
            return refusal
        self.messages.append(message)
        return f"250 taken as {len(self.messages)}"

    def ids(self) -> Counter[str]:
        """How often each Message-ID arrived."""
        return Counter(message["Message-ID"] for message in self.messages)

    def to(self, address: str) -> list[EmailMessage]:
        """What arrived for one address."""
        return [message for message in self.messages if message["To"] == address]


def text_of(message: EmailMessage) -> str:
    """The plain text of a message."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())
