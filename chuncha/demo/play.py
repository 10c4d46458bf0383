"""The play from the empty stage to the papers and the pages."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from chuncha.demo import days
from chuncha.demo.backstage import ANCESTOR
from chuncha.demo.client import Client
from chuncha.demo.clock import Clock
from chuncha.demo.closing import print_closing, write_papers
from chuncha.demo.opening import draw_photos
from chuncha.demo.people import Table, issue_tokens, set_up, settle
from chuncha.demo.player import Player, load_flows
from chuncha.demo.sample import Sample, sample_named
from chuncha.demo.stage import Stage, Web, stage, web
from chuncha.demo.steps import Story
from chuncha.processes import free_port, must_be_free, serve
from domain.settings import Settings
from statemachines.refusals import Refusal

USUAL_PORT = Settings.model_fields["port"].default
WEB_PROCESSES = 2
"""How many answer the calls: as many as the cores of a small machine."""
_WEEKDAYS = "一二三四五六日"


class FolderTaken(Refusal):
    """The folder holds an installation, perhaps a real one: the demo writes into none but its own."""

    code, status = "folder-taken", 409
    title_zh, title_en = "目录已被使用", "The folder is taken"
    zh = "“{folder}”已有一套数据，演示不会改动它；请另选一个空目录，或不写 --data。"
    en = "“{folder}” holds an installation, which the demo leaves alone; name another folder or leave --data out."


def play_demo(
    *, sample: str, data: Path | None, port: int | None, serve_after: bool, seed: int, console: Console
) -> None:
    """Play the campaign, write its papers, then serve its pages until Ctrl+C (`serve_after`) or end.

    `data` is a folder without an installation and is kept; None is a throw-away folder, which is kept only when nothing
    is served, for its papers. Raises ValueError for an unknown sample, FolderTaken, PortTaken, and PlayBroken when the
    program refuses what is played.
    """
    chosen = sample_named(sample)
    if data is not None and (data / "postgres").exists():
        raise FolderTaken(folder=data)
    if serve_after and port is not None:
        must_be_free("127.0.0.1", port)
    with (
        _folder(data, keep=not serve_after) as folder,
        stage(folder, _port(port) if serve_after else free_port(), load=load_flows) as set_stage,
    ):
        begun = time.monotonic()
        cast = _play(set_stage, chosen, folder, seed, console)
        console.print(f"演示用时 {time.monotonic() - begun:.0f} 秒", highlight=False)
        pages = f"{set_stage.installation.settings.public_url}/campaigns/{cast.story.campaign}/status"
        print_closing(console, chosen, folder, set_stage.mailbox, cast.administrator, pages)
        if serve_after:
            serve(
                set_stage.installation,
                say=lambda line: console.print(line, markup=False, highlight=False),
            )


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays, what, and from when; `administrator` is a login with its one-time password."""

    sample: Sample
    tokens: Mapping[str, str]
    story: Story
    clock: Clock
    administrator: tuple[str, str]


def _prepare(on: Stage, sample: Sample, story: Story, clock: Clock) -> Cast:
    """Fill the empty installation and draw the photos, while the rest of the stage comes up."""
    tables = (*sample.tables, Table.written("tools", story.tools))
    administrator = set_up(on.installation.database, tables, now=clock())
    tokens = issue_tokens(on.installation.database, sample.people, now=clock())
    draw_photos(story)
    return Cast(sample, tokens, story, clock, administrator)


def _play(on: Stage, sample: Sample, folder: Path, seed: int, console: Console) -> Cast:
    with ExitStack() as held:
        with console.status(f"准备：数据库、{sample.preparing}、照片、调度…"):
            story = sample.write_story(seed)
            clock = Clock(days.at(story.first, 8), ANCESTOR)
            pages = held.enter_context(web(on.installation, clock, processes=WEB_PROCESSES))
            cast = _prepare(on, sample, story, clock)
        for line in sample.ahead():
            console.print(line, highlight=False)
        client = held.enter_context(Client(pages.addresses, cast.tokens))
        tell = held.enter_context(_progress(console, story))
        ready = partial(_all_ready, on, pages)
        held.enter_context(Player(client, clock, story, ready=ready, tell=tell)).play()
        write_papers(client, sample, story.campaign, folder / "papers", at=clock())
    on.mailbox.write_index()
    on.over()
    settle(on.installation.database)
    return cast


def _all_ready(on: Stage, pages: Web) -> None:
    pages.ready()
    on.ready()


class _Day:
    """One line for each day: what happened."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total)

    def __call__(self, day: date, line: str) -> None:
        named = f"{day.month}月{day.day}日 周{_WEEKDAYS[day.weekday()]}"
        self._progress.update(self._task, advance=1, description=f"{named}  {line}")


@contextmanager
def _progress(console: Console, story: Story) -> Iterator[_Day]:
    columns = (BarColumn(bar_width=24), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console) as progress:
        yield _Day(progress, (story.last - story.first).days + 1)


@contextmanager
def _folder(data: Path | None, *, keep: bool) -> Iterator[Path]:
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
        yield data
        return
    folder = Path(tempfile.mkdtemp(prefix="chuncha-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _port(told: int | None) -> int:
    """The port told, else the usual one, else any that is free."""
    if told is not None:
        return told
    try:
        must_be_free("127.0.0.1", USUAL_PORT)
    except Refusal:
        return free_port()
    return int(USUAL_PORT)
