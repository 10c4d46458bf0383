"""After the curtain: the papers are fetched and written out, and it is said where to look and whom to log in as."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from chuncha.demo.bureau import PASSWORD, Bureau
from chuncha.demo.client import Client
from chuncha.demo.mailbox import Mailbox
from chuncha.demo.works import CAMPAIGN

SUMMARY, LEDGER = "2026年春查总结", "2026年春查隐患整改台账"

_LOOK = (
    ("zhaogang", "安监部主任（督促）", "状态页：各所进度、超期；隐患单派发、督办"),
    ("zhengweiguo", "分管副局长（领导）", "总结；延期审批；重大隐患"),
    ("limin", "局检查员", "我的登记；复查"),
    ("qianwei", "柳林所所长（督促）", "本所隐患单与三定"),
    ("fengxiuying", "柳林所劳动保护检查员", "手机上报隐患"),
    ("sunhua", "柳林所检修班责任人", "签收、报告整改、申请延期"),
)


def write_papers(client: Client, bureau: Bureau, folder: Path) -> None:
    """总结 as Word, web page and PDF, the ledger, and the figures as JSON, fetched by the leader through the calls."""
    folder.mkdir(parents=True, exist_ok=True)
    leader = bureau.leader
    for ending in ("docx", "html", "pdf"):
        data = client.paper(f"/campaigns/{CAMPAIGN}/summary.{ending}", by=leader)
        (folder / f"{SUMMARY}.{ending}").write_bytes(data)
    (folder / f"{LEDGER}.xlsx").write_bytes(client.paper(f"/campaigns/{CAMPAIGN}/ledger.xlsx", by=leader))
    figures = client.get(f"/campaigns/{CAMPAIGN}/summary", by=leader)
    text = json.dumps(figures, ensure_ascii=False, indent=2)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8")


def print_closing(
    console: Console, folder: Path, mailbox: Mailbox, administrator: tuple[str, str], address: str
) -> None:
    """The figures, where things lie, and the logins."""
    papers = folder / "papers"
    figures: dict[str, Any] = json.loads((papers / "summary.json").read_text(encoding="utf-8"))
    console.print(_figures(figures, len(mailbox.arrived)))
    for path in sorted(papers.iterdir()):
        console.print(f"  {path}", highlight=False, soft_wrap=True)
    console.print(f"  {folder / 'mailbox' / 'index.html'}", highlight=False, soft_wrap=True)
    console.print(_logins(administrator))
    console.print(f"{address}/campaigns/{CAMPAIGN}/status", highlight=False)


def _figures(said: dict[str, Any], letters: int) -> Table:
    figures = said.get("figures", said)
    hazards, every = figures["hazards"], figures["hazards"]["all"]
    table = Table(title="2026年春查", show_header=False)
    rows = [
        ("检查覆盖", f"{figures['coverage']['visited']}/{figures['coverage']['planned']}个供电所"),
        ("登记隐患", f"{every['total']}项（作废{every['cancelled']}项）"),
        ("已销号", f"{every['verified']}项，立查立改{every['on_the_spot']}项"),
        ("未完成", f"{hazards['open']}项，结转秋查"),
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


def _logins(administrator: tuple[str, str]) -> Table:
    table = Table(title="登录", show_header=True)
    for heading in ("登录名", "密码", "身份", "看什么"):
        table.add_column(heading)
    for login, who, look in _LOOK:
        table.add_row(login, PASSWORD, who, look)
    table.add_row(administrator[0], administrator[1], "管理员（一次性密码）", "人员与单位")
    return table
