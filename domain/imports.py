"""Imports of whole tables: units, people, a checklist, standard hazards, tickets, places, tools. Every bad row is
named, or all is imported.

Rows are known by a key (code, login, …): importing a file again updates what changed and adds nothing twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import PurePath

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, selectinload

from domain.checklists import NewChecklist, NewItem, put_checklist
from domain.errors import BadInput, explain, refusal_for
from domain.hazards import NewHazard, Put, put_hazard
from domain.history import record
from domain.imported_rows import HEADINGS, take_finding, take_place, take_tool
from domain.people import ROOT_CODE, NewPerson, NewUnit, add_person, add_unit, grant_roles, unit_by_code
from domain.records import Person, RoleGrant, Unit
from domain.rights import Deed, must_be_allowed
from domain.tables import Table, TableRow, read_table
from statemachines.labels import Language
from statemachines.refusals import Refusal
from statemachines.roles import Actor, Role


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong in one row: its line, the column ("" for the row as a whole), the rule, and what would be right."""

    line: int
    field: str
    rule: str
    zh: str
    en: str

    def sentence(self, language: Language) -> str:
        """The row's place and what to do about it."""
        if language == "zh":
            return f"第{self.line}行{f' {self.field}' if self.field else ''}：{self.zh}"
        return f"Line {self.line}{f', {self.field}' if self.field else ''}: {self.en}"


@dataclass(slots=True)
class Report:
    """What an import did, or every reason why it did nothing."""

    kind: str
    rows: int = 0
    added: int = 0
    updated: int = 0
    errors: list[RowError] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether everything was imported."""
        return not self.errors

    def lines(self, language: Language) -> list[str]:
        """What to print: a sentence for each error by line, then the outcome."""
        told = [error.sentence(language) for error in sorted(self.errors, key=lambda each: each.line)]
        if language == "zh":
            if self.good:
                unchanged = self.rows - self.added - self.updated
                return [f"已导入{self.rows}行：新增{self.added}，更新{self.updated}，未变{unchanged}。"]
            return [*told, f"共{len(told)}处错误，未导入任何内容；改正后重新导入。"]
        if self.good:
            unchanged = self.rows - self.added - self.updated
            return [f"{self.rows} rows: {self.added} added, {self.updated} updated, {unchanged} unchanged."]
        return [*told, f"{len(told)} errors; nothing was imported. Correct them and import again."]


@dataclass(slots=True)
class Import:
    """One import under way: in which session, by whom, when, and the report it fills."""

    session: Session
    actor: Actor
    now: datetime
    report: Report

    def wrong(self, row: TableRow, error: ValidationError | Refusal | IntegrityError) -> None:
        """Note what is wrong with a row, in both languages."""
        match error:
            case ValidationError():
                faults = error.errors()
                pairs = zip(explain(faults, "zh"), explain(faults, "en"), strict=True)
                for zh, en in pairs:
                    self.report.errors.append(
                        RowError(row.line, _column(zh.pointer), zh.rule, zh.sentence, en.sentence)
                    )
            case IntegrityError():
                self.wrong(row, refusal_for(error))
            case _:
                place = _column(error.pointer) if isinstance(error, BadInput) else ""
                rule = error.rule if isinstance(error, BadInput) else error.code
                self.report.errors.append(
                    RowError(row.line, place, rule, error.sentence("zh"), error.sentence("en"))
                )

    def each(self, rows: Iterator[TableRow] | Sequence[TableRow], take: Callable[[TableRow], None]) -> None:
        """Take row by row; one that fails leaves nothing behind and the next is still looked at."""
        for row in rows:
            try:
                with self.session.begin_nested():
                    take(row)
            except (ValidationError, Refusal, IntegrityError) as error:
                self.wrong(row, error)


def _column(pointer: str) -> str:
    return pointer.lstrip("/").split("/")[0]


def import_table(
    session: Session,
    kind: str,
    data: bytes,
    filename: str,
    *,
    actor: Actor,
    now: datetime,
    code: str | None = None,
    name: str | None = None,
) -> Report:
    """Import a CSV or XLSX file of one of KINDS. Bad rows stand in the report, and then nothing was imported.

    `code` and `name` are those of a checklist; left out, they are the file's name without its ending. Raises KeyError
    for an unknown kind.
    """
    try:
        table = read_table(data)
    except BadInput as error:
        report = Report(kind)
        report.errors.append(RowError(1, "", error.rule, error.sentence("zh"), error.sentence("en")))
        return report
    stem = PurePath(filename).stem
    return import_rows(session, kind, table, actor=actor, now=now, code=code or stem, name=name or stem)


def in_columns(kind: str, table: Table) -> Table:
    """The table with the headings people write turned into the columns they mean."""
    known = HEADINGS.get(kind, {})
    columns = tuple(known.get(heading, heading) for heading in table.columns)
    rows = (
        TableRow(row.line, {known.get(heading, heading): cell for heading, cell in row.cells.items()})
        for row in table.rows
    )
    return Table(columns, tuple(rows))


def import_rows(
    session: Session,
    kind: str,
    table: Table,
    *,
    actor: Actor,
    now: datetime,
    code: str = "",
    name: str = "",
    dry_run: bool = False,
) -> Report:
    """Import a table that has been read, as `import_table`; with `dry_run` only say what would be imported."""
    columns, take_all = _IMPORTERS[kind]
    table = in_columns(kind, table)
    report = Report(kind, rows=len(table.rows))
    report.errors += columns.check(table)
    if report.errors:
        return report
    report.errors += columns.twice(table)
    repeated = {error.line for error in report.errors}
    table = Table(table.columns, tuple(row for row in table.rows if row.line not in repeated))
    under_way = Import(session, actor, now, report)
    all_or_nothing = session.begin_nested()
    take_all(under_way, table, code=code, name=name)
    if report.good and not dry_run:
        all_or_nothing.commit()
        return report
    all_or_nothing.rollback()
    if not report.good:
        report.added = report.updated = 0
    return report


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns a table must have and those it may have; `key` names a row, and no two rows share it."""

    must: tuple[str, ...]
    may: tuple[str, ...] = ()
    key: str | None = None

    def check(self, table: Table) -> Iterator[RowError]:
        """What is wrong with the header; rows under a wrong one are not looked at."""
        known = ", ".join((*self.must, *self.may))
        for column in self.must:
            if column not in table.columns:
                zh, en = f"缺少这一列，表头应为：{known}。", f"The column is missing; the header is: {known}."
                yield RowError(1, column, "column-missing", zh, en)
        for column in table.columns:
            if column and column not in self.must + self.may:
                zh, en = (
                    f"没有这一列，表头应为：{known}。",
                    f"There is no such column; the header is: {known}.",
                )
                yield RowError(1, column, "column-unknown", zh, en)
        if len(set(table.columns)) < len(table.columns):
            yield RowError(1, "", "column-twice", "表头有重复的列。", "The header names a column twice.")

    def twice(self, table: Table) -> Iterator[RowError]:
        """Rows that repeat the key of an earlier one."""
        seen: dict[str, int] = {}
        for row in table.rows:
            value = row.cells.get(self.key) if self.key else None
            if self.key is None or value is None:
                continue
            if (first := seen.setdefault(value, row.line)) != row.line:
                zh, en = f"“{value}”与第{first}行重复。", f"“{value}” is also in line {first}."
                yield RowError(row.line, self.key, "row-twice", zh, en)


# Units.


def _units(under_way: Import, table: Table, *, code: str, name: str) -> None:
    under_way.each(_parents_first(table.rows), partial(_unit, under_way))


def _parents_first(rows: Sequence[TableRow]) -> Iterator[TableRow]:
    """Each unit after the one above it, wherever they stand in the file; units that circle come last and fail."""
    waiting = list(rows)
    while waiting:
        codes = {row.cells.get("code") for row in waiting} - {None}
        ready = [row for row in waiting if row.cells.get("parent") not in codes]
        yield from ready or waiting
        waiting = [row for row in waiting if row.cells.get("parent") in codes] if ready else []


def _unit(under_way: Import, row: TableRow) -> None:
    session, actor, now = under_way.session, under_way.actor, under_way.now
    new = NewUnit.model_validate(row.cells)
    unit = session.scalars(select(Unit).where(Unit.code == new.code)).one_or_none()
    if unit is None:
        add_unit(session, new, actor=actor, now=now)
        under_way.report.added += 1
        return
    must_be_allowed(actor, Deed.IMPORT_UNITS, at=unit.path)
    parent = session.get(Unit, unit.parent_id) if unit.parent_id else None
    if (new.parent or ROOT_CODE) != (parent.code if parent else ROOT_CODE):
        raise BadInput(
            "/parent",
            "unit-moved",
            zh=f"“{unit.name}”的上级是{parent.code if parent else ROOT_CODE}，导入不能改变上级。",
            en=f"“{unit.name}” is below {parent.code if parent else ROOT_CODE}; an import cannot move it.",
        )
    if (unit.name, unit.kind) != (new.name, new.kind):
        unit.name, unit.kind = new.name, new.kind
        record(session, unit, "updated", actor=actor, now=now, name=new.name, kind=new.kind)
        under_way.report.updated += 1


# People.


def _people(under_way: Import, table: Table, *, code: str, name: str) -> None:
    under_way.each(table.rows, partial(_person, under_way))


_ROLES = {role.zh: role.value for role in Role}


def _person(under_way: Import, row: TableRow) -> None:
    session, actor, now = under_way.session, under_way.actor, under_way.now
    roles = [part.strip() for part in re.split("[;；]", row.cells.get("roles", "")) if part.strip()]
    new = NewPerson.model_validate({**row.cells, "roles": [_ROLES.get(role, role.lower()) for role in roles]})
    person = session.scalars(
        select(Person)
        .where(Person.login == new.login)
        .options(joinedload(Person.unit), selectinload(Person.grants).joinedload(RoleGrant.unit))
        .execution_options(populate_existing=True)
    ).one_or_none()
    if person is None:
        add_person(session, new, actor=actor, now=now)
        under_way.report.added += 1
    elif _brought_up_to_date(under_way, person, new):
        under_way.report.updated += 1


def _brought_up_to_date(under_way: Import, person: Person, new: NewPerson) -> bool:
    """Name, unit, address and the roles at the person's own unit. Roles held elsewhere stay; so does an address or
    telephone number whose cell is empty.
    """
    session, actor, now = under_way.session, under_way.actor, under_way.now
    unit = unit_by_code(session, new.unit, actor=actor)
    for place in (person.unit, unit):
        must_be_allowed(actor, Deed.IMPORT_PEOPLE, at=place.path)
    own = {person.unit_id, unit.id}
    held = {(grant.role, grant.unit_id): grant.unit for grant in person.grants}
    wanted = {key: place for key, place in held.items() if key[1] not in own}
    wanted |= {(role, unit.id): unit for role in new.roles}
    before = (person.name, person.unit.code, person.email, person.phone)
    person.name, person.unit = new.name, unit
    person.email, person.phone = new.email or person.email, new.phone or person.phone
    changed = before != (person.name, unit.code, person.email, person.phone)
    if changed:
        record(
            session, person, "updated", actor=actor, now=now, name=person.name, unit=unit, email=person.email
        )
    if wanted.keys() != held.keys():
        given = [(role, place) for (role, _), place in wanted.items()]
        grant_roles(session, person, given, actor=actor, now=now)
        changed = True
    return changed


# A checklist.


def _checklist(under_way: Import, table: Table, *, code: str, name: str) -> None:
    items: list[NewItem] = []
    under_way.each(table.rows, lambda row: items.append(NewItem.model_validate(row.cells)))
    if not under_way.report.good:
        return

    def put(_: TableRow) -> None:
        new = NewChecklist(code=code, name=name, items=items)
        put_checklist(under_way.session, new, actor=under_way.actor, now=under_way.now)

    # What is wrong with the list as a whole (no items, an unusable code) belongs to its header.
    under_way.each([TableRow(1, {})], put)
    under_way.report.added = len(items)


# Standard hazards.


def _hazards(under_way: Import, table: Table, *, code: str, name: str) -> None:
    under_way.each(table.rows, partial(_hazard, under_way))


def _hazard(under_way: Import, row: TableRow) -> None:
    new = NewHazard.model_validate(row.cells)
    match put_hazard(under_way.session, new, actor=under_way.actor, now=under_way.now):
        case Put.ADDED:
            under_way.report.added += 1
        case Put.UPDATED:
            under_way.report.updated += 1


# Tickets.


def _tickets(under_way: Import, table: Table, *, code: str, name: str) -> None:
    under_way.each(table.rows, partial(_ticket, under_way))


def _ticket(under_way: Import, row: TableRow) -> None:
    """A finding of the person named as finder; without one, of whoever imports."""
    under_way.report.added += take_finding(
        under_way.session, row.cells, actor=under_way.actor, now=under_way.now
    )


# Places.


def _places(under_way: Import, table: Table, *, code: str, name: str) -> None:
    under_way.each(table.rows, partial(_place, under_way))


def _place(under_way: Import, row: TableRow) -> None:
    _count(under_way, take_place(under_way.session, row.cells, actor=under_way.actor, now=under_way.now))


# Tools.


def _tools(under_way: Import, table: Table, *, code: str, name: str) -> None:
    under_way.each(table.rows, partial(_tool, under_way))


def _tool(under_way: Import, row: TableRow) -> None:
    _count(under_way, take_tool(under_way.session, row.cells, actor=under_way.actor, now=under_way.now))


def _count(under_way: Import, made: tuple[bool, bool]) -> None:
    added, changed = made
    under_way.report.added += added
    under_way.report.updated += changed


_TakeAll = Callable[..., None]

_EVIDENCE = ("photo_required", "after_photo_required")

_IMPORTERS: Mapping[str, tuple[Columns, _TakeAll]] = {
    "units": (Columns(("code", "name", "kind", "parent"), key="code"), _units),
    "people": (Columns(("login", "name", "unit", "roles"), ("email", "phone"), key="login"), _people),
    "checklist": (
        Columns(
            ("code", "category", "item", "criterion", "level", "measure", "deadline_days"),
            _EVIDENCE,
            key="code",
        ),
        _checklist,
    ),
    "hazards": (
        Columns(
            ("code", "category", "title", "level", "measure", "deadline_days"),
            ("criterion", *_EVIDENCE),
            key="code",
        ),
        _hazards,
    ),
    "tickets": (
        Columns(
            ("campaign", "unit", "description"),
            (
                "number",
                "level",
                "category",
                "checklist_item",
                "quantity",
                "measure_unit",
                "location",
                "place",
                "lat",
                "lon",
                "found_at",
                "finder",
                "source",
            ),
            key="number",
        ),
        _tickets,
    ),
    "places": (Columns(("code", "name", "unit"), ("lat", "lon", "note"), key="code"), _places),
    "tools": (
        Columns(
            ("number", "kind", "unit"),
            ("spec", "holder", "made_on", "last_test_on", "measure_unit", "test_interval_months"),
            key="number",
        ),
        _tools,
    ),
}

KINDS: Sequence[str] = tuple(_IMPORTERS)
"""What can be imported, as the command line names it."""
