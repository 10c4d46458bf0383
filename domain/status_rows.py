"""The rows of the status: which units are counted, and which row takes the tickets of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.coverage import UNIT_AT, UnitAt
from domain.errors import NotFound
from domain.people import ROOT_CODE
from domain.records import Unit
from domain.standings import Reach
from statemachines.roles import Actor


@dataclass(slots=True)
class Rows:
    """Without `top` the units of the scope, each taking what is below it; with it the units right below, and itself.

    `listed` are the rows in their order, `row_of` the row of every unit that is looked at, in sight or not.
    """

    by_id: dict[UUID, UnitAt]
    visible: list[UnitAt]
    hidden: list[UnitAt]
    top: UnitAt | None
    listed: list[UnitAt] = field(default_factory=list)
    row_of: dict[UUID, UUID] = field(default_factory=dict)
    takers: frozenset[UUID] = frozenset()
    """The rows that take what is below them; every other has its own tickets alone."""
    _paths: frozenset[str] = field(init=False)
    _parents: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._paths = frozenset(place.path for place in self.visible)
        self._parents = frozenset(_parent(path) for path in self._paths)

    def sees(self, path: str) -> bool:
        """Whether the unit with this path is looked at and in sight."""
        return path in self._paths

    def within(self) -> str | None:
        """The beginning of the paths looked at; None: all of them."""
        return self.top.path if self.top else None

    def above(self) -> list[UnitAt]:
        """The units in sight over `top`, the widest first."""
        if self.top is None:
            return []
        path = self.top.path
        over = [place for place in self.by_id.values() if path.startswith(place.path) and place.path != path]
        return sorted((place for place in over if place.code != ROOT_CODE), key=lambda place: place.path)

    def reach(self, actor: Actor) -> Reach:
        """Whose tickets are counted, each unit with its row."""
        return Reach(
            {place.id: self.row_of[place.id] for place in self.visible},
            {place.id: self.row_of[place.id] for place in self.hidden},
            actor.id,
            sorted({actor.id, *actor.stands_in_for}) if actor.id else (),
        )

    def below(self, row: UnitAt) -> bool:
        """Whether there is a unit in sight below this row."""
        return row.path in self._parents

    def itself(self, row: UnitAt) -> bool:
        """Whether the row is `top` without what is below it."""
        return row is self.top and len(self.listed) > 1


_PLACES = select(*UNIT_AT).order_by(Unit.path)


def read_rows(session: Session, scope: Sequence[UnitAt], *, actor: Actor, unit: str | None) -> Rows:
    """The rows for this actor; `unit` is the code of the top. Raises NotFound when there is no such unit in sight."""
    places = [UnitAt(*row) for row in session.execute(_PLACES)]
    sights = tuple(grant.unit_path for grant in actor.grants)

    def seen(place: UnitAt) -> bool:
        return actor.system or place.path.startswith(sights)

    by_id = {place.id: place for place in places if seen(place)}
    top = None
    if unit is not None:
        top = next((place for place in by_id.values() if place.code == unit), None)
        if top is None:
            raise NotFound(what=unit)
        places = [place for place in places if place.path.startswith(top.path)]
    visible = [place for place in places if seen(place)]
    hidden = [place for place in places if not seen(place)]
    rows = Rows({**by_id, **{place.id: place for place in hidden}}, visible, hidden, top)
    if top is None:
        rows.listed = [by_id[each.id] for each in scope if each.id in by_id]
        takers = {each.path: each.id for each in scope}
    else:
        depth = top.path.count("/") + 1
        right_below = [place for place in visible if place.path.count("/") == depth]
        rows.listed = [top, *sorted(right_below, key=lambda place: place.code)]
        takers = {place.path: place.id for place in rows.listed}
    rows.takers = frozenset(takers.values())
    rows.row_of = {place.id: _row(place, takers) for place in places}
    return rows


def _row(place: UnitAt, takers: dict[str, UUID]) -> UUID:
    """The deepest of the takers at or above the place, else the place itself."""
    path = place.path
    while path not in takers:
        if path == "/":
            return place.id
        path = _parent(path)
    return takers[path]


def _parent(path: str) -> str:
    """The path of the unit above; that of the root is its own."""
    return path[: path.rindex("/", 0, -1) + 1] if path != "/" else path
