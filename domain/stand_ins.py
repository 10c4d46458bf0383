"""Who stands in for whoever is away on a day (代理), to the end of the chain."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.records import Absence


class StandIns:
    """Everybody away on one day with their substitutes, read once: chains may lead to anybody."""

    def __init__(self, session: Session, day: date) -> None:
        rows = session.execute(
            select(Absence.person_id, Absence.substitute_id)
            .where(Absence.starts_on <= day, Absence.ends_on >= day, Absence.ended_at.is_(None))
            .order_by(Absence.id)
        )
        self._of = dict(rows.tuples().all())

    @property
    def substitutes(self) -> set[UUID]:
        """Everybody who stands in for somebody."""
        return set(self._of.values())

    def whom(self, person: UUID) -> frozenset[UUID]:
        """Everybody this person acts for."""
        return frozenset(away for away in self._of if self.of(away) == person)

    def of(self, person: UUID) -> UUID | None:
        """Who acts for this person: the end of the chain; None when they are here, or nobody is."""
        seen, at = {person}, self._of.get(person)
        while at is not None and at in self._of:
            if at in seen:
                return None
            seen.add(at)
            at = self._of[at]
        return at
