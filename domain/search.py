"""Full-text search in Chinese without a dictionary: neighbouring characters by two, in an index.

渗漏油 is kept as 渗漏 and 漏油 (the functions are in domain/migrations; any PostgreSQL from 15 on has what they need).
The index names the tickets that hold all pairs of a word; in these, or in all tickets of the list when there are too
many to name, the word itself is looked for. So the answer is that of reading every ticket. Letters are compared
without case, full-width signs as plain ones: 27＃ is 27#.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    func,
    intersect,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, Session

from domain.records import Person, Ticket, Unit
from domain.records.tickets import SEARCHED

MANY = 2000
"""A word that so many tickets may hold is met soon in any order: then the list is read, not the index."""

_TEXT = func.ticket_text(*(getattr(Ticket, name) for name in SEARCHED), type_=Text)
_PAIRS = func.search_pairs(_TEXT, type_=ARRAY(Text))
_FORM = func.search_form(_TEXT, type_=Text)

_WHO = (Ticket.assignee_id, Ticket.finder_id, Ticket.fixer_id)


def found_by(session: Session, told: str) -> ColumnElement[bool]:
    """Every word of `told` stands in the ticket: number, hazard, place, category, measure, fix, or a name it has.

    Names are those of its unit, of who found it, is responsible for it, or fixed it; logins and codes count as names.
    """
    words = list(dict.fromkeys(told.split()))
    names = _Names(session, words)
    stands = [or_(_in_text(word), *names.of(word)) for word in words]
    candidates = _candidates(session, [word for word in words if len(word) > 1], names)
    if candidates is None:
        return and_(*stands)
    return and_(Ticket.id == any_(literal(candidates, ARRAY(Uuid))), *stands)


def _candidates(session: Session, words: list[str], names: _Names) -> list[UUID] | None:
    """The tickets that may hold all words, None when they are too many or the words too short to ask the index."""
    if not words:
        return None
    called = {word: list(names.of(word)) for word in words}
    # Words that name nobody are asked of the index together: it looks only at what holds all of them.
    plain = [_pairs_of(word) for word, named in called.items() if not named]
    each: list[Select[tuple[UUID]] | CompoundSelect[tuple[UUID]]] = [
        union_all(*(select(Ticket.id).where(condition) for condition in (_pairs_of(word), *named)))
        for word, named in called.items()
        if named
    ]
    if plain:
        each.append(select(Ticket.id).where(*plain))
    query = intersect(*each) if len(each) > 1 else each[0]
    # What nearly every ticket holds would be read from the tickets, and the pairs of each be cut out again; the index
    # has them. Until the end of the transaction unless it is taken back.
    session.execute(select(func.set_config("enable_seqscan", "off", True)))
    found = session.scalars(query.limit(MANY + 1)).all()
    session.execute(select(func.set_config("enable_seqscan", "on", True)))
    return None if len(found) > MANY else list(found)


def _pairs_of(word: str) -> ColumnElement[bool]:
    return _PAIRS.contains(func.search_pairs(literal(word), type_=ARRAY(Text)))


def _in_text(word: str) -> ColumnElement[bool]:
    # Not LIKE: PostgreSQL takes a LIKE on an expression for rare and would sort everything instead of stopping early.
    return func.strpos(_FORM, func.search_form(literal(word), type_=Text)) > 0


class _Names:
    """The people and units whose name, login or code holds one of the words: two queries, however many words.

    One character is no name: it would mean hundreds of people.
    """

    def __init__(self, session: Session, words: list[str]) -> None:
        longer = [word for word in words if len(word) > 1]
        self._people = _called(session, Person.id, Person.name, Person.login, longer)
        self._units = _called(session, Unit.id, Unit.name, Unit.code, longer)

    def of(self, word: str) -> Iterator[ColumnElement[bool]]:
        """Tickets of those people, and of those units."""
        if people := self._people.get(word):
            yield or_(*(column.in_(people) for column in _WHO))
        if units := self._units.get(word):
            yield Ticket.unit_id.in_(units)


def _called(
    session: Session,
    key: InstrumentedAttribute[UUID],
    name: InstrumentedAttribute[str],
    code: InstrumentedAttribute[str],
    words: list[str],
) -> dict[str, list[UUID]]:
    """For each word the records so called."""
    if not words:
        return {}
    holds = [
        or_(name.icontains(word, autoescape=True), code.icontains(word, autoescape=True)) for word in words
    ]
    rows = session.execute(
        select(key, *(held.label(f"w{n}") for n, held in enumerate(holds))).where(or_(*holds))
    ).all()
    return {word: [row[0] for row in rows if row[n]] for n, word in enumerate(words, 1)}
