"""The e-mail channel: SMTP with plain text and HTML, telling apart what time heals and what it does not."""

from __future__ import annotations

import smtplib
import ssl
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from domain.digest import digest
from domain.dispatches import ChannelDown, Letter, NotDelivered
from statemachines.labels import LOCAL

TIMEOUT = 10.0
"""Seconds to wait for the server at each step."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def compose(letter: Letter, *, mail_from: str, public_url: str, now: datetime) -> EmailMessage:
    """The message. Its Message-ID is the dispatch's id, so that a second copy can be recognised as one.

    Raises ValueError, LookupError or MessageError for an address that cannot stand in a header.
    """
    said = digest(letter, public_url=public_url)
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = mail_from
    message["To"] = Address(addr_spec=letter.address)
    message["Subject"] = said.subject
    message["Date"] = format_datetime(now.astimezone(LOCAL))
    message["Message-ID"] = f"<{letter.dispatch_id}@chuncha>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = "zh-CN" if letter.language == "zh" else "en"
    message.set_content(said.rendered("letter.txt"), cte="base64")
    message.add_alternative(said.rendered("letter.html"), subtype="html", cte="base64")
    return message


class Postman:
    """One connection to the mail server, opened with the first letter and kept for the batch."""

    def __init__(self, smtp_url: str, *, mail_from: str, public_url: str, timeout: float = TIMEOUT) -> None:
        self._url = urlsplit(smtp_url)
        self._mail_from = mail_from
        self._public_url = public_url
        self._timeout = timeout
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            try:
                self._server.quit()
            except (smtplib.SMTPException, OSError):
                self._hang_up()

    def send(self, letter: Letter, *, now: datetime) -> str:
        """Hand one letter over and return the server's answer.

        Raises NotDelivered when this letter is not taken, ChannelDown when the server cannot be used at all.
        """
        try:
            message = compose(letter, mail_from=self._mail_from, public_url=self._public_url, now=now)
        except (ValueError, LookupError, MessageError) as error:
            # The library's parser answers an empty address with an IndexError.
            raise NotDelivered(f"“{letter.address}” is no address: {error}", permanent=True) from error
        server = self._connected()
        try:
            return self._hand_over(server, letter.address, message.as_bytes())
        except (smtplib.SMTPException, OSError) as error:
            # The line broke over this letter: the next one gets a new line, so a letter that breaks it blocks no other.
            self._hang_up()
            raise NotDelivered(f"{type(error).__name__}: {error}", permanent=False) from error

    def _hand_over(self, server: smtplib.SMTP, address: str, message: bytes) -> str:
        options = [] if address.isascii() else ["SMTPUTF8"]
        if options and not server.has_extn("smtputf8"):
            raise NotDelivered(f"the server takes no address such as {address}", permanent=True)
        _, sender = parseaddr(self._mail_from)
        # A sender that is refused is a matter of the settings, not of the letter: it may be put right.
        self._accepted(server.mail(sender, [f"size={len(message)}", *options]), server, lasting=False)
        self._accepted(server.rcpt(address), server)
        return self._accepted(server.data(message), server)

    def _accepted(self, answer: tuple[int, bytes], server: smtplib.SMTP, *, lasting: bool = True) -> str:
        code, said = answer
        text = f"{code} {said.decode(errors='replace')}"
        if 200 <= code < 300:
            return text
        if code in (-1, 421):
            raise smtplib.SMTPServerDisconnected(text)
        server.rset()
        # RFC 5321 4.2.1: 4yz may succeed later, 5yz will not.
        raise NotDelivered(text, permanent=lasting and code >= 500)

    def _connected(self) -> smtplib.SMTP:
        if self._server is None:
            try:
                self._server = self._connect()
            except (smtplib.SMTPException, OSError) as error:
                raise ChannelDown(f"{self._url.hostname}: {type(error).__name__}: {error}") from error
        return self._server

    def _connect(self) -> smtplib.SMTP:
        host = self._url.hostname or "localhost"
        secured = self._url.scheme == "smtps"
        if secured:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, self._url.port or 465, timeout=self._timeout, context=self._context()
            )
        else:
            server = smtplib.SMTP(host, self._url.port or 25, timeout=self._timeout)
        server.ehlo_or_helo_if_needed()
        if not secured and server.has_extn("starttls"):
            server.starttls(context=self._context())
            server.ehlo()
            secured = True
        if self._url.username:
            if not secured and host not in LOOPBACK:
                raise smtplib.SMTPException("a password is not sent over an unencrypted line")
            server.login(unquote(self._url.username), unquote(self._url.password or ""))
        return server

    def _context(self) -> ssl.SSLContext:
        """Made only when the line is encrypted: reading every authority of the machine takes a fortieth of a second."""
        context = ssl.create_default_context()
        if not self._url.username:
            # Without a password to guard, encryption to whoever answers is better than none (RFC 7435).
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def _hang_up(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
