"""Units and people: the tree, who holds which role where, and the first administrator."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from sqlalchemy import select, text

from domain.access import actor_by_login, actor_of, sign_in
from domain.history import history_of
from domain.people import (
    NewPerson,
    NewUnit,
    add_person,
    add_unit,
    deactivate,
    first_administrator,
    grant_roles,
    holders,
    may_be_assigned,
    person_by_login,
    unit_by_code,
    units_in_sight,
)
from domain.records import Unit
from statemachines.roles import SYSTEM, Role
from tests.refused import refused


def unit(world, *, by="guanli", **said):
    actor = world.actor(by)
    body = {"code": "HT03", "name": "河滩供电所", "kind": "station", "parent": "XB", **said}
    with world.database.transaction() as session:
        return add_unit(session, NewUnit.model_validate(body), actor=actor, now=world.now)


def person(world, *, by="guanli", **said):
    actor = world.actor(by)
    body = {"login": "xinren", "name": "新人", "unit": "LL01", "roles": ["inspector"], **said}
    with world.database.transaction() as session:
        return add_person(session, NewPerson.model_validate(body), actor=actor, now=world.now)


def test_an_empty_database_gets_one_administrator_with_a_one_time_password(database, now):
    with database.transaction() as session:
        login, password = first_administrator(session, now=now)
    with database.transaction() as session:
        assert first_administrator(session, now=now) is None, "only the first start makes one"
        signed_in = sign_in(session, login, password, now=now)
        assert signed_in.person.password_is_one_time
        assert actor_of(signed_in.person).holds(Role.ADMINISTRATOR, at="/XB/LL01/")


def test_one_time_passwords_are_not_alike(postgres_url, database, now):
    with database.transaction() as session:
        _, first = first_administrator(session, now=now)
    with database.transaction() as session:
        session.execute(text("TRUNCATE api_tokens, web_logins, role_grants"))
        session.execute(text("ALTER TABLE history DISABLE TRIGGER ALL"))
        for table in ("history", "people", "units"):
            session.execute(text(f"DELETE FROM {table}"))
        _, second = first_administrator(session, now=now)
    assert first != second
    assert len(first) >= 12


def test_a_unit_stands_below_its_parent(world):
    new = unit(world)
    assert new.path == "/XB/HT03/"
    team = unit(world, code="HT03-A", name="河滩检修班", kind="team", parent="HT03")
    assert team.path == "/XB/HT03/HT03-A/"
    with world.database.reading() as session:
        assert [row.event for row in history_of(session, new)] == ["added"]


@pytest.mark.parametrize(
    ("said", "rule", "pointer"),
    [({"code": "LL01"}, "code-taken", "/code"), ({"parent": "XX"}, "unknown-unit", "/parent")],
)
def test_a_unit_has_a_code_of_its_own_and_a_known_parent(bureau, said, rule, pointer):
    with refused(rule, at=pointer):
        unit(bureau, **said)


@pytest.mark.parametrize("who", ["zhaozhuren", "zhengju", "limin", "robot"])
def test_only_an_administrator_adds_units_and_people(bureau, who):
    with refused("role-missing", zh="管理员", en="Administrator"):
        unit(bureau, by=who)
    with refused("role-missing"):
        person(bureau, by=who)


def test_an_administrator_of_one_station_adds_nobody_elsewhere(world):
    person(world, login="suoguan", roles=["administrator"])
    with refused("unknown-unit", at="/unit"):
        person(world, by="suoguan", login="laoli", unit="SQ02")
    with refused("unknown-unit", at="/grants/0/unit"):
        person(world, by="suoguan", login="laoli", grants=[{"role": "leader", "unit": "XB"}])
    assert person(world, by="suoguan", login="laoli", unit="LL01-A").unit.code == "LL01-A"


@pytest.mark.parametrize(
    "said",
    [
        {"login": "有 空格"},
        {"login": ""},
        {"name": ""},
        {"roles": ["king"]},
        {"email": "nobody"},
        {"language": "fr"},
        {"colour": "red"},
    ],
)
def test_a_person_is_written_properly(said):
    with pytest.raises(ValidationError):
        NewPerson.model_validate({"login": "xinren", "name": "新人", "unit": "LL01", **said})


def test_a_login_is_given_once(bureau):
    with refused("login-taken", at="/login", zh="limin", en="limin"):
        person(bureau, login="limin")


def test_a_short_password_is_refused(bureau):
    with refused("too-short", at="/password", zh="8个字符", en="8 characters"):
        person(bureau, login="duanmima", password="1234567")


def test_roles_hold_at_ones_unit_and_where_else_they_are_given(world):
    new = person(world, grants=[{"role": "supervisor", "unit": "SQ02"}])
    with world.database.reading() as session:
        actor = actor_by_login(session, new.login)
    assert actor.holds(Role.INSPECTOR, at="/XB/LL01/LL01-A/")
    assert actor.holds(Role.SUPERVISOR, at="/XB/SQ02/")
    assert not actor.holds(Role.SUPERVISOR, at="/XB/LL01/")


def test_roles_given_anew_replace_the_old_and_leave_their_trace(world):
    new = person(world)
    actor = world.actor("guanli")
    with world.database.transaction() as session:
        known = person_by_login(session, new.login)
        place = unit_by_code(session, "SQ02", actor=actor)
        grant_roles(
            session, known, [(Role.ASSIGNEE, place), (Role.ASSIGNEE, place)], actor=actor, now=world.now
        )
    with world.database.reading() as session:
        assert actor_by_login(session, new.login).roles == {Role.ASSIGNEE}
        rows = [row for row in history_of(session, new) if row.event == "roles_set"]
    assert [row.facts["roles"] for row in rows] == [["inspector@LL01"], ["assignee@SQ02"]]


def test_nobody_gives_themselves_a_role(bureau):
    actor = bureau.actor("zhaozhuren")
    with bureau.database.transaction() as session:
        own = person_by_login(session, "zhaozhuren")
        place = unit_by_code(session, "XB", actor=actor)
        with refused("role-missing"):
            grant_roles(session, own, [(Role.LEADER, place)], actor=actor, now=bureau.now)


def test_holders_are_those_nearest_the_unit_first(bureau):
    with bureau.database.reading() as session:
        assert [p.login for p in holders(session, Role.SUPERVISOR, "/XB/LL01/")] == [
            "qiansuozhang",
            "zhaozhuren",
        ]
        assert [p.login for p in holders(session, Role.SUPERVISOR, "/XB/")] == ["zhaozhuren"]
        assert holders(session, Role.PROGRAM, "/XB/LL01/")[0].login == "robot"
        assert holders(session, Role.LEADER, "/") == []


def test_who_can_be_made_responsible_belongs_to_the_unit_or_a_team_in_it(bureau):
    with bureau.database.reading() as session:
        assert [p.login for p in may_be_assigned(session, "/XB/LL01/")] == ["sunhua", "wangjianguo"]
        assert [p.login for p in may_be_assigned(session, "/XB/SQ02/")] == ["zhouhai"]
        assert len(may_be_assigned(session, "/XB/")) == 3


def test_somebody_who_leaves_loses_every_way_in_and_stays_in_the_records(world):
    number = world.find(by="limin").number
    token = world.token("limin")
    administrator = world.actor("guanli")
    with world.database.transaction() as session:
        deactivate(session, "limin", actor=administrator, now=world.now)
    with world.database.reading() as session:
        from domain.access import actor_from_token

        assert actor_from_token(session, token, now=world.now) is None
        with refused("unknown-person"):
            person_by_login(session, "limin")
        assert "limin" not in [p.login for p in holders(session, Role.INSPECTOR, "/XB/LL01/")]
    assert world.ticket(number).finder.name == "李敏"


def test_only_an_administrator_ends_somebodys_access(bureau):
    actor = bureau.actor("zhaozhuren")
    with bureau.database.transaction() as session:
        with refused("role-missing"):
            deactivate(session, "limin", actor=actor, now=bureau.now)
        with refused("not-found"):
            deactivate(session, "nobody", actor=SYSTEM, now=bureau.now)


def test_units_are_listed_parents_before_children(bureau):
    with bureau.database.reading() as session:
        codes = [each.code for each in units_in_sight(session, bureau.actor("limin"))]
        paths = session.scalars(select(Unit.path).where(Unit.code.in_(codes)).order_by(Unit.path))
        assert codes == ["XB", "LL01", "LL01-A", "SQ02"]
        assert len(list(paths)) == 4
