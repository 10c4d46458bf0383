"""A paper as one self-contained web page; printed, it keeps the page of GB/T 9704."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.rates import DASH
from papers.blocks import Block, Table, Text


@cache
def _pages() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def as_web_page(blocks: Sequence[Block], snapshot: Mapping[str, Any]) -> bytes:
    """UTF-8 HTML. Each figure is a <data> element with its pointer, and its definition where there is one."""
    texts = [block for block in blocks if isinstance(block, Text)]
    page = _pages().get_template("page.html")
    return page.render(
        texts=texts,
        tables=[block for block in blocks if isinstance(block, Table)],
        first_annex=next((text for text in texts if text.kind == "annex"), None),
        title=next((text.plain for text in texts if text.kind == "title"), DASH),
        meaning=lambda pointer: _meaning(snapshot, pointer),
        cut_off=snapshot["cut_off"],
    ).encode()


def _meaning(snapshot: Mapping[str, Any], pointer: str) -> str:
    """The definition of a figure; that of a group's rate is the one of the whole."""
    definitions: Mapping[str, str] = snapshot["definitions"]
    of_all = re.sub(r"^/hazards/by_\w+/\w+/(rates/\w+|counted)$", r"/hazards/\1", pointer)
    return definitions.get(pointer) or definitions.get(of_all, "")
