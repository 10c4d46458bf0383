"""After the curtain: the papers are fetched and written out, and it is said where to look and whom to log in as."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from chuncha.demo.client import Client
from chuncha.demo.mailbox import Mailbox
from chuncha.demo.people import PASSWORD
from chuncha.demo.sample import Sample


def write_papers(client: Client, sample: Sample, campaign: str, folder: Path, *, at: datetime) -> None:
    """总结 as Word, web page and PDF, the ledger, and the figures as JSON, fetched by the leader through the calls."""
    folder.mkdir(parents=True, exist_ok=True)
    leader = sample.leader
    for ending in ("docx", "html", "pdf"):
        data = client.paper(f"/campaigns/{campaign}/summary.{ending}", by=leader, at=at)
        (folder / f"{sample.summary}.{ending}").write_bytes(data)
    (folder / f"{sample.ledger}.xlsx").write_bytes(
        client.paper(f"/campaigns/{campaign}/ledger.xlsx", by=leader, at=at)
    )
    figures = client.get(f"/campaigns/{campaign}/summary", by=leader, at=at)
    text = json.dumps(figures, ensure_ascii=False, indent=2)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8")


def print_closing(
    console: Console,
    sample: Sample,
    folder: Path,
    mailbox: Mailbox,
    administrator: tuple[str, str],
    pages: str,
) -> None:
    """The figures, where things lie, and the logins."""
    papers = folder / "papers"
    figures: dict[str, Any] = json.loads((papers / "summary.json").read_text(encoding="utf-8"))
    console.print(_figures(sample, figures, len(mailbox.arrived)))
    for path in sorted(papers.iterdir()):
        console.print(f"  {path}", highlight=False, soft_wrap=True)
    console.print(f"  {folder / 'mailbox' / 'index.html'}", highlight=False, soft_wrap=True)
    console.print(_logins(sample, administrator))
    console.print(pages, highlight=False)


def _figures(sample: Sample, said: dict[str, Any], letters: int) -> Table:
    figures = said.get("figures", said)
    hazards, every = figures["hazards"], figures["hazards"]["all"]
    table = Table(title=sample.title, show_header=False)
    rows = [
        ("检查覆盖", f"{figures['coverage']['visited']}/{figures['coverage']['planned']}个{sample.covers}"),
        ("计划检查", _visits(figures["visits"]["counts"])),
        ("登记隐患", f"{every['total']}项（作废{every['cancelled']}项）"),
        ("已销号", f"{every['verified']}项，立查立改{every['on_the_spot']}项"),
        ("未完成", f"{hazards['open']}项"),
        ("复查不合格", f"{every['returns']}次"),
        *(
            (total["action"] + total["item"], f"{total['quantity']}{total['measure_unit']}")
            for total in figures["quantities"]["totals"]
        ),
        ("送达邮件", f"{letters}封"),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def _visits(counts: dict[str, int]) -> str:
    missed = f"，未检{counts['missed']}次（补检{counts['made_up']}次）" if counts["missed"] else ""
    return f"{counts['done']}/{counts['planned']}次{missed}"


def _logins(sample: Sample, administrator: tuple[str, str]) -> Table:
    table = Table(title="登录", show_header=True)
    for heading in ("登录名", "密码", "身份", "看什么"):
        table.add_column(heading)
    for login, who, look in sample.look:
        table.add_row(login, PASSWORD, who, look)
    table.add_row(administrator[0], administrator[1], "管理员（一次性密码）", "人员与单位")
    return table
