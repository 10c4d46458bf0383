"""What a sample is: tables to import, people, a story to play, and what is worth looking at afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from chuncha.demo.people import Colleague, Table
from chuncha.demo.steps import Story

NAMES = ("spring", "kindergarten")
"""The samples there are: each is a folder beside this file whose package has `SAMPLE`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample. `leader` fetches the papers; `look` lists login, who they are and what to look at.

    `covers` is what a unit of the campaign is called (供电所, 班), `ahead` are lines said before the play.
    """

    title: str
    preparing: str
    covers: str
    tables: tuple[Table, ...]
    people: Sequence[Colleague]
    leader: Colleague
    summary: str
    ledger: str
    look: tuple[tuple[str, str, str], ...]
    write_story: Callable[[int], Story]
    ahead: Callable[[], list[str]] = list


def sample_named(name: str) -> Sample:
    """The sample with this name. Raises ValueError for any other."""
    if name not in NAMES:
        raise ValueError(f"no sample {name}; there are {', '.join(NAMES)}")
    found: Sample = import_module(f"chuncha.demo.{name}").SAMPLE
    return found
