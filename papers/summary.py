"""The 总结: one Jinja2 source over one snapshot, written as Word, web page and PDF."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.figure_text import figure
from domain.quantity_figures import CHECKS, CLEARING, EQUIPMENT, PUBLICITY, TOOLS
from domain.quantity_sentences import quantity_sentences, topics
from domain.records import SampleKind
from papers.blocks import Block, Marked, marked, parse
from papers.pdf import as_pdf
from papers.web import as_web_page
from papers.word import as_word
from statemachines.labels import Level, local_day
from statemachines.ticket import TicketState

#: Headings told under 设备消缺, each in a paragraph of its own.
_EQUIPMENT = (EQUIPMENT, "防护加装", "线路检修", CLEARING)

EVERY: Mapping[str, str] = {"weekly": "每周一次", "monthly": "每月一次"}


@cache
def _source() -> Environment:
    # Not HTML: each paper escapes for itself when it is written from the blocks.
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        finalize=marked,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def blocks_of(snapshot: Mapping[str, Any]) -> list[Block]:
    """The summary as blocks, every printed figure with its pointer. Raises NoSuchFigure, BadPaper."""

    def said(topic: str) -> Marked:
        sentences = quantity_sentences(snapshot, topic)
        return Marked("".join(marked(piece) for sentence in sentences for piece in sentence))

    source = _source().get_template("summary.jinja")
    return parse(
        source.render(
            snapshot=snapshot,
            sections=_sections(snapshot),
            said=said,
            fig=lambda pointer: figure(snapshot, pointer),
            day=chinese_day,
            span=_span,
            begun=lambda phase: phase["from"] <= snapshot["cut_off"][:10],
            level=lambda code: Level(code).zh,
            state=lambda code: TicketState(code).zh,
            every=lambda code: EVERY[code],
            sampled=lambda code: SampleKind(code).zh,
            numbered=_numbered,
            which=_which,
        )
    )


def write(snapshot: Mapping[str, Any], blocks: list[Block] | None = None) -> dict[str, bytes]:
    """The papers by file ending: docx, html, pdf. `blocks` are those of `blocks_of`, when already made."""
    made = blocks_of(snapshot) if blocks is None else blocks
    return {
        "docx": as_word(made),
        "html": as_web_page(made, snapshot),
        "pdf": as_pdf(made),
    }


def _sections(snapshot: Mapping[str, Any]) -> dict[str, list[str]]:
    known = topics(snapshot)
    placed = {PUBLICITY, CHECKS, TOOLS, *_EQUIPMENT}
    return {
        "publicity": [topic for topic in known if topic == PUBLICITY],
        "checks": [topic for topic in known if topic == CHECKS],
        "tools": [topic for topic in known if topic == TOOLS],
        "equipment": [topic for topic in _EQUIPMENT if topic in known],
        "others": [topic for topic in known if topic not in placed],
    }


def chinese_day(text: str) -> str:
    """A day or moment of the snapshot as GB/T 9704 writes it: 2026年4月8日, no leading zero."""
    day = (
        date.fromisoformat(text)
        if len(text) == len("2026-04-08")
        else local_day(datetime.fromisoformat(text))
    )
    return f"{day.year}年{day.month}月{day.day}日"


def _span(phase: Mapping[str, str | None]) -> str:
    """2026年4月7日至9日; years and months are said again only when they change."""
    first, last = phase["from"], phase["to"]
    assert first is not None
    if last is None or last == first:
        return chinese_day(first)
    begins, ends = date.fromisoformat(first), date.fromisoformat(last)
    if begins.year != ends.year:
        return f"{chinese_day(first)}至{chinese_day(last)}"
    month = "" if begins.month == ends.month else f"{ends.month}月"
    return f"{chinese_day(first)}至{month}{ends.day}日"


def _numbered(name: str, annexes: list[str]) -> str:
    """Annexes are numbered when there are several: `1. 隐患统计表`."""
    return f"{_which(annexes, name)}. {name}" if len(annexes) > 1 else name


def _which(annexes: list[str], name: str) -> str:
    """The number of an annex, empty when there is only one."""
    return str(annexes.index(name) + 1) if len(annexes) > 1 else ""
