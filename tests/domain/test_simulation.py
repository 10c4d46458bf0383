"""The calendar of a campaign played ahead: the flows' own code, and nothing written."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from rich.console import Console
from sqlalchemy import func, select, text
from typer.testing import CliRunner

from chuncha.commands import app
from domain import rotas
from domain.campaigns import campaign_by_code
from domain.errors import BadInput, NotFound
from domain.escalation import sweep
from domain.records import Base, Checklist, Notice, Person
from domain.rota_setup import NewRota
from domain.simulation import simulate
from statemachines.labels import local_day
from tests.world import World


def everything(world: World) -> dict[str, list[str]]:
    """Every row of every table as text."""
    with world.database.reading() as session:
        return {
            name: sorted(session.scalars(text(f'SELECT t::text FROM "{name}" t')))
            for name in Base.metadata.tables
        }


def weekly(world: World) -> None:
    actor = world.actor("zhaozhuren")
    told = {"checklist": "ZJ", "every": "weekly", "from": "2026-04-01", "to": "2026-04-30", "weekday": 5}
    with world.database.transaction() as session:
        session.add(Checklist(code="ZJ", name="周检表", items=[]))
        session.flush()
        campaign = campaign_by_code(session, "CC2026", actor=actor)
        rotas.add_rota(session, campaign, NewRota.model_validate(told), actor=actor, now=world.now)


def test_nothing_is_written_and_nobody_is_kept_waiting(world: World) -> None:
    world.assigned(due="2026-04-10")
    weekly(world)
    before = everything(world)
    played = simulate(world.database, "CC2026", now=world.now, until=date(2026, 5, 15))
    assert played.days[0].day == date(2026, 4, 1)
    assert sum(day.messages for day in played.days) > 5
    assert everything(world) == before


def test_it_tells_what_the_sweep_then_tells(world: World) -> None:
    world.assigned(due="2026-04-10")
    until = date(2026, 4, 14)
    played = simulate(world.database, "CC2026", now=world.now, until=until)
    foreseen = {(login, day.day) for day in played.days for login in day.told}
    day = date(2026, 4, 1)
    while day <= until:
        with world.database.transaction() as session:
            sweep(session, as_of=world.now.replace(month=day.month, day=day.day, hour=8, minute=30))
        day += timedelta(days=1)
    with world.database.reading() as session:
        chases = select(Person.login, Notice.not_before).join(Person, Person.id == Notice.person_id)
        rows = session.execute(chases.where(Notice.kind.in_(["remind", "escalate"])))
        told = {(login, local_day(at)) for login, at in rows}
    assert foreseen >= told
    assert told
    with world.database.reading() as session:
        written = session.scalar(select(func.count()).where(Notice.kind.in_(["remind", "escalate"])))
    assert written == len(told)


def test_visits_and_misses_are_counted_by_day(world: World) -> None:
    weekly(world)
    played = simulate(world.database, "CC2026", now=world.now, until=date(2026, 5, 8))
    visits = {day.day: day.visits for day in played.days if day.visits}
    assert visits == {date(2026, 4, day): 2 for day in (3, 10, 17, 24)}
    assert sum(day.missed for day in played.days) == 8


def test_days_out_of_order_or_too_many_are_refused(world: World) -> None:
    for until in (date(2026, 3, 1), date(2029, 1, 1)):
        with pytest.raises(BadInput):
            simulate(world.database, "CC2026", now=world.now, until=until)
    with pytest.raises(NotFound):
        simulate(world.database, "NONE", now=world.now)


def test_the_command_prints_load_by_day_and_person(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    world.assigned(due="2026-04-10")
    weekly(world)
    url = world.database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("CHUNCHA_DATABASE_URL", url)
    monkeypatch.setattr("chuncha.commands.console", Console(width=160))
    said = CliRunner().invoke(
        app,
        ["simulate", "CC2026", "--from", "2026-04-01", "--until", "2026-04-20", "--data", str(tmp_path)],
    )
    assert said.exit_code == 0, said.output
    assert "2026-04-03" in said.output
    assert "wangjianguo" in said.output
    assert "nothing was written or sent" in said.output


@pytest.mark.parametrize(("as_of", "told"), [("2026-04-07T08:29", 0), ("2026-04-07T08:30", 1)])
def test_the_command_lists_who_would_be_told_what_at_that_moment_and_writes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: object, as_of: str, told: int
) -> None:
    number = world.acknowledged(due="2026-04-10").number
    before = everything(world)
    monkeypatch.setenv(
        "CHUNCHA_DATABASE_URL", world.database.engine.url.render_as_string(hide_password=False)
    )
    monkeypatch.setattr("chuncha.commands.console", Console(width=200))
    said = CliRunner().invoke(app, ["sweep", "--as-of", as_of, "--dry-run", "--data", str(tmp_path)])
    assert said.exit_code == 0, said.output
    assert f"told {told}" in said.output
    line = f"整改提醒（还有3个工作日到期）{number}"
    assert (line in said.output, "王建国" in said.output) == (bool(told), bool(told))
    assert everything(world) == before
