"""The figures as docs/performance.md shows them; what people wrote around them stays."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

import psutil

from bench.measure import Compared
from bench.sweeping import Swept

BEGIN, END = "<!-- measured: begin (make bench writes this part) -->", "<!-- measured: end -->"
DESK = "<!-- measured: begin (python -m bench --desk writes this part) -->"

TARGETS = (
    # name, clients, what is read, limit, how it is said
    ("submit a finding", 1, "ratio", 4.0, "submitting takes at most 4 × the bare insert route, one client"),
    ("queue page, newest first", 1, "p50", 50.0, "the queue page in at most 50 ms (median, one client)"),
    ("ticket list (API)", 1, "p50", 50.0, "the list of the API in at most 50 ms (median, one client)"),
    (
        "campaign status (API)",
        1,
        "p50",
        100.0,
        "the status of a campaign in at most 100 ms (median, one client)",
    ),
)
ROWS_PER_SECOND = 500


def machine(postgres: str, load: float) -> str:
    """What it was measured on, in a sentence."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(
            (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model
        )
    today = datetime.now().astimezone().date()
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{today.isoformat()}, {os.cpu_count()} cores ({model}), {memory:.0f} GiB, {platform.system()},"
        f" Python {platform.python_version()}, PostgreSQL {postgres} (embedded, its default settings, durable commits),"
        f" one web process; server, database and clients share the cores. Load average at the start: {load:.1f}."
    )


def _row(each: Compared) -> str:
    ours, bare = each.subject, each.bare
    cells = [
        each.name,
        each.clients,
        f"{ours.p50:.1f}",
        f"{ours.p95:.1f}",
        f"{ours.per_second:.0f}",
        f"{ours.cpu:.1f}",
        each.baseline,
        f"{bare.p50:.1f}",
        f"{bare.cpu:.1f}",
        f"{each.ratio:.1f} × ({min(each.ratios):.1f} to {max(each.ratios):.1f})",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def _verdict(kept: Sequence[bool]) -> str:
    """Met only when every round kept it: one lucky round proves nothing."""
    return "met" if all(kept) else f"**not met**, kept in {sum(kept)} of {len(kept)} rounds"


def tables(compared: Sequence[Compared], swept: Swept, *, tickets: int, postgres: str, load: float) -> str:
    """The measured part of the page."""
    lines = [
        f"Measured with {tickets:,} tickets in one campaign on {machine(postgres, load)}",
        "",
        "| what | clients | median ms | p95 ms | per second | CPU ms | beside | its median ms | its CPU ms | ratio |",
        "|---|--:|--:|--:|--:|--:|---|--:|--:|--:|",
    ]
    lines += [_row(each) for each in compared]
    lines += [
        "",
        "| sweep | |",
        "|---|--:|",
        f"| {swept.due:,} due of {tickets:,} | {median(swept.swept):.0f} tickets per second |",
        f"| the same rows written plainly (UPDATE and INSERTs) | {median(swept.written):.0f} tickets per second |",
        f"| ratio | {swept.ratio:.1f} × |",
        f"| nothing due of {tickets:,} | {median(swept.nothing):.1f} ms for the whole sweep |",
        "",
        "| what we want | median of the rounds (least to most) | |",
        "|---|--:|---|",
    ]
    for name, clients, figure, limit, said in TARGETS:
        found = next((each for each in compared if (each.name, each.clients) == (name, clients)), None)
        if found is not None:
            values = found.ratios if figure == "ratio" else found.subject.medians
            verdict = _verdict([value <= limit for value in values])
            lines.append(f"| {said} | {_spread(values)} {'×' if figure == 'ratio' else 'ms'} | {verdict} |")
    verdict = _verdict([value >= ROWS_PER_SECOND for value in swept.swept])
    lines.append(
        f"| a sweep of at least {ROWS_PER_SECOND} tickets per second | {_spread(swept.swept)} | {verdict} |"
    )
    return "\n".join(lines)


def write(page: Path, measured: str, *, mark: str = BEGIN) -> None:
    """Put a measured part between its marks. Raises ValueError for a page without them."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(mark)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no place for the figures: {mark} … {END}")
    page.write_text(f"{before}{mark}\n{measured}\n{END}{after}", encoding="utf-8")
