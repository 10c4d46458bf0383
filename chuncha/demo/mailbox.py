"""A real mail server for the play: it takes every letter and keeps it in a folder where anybody can read it."""

from __future__ import annotations

import email.policy
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from html import escape
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from chuncha.processes import free_port


@dataclass(frozen=True, slots=True)
class Arrived:
    """One letter in the mailbox, and the address it came for."""

    file: str
    to: str


class Mailbox:
    """An SMTP server on a free port; letters lie in `folder` as .eml files, in the order they came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self.arrived: list[Arrived] = []
        # The controller greets its own server once at the start, so it must know the port beforehand.
        self._port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port)

    @property
    def url(self) -> str:
        """Its address as CHUNCHA_SMTP_URL takes it."""
        return f"smtp://127.0.0.1:{self._port}"

    def __enter__(self) -> Mailbox:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content or b""
        content = content.encode() if isinstance(content, str) else content
        to = envelope.rcpt_tos[0]
        file = f"{len(self.arrived) + 1:05}-{to.partition('@')[0]}.eml"
        (self._folder / file).write_bytes(content)
        self.arrived.append(Arrived(file, to))
        return f"250 taken as {file}"

    def write_index(self) -> Path:
        """A page that lists every letter, newest first."""
        rows = "\n".join(self._row(each) for each in reversed(self.arrived))
        index = self._folder / "index.html"
        index.write_text(_INDEX.format(count=len(self.arrived), rows=rows), encoding="utf-8")
        return index

    def _row(self, arrived: Arrived) -> str:
        with (self._folder / arrived.file).open("rb") as letter:
            heads = BytesHeaderParser(policy=email.policy.default).parse(letter)
        day = parsedate_to_datetime(str(heads["Date"]))
        return (
            f"<tr><td>{day:%Y-%m-%d %H:%M}</td><td>{escape(arrived.to)}</td>"
            f'<td><a href="{escape(arrived.file)}">{escape(str(heads["Subject"]))}</a></td></tr>'
        )


_INDEX = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>演示邮箱</title>
<style>
body {{ font: 15px/1.6 system-ui, "Noto Sans CJK SC", sans-serif; margin: 2rem; color: #1d2329 }}
table {{ border-collapse: collapse; width: 100% }} td {{ border-top: 1px solid #d8dde2; padding: .3rem .6rem }}
td:first-child {{ white-space: nowrap; color: #5b6670 }}
</style></head>
<body><h1>演示期间送达的邮件：{count}封</h1>
<table>
{rows}
</table></body></html>
"""
