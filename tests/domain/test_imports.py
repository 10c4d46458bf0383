import io
from datetime import date

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select

from domain.access import actor_by_login
from domain.checklists import checklist_by_code
from domain.imports import import_table
from domain.people import unit_by_code
from domain.records import History, Person, RoleGrant, Ticket, Tool, ToolStatus, Unit
from domain.samples import CHECKLIST_DISTRIBUTION, CHECKLIST_KINDERGARTEN, sample
from domain.tickets import TicketFilter, list_tickets
from domain.tools import tool_by_number
from statemachines.labels import Level
from statemachines.roles import SYSTEM, Role

UNITS = "code,name,kind,parent\nXB04-A,抢修班,team,XB04\nXB04,河湾供电所,station,XB\n"
PEOPLE = "login,name,unit,roles,email,phone\nma,马师傅,LL01,assignee;检查员,ma@example.org,\n"
TICKETS = (
    "number,campaign,unit,description,level,category,location,found_at,finder\n"
    "7,CC2026,LL01,拉线锈蚀,一般,生产设备/线路,柳林线 12# 杆,2026-03-05 09:30,limin\n"
    "8,CC2026,SQ02,跌落保险烧损,较大,生产设备/线路,,2026-03-06,limin\n"
)


def take(world, kind, text, filename="table.csv", *, actor=SYSTEM, **how):
    data = text if isinstance(text, bytes) else text.encode()
    with world.database.transaction() as session:
        return import_table(session, kind, data, filename, actor=actor, now=world.now, **how)


def workbook(*rows):
    book, data = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(data)
    return data.getvalue()


def wrong(report):
    return [(error.line, error.field, error.rule) for error in report.errors]


def count(world, record):
    with world.database.reading() as session:
        return session.scalar(select(func.count()).select_from(record))


def test_units_come_in_any_order_and_again_without_change(world):
    report = take(world, "units", UNITS)
    assert report.lines("zh") == ["已导入2行：新增2，更新0，未变0。"]
    with world.database.reading() as session:
        assert unit_by_code(session, "XB04-A", actor=SYSTEM).path == "/XB/XB04/XB04-A/"
    rows = count(world, History)
    assert take(world, "units", UNITS).lines("en") == ["2 rows: 0 added, 0 updated, 2 unchanged."]
    assert count(world, History) == rows
    assert take(world, "units", UNITS.replace("抢修班", "运维班")).updated == 1


def test_every_bad_row_is_named_and_nothing_is_imported(world):
    before = count(world, Unit)
    report = take(
        world,
        "units",
        "code,name,kind,parent\nXB05,新所,station,XB\nXB06,,station,XB\n\nXB07,坏所,village,XB\n"
        "XB08,远所,station,YY\nXB05,又一所,station,XB\n",
    )
    assert sorted(wrong(report)) == [
        (3, "name", "missing"),
        (5, "kind", "unknown-value"),
        (6, "parent", "unknown-unit"),
        (7, "code", "row-twice"),
    ]
    assert report.lines("zh")[0] == "第3行 name：必须填写。"
    assert report.lines("zh")[-1] == "共4处错误，未导入任何内容；改正后重新导入。"
    assert report.lines("en")[0] == "Line 3, name: This field is required."
    assert count(world, Unit) == before


def test_units_that_circle_or_would_move_are_refused(world):
    circle = "code,name,kind,parent\nA1,甲,station,B1\nB1,乙,station,A1\n"
    assert {error[2] for error in wrong(take(world, "units", circle))} == {"unknown-unit"}
    moved = "code,name,kind,parent\nLL01,柳林供电所,station,SQ02\n"
    assert wrong(take(world, "units", moved)) == [(2, "parent", "unit-moved")]


def test_people_get_their_roles_at_their_unit_by_either_name(world):
    assert take(world, "people", PEOPLE).added == 1
    actor = world.actor("ma")
    assert actor.roles == {Role.ASSIGNEE, Role.INSPECTOR}
    assert actor.unit_path == "/XB/LL01/"
    assert take(world, "people", PEOPLE).lines("en") == ["1 rows: 0 added, 0 updated, 1 unchanged."]


def test_people_imported_again_are_updated_and_keep_roles_held_elsewhere(world):
    take(world, "people", PEOPLE)
    with world.database.transaction() as session:
        person = session.scalars(select(Person).where(Person.login == "ma")).one()
        away = unit_by_code(session, "SQ02", actor=SYSTEM)
        session.add(RoleGrant(person_id=person.id, role=Role.INSPECTOR, unit_id=away.id))
    again = "login,name,unit,roles,email\nma,马建军,LL01,supervisor,\n"
    assert take(world, "people", again).updated == 1
    with world.database.reading() as session:
        person = session.scalars(select(Person).where(Person.login == "ma")).one()
        grants = {(grant.role, grant.unit_path) for grant in actor_by_login(session, "ma").grants}
    assert (person.name, person.email) == ("马建军", "ma@example.org")
    assert grants == {(Role.SUPERVISOR, "/XB/LL01/"), (Role.INSPECTOR, "/XB/SQ02/")}


def test_people_with_unknown_roles_or_units_are_named(world):
    report = take(
        world, "people", "login,name,unit,roles\na,甲,LL01,captain\nb,乙,YY,inspector\nc d,丙,LL01,\n"
    )
    assert sorted(wrong(report)) == [
        (2, "roles", "unknown-value"),
        (3, "unit", "unknown-unit"),
        (4, "login", "form"),
    ]


def test_only_administrators_import_people_and_units(world):
    for kind, text in (("people", PEOPLE), ("units", UNITS)):
        report = take(world, kind, text, actor=world.actor("zhaozhuren"))
        assert wrong(report)[0][2] == "role-missing"
        assert take(world, kind, text, actor=world.actor("guanli")).good


def test_the_samples_are_90_and_31_items(world):
    for name, items in ((CHECKLIST_DISTRIBUTION, 90), (CHECKLIST_KINDERGARTEN, 31)):
        assert take(world, "checklist", sample(name), name).added == items
    with world.database.reading() as session:
        first = checklist_by_code(session, "checklist_kindergarten").items[0]
    assert (first.code, first.level, first.deadline_days) == ("K01", Level.SERIOUS, 3)


def test_a_checklist_row_that_is_wrong_is_named_in_its_column(world):
    report = take(
        world,
        "checklist",
        "code,category,item,criterion,level,measure,deadline_days\n"
        "A1,设备/变压器,油位,正常,一般,补油,7\nA2,设备/变压器,油位,正常,很大,补油,七\n",
        code="mine",
        name="我的检查表",
    )
    assert sorted(wrong(report)) == [(3, "deadline_days", "number"), (3, "level", "unknown-value")]


def test_tickets_become_findings_of_their_finder_once(world):
    assert take(world, "tickets", TICKETS).added == 2
    assert take(world, "tickets", TICKETS).lines("zh") == ["已导入2行：新增0，更新0，未变2。"]
    with world.database.reading() as session:
        page = list_tickets(session, TicketFilter(source="import"), actor=SYSTEM, now=world.now)
    oldest = min(page.items, key=lambda ticket: ticket.found_at)
    assert (oldest.number, oldest.finder.login) == ("CC2026-LL01-0001", "limin")
    assert oldest.found_at.isoformat() == "2026-03-05T01:30:00+00:00"
    assert {ticket.level for ticket in page.items} == {Level.GENERAL, Level.SERIOUS}


def test_tickets_with_wrong_cells_are_named_and_none_is_kept(world):
    header = "number,campaign,unit,description,level,category,found_at,finder\n"
    rows = [
        "1,CC2026,LL01,好的,一般,设备,2026-03-05,limin",
        "2,CC2026,XX,单位错,一般,设备,2026-03-05,limin",
        "3,CC2026,LL01,没有等级,,设备,2026-03-05,limin",
        "4,CC2026,LL01,将来,一般,设备,2026-05-05,limin",
        "5,CC2026,LL01,时间错,一般,设备,昨天,limin",
        "6,CC2026,LL01,没有人,一般,设备,2026-03-05,",
        "7,CC2026,LL01,无此人,一般,设备,2026-03-05,nobody",
    ]
    report = take(world, "tickets", header + "\n".join(rows))
    assert wrong(report) == [
        (3, "unit", "unknown-unit"),
        (4, "", "level-missing"),
        (5, "found_at", "found-in-future"),
        (6, "found_at", "time"),
        (7, "finder", "missing"),
        (8, "finder", "unknown-person"),
    ]
    assert count(world, Ticket) == 0


def test_the_same_number_with_other_content_is_refused(world):
    take(world, "tickets", TICKETS)
    report = take(world, "tickets", TICKETS.replace("拉线锈蚀", "拉线断股"))
    assert wrong(report) == [(2, "", "same-id-other-content")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_as_any_chinese_office_writes_it(world, encoding):
    assert take(world, "units", UNITS.encode(encoding)).good
    with world.database.reading() as session:
        assert unit_by_code(session, "XB04", actor=SYSTEM).name == "河湾供电所"


def test_an_excel_workbook(world):
    header = ["code", "category", "item", "criterion", "level", "measure", "deadline_days"]
    data = workbook(header, ["A1", "设备/变压器", "油位", "正常", "重大", "补油", 1.0], [None] * 7)
    report = take(world, "checklist", data, "mine.xlsx")
    assert report.lines("zh") == ["已导入1行：新增1，更新0，未变0。"]


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", (1, "", "unreadable-table")),
        (b"\x00\x01\x02\xff\xff", (1, "", "unreadable-table")),
        (b"PK\x03\x04 not a workbook", (1, "", "unreadable-table")),
        (b"code,name,kind,parent\na,b,station,XB,too,many\n", (1, "", "unreadable-table")),
        (b"code,name,kind\n", (1, "parent", "column-missing")),
        (b"code,name,kind,parent,colour\n", (1, "colour", "column-unknown")),
        (b"code,name,kind,parent,code\n", (1, "", "column-twice")),
    ],
)
def test_a_file_that_cannot_be_read_says_why(world, data, place):
    report = take(world, "units", data)
    assert wrong(report) == [place]
    assert report.errors[0].sentence("zh") != report.errors[0].sentence("en")


def test_a_line_is_counted_where_its_row_begins(world):
    text = 'code,name,kind,parent\nXB05,"新\n所",station,XB\nXB06,,station,XB\n'
    assert wrong(take(world, "units", text)) == [(4, "name", "missing")]


TOOLS = (
    "编号,种类,单位,规格,存放地点,上次试验日期,计量单位,试验周期（月）\n"
    "LL01-YDB-01,验电笔,LL01,10kV,一楼工器具室,2025/10/15,,\n"
    "LL01-MHQ-01,灭火器,柳林供电所,4 kg,门口,,具,12\n"
)


def test_tools_enter_the_register_once_and_keep_their_tests(world):
    report = take(world, "tools", TOOLS)
    assert report.lines("zh") == ["已导入2行：新增2，更新0，未变0。"]
    with world.database.reading() as session:
        pen, extinguisher = (
            tool_by_number(session, number, actor=SYSTEM) for number in ("LL01-YDB-01", "LL01-MHQ-01")
        )
        assert (pen.measure_unit, pen.next_test_on, pen.holder) == ("支", date(2026, 10, 15), "一楼工器具室")
        assert (extinguisher.measure_unit, extinguisher.status) == ("具", ToolStatus.UNTESTED)
    rows = count(world, History)
    assert take(world, "tools", TOOLS).lines("en") == ["2 rows: 0 added, 0 updated, 2 unchanged."]
    assert count(world, History) == rows
    moved = TOOLS.replace("一楼工器具室", "二楼工器具室").replace("2025/10/15", "2026/01/01")
    assert take(world, "tools", moved).updated == 1
    with world.database.reading() as session:
        pen = tool_by_number(session, "LL01-YDB-01", actor=SYSTEM)
        assert (pen.holder, pen.last_test_on) == ("二楼工器具室", date(2025, 10, 15))


def test_tools_with_wrong_cells_are_named_and_none_is_kept(world):
    take(world, "tools", TOOLS)
    bad = (
        "number,kind,unit,last_test_on\n"
        "LL01 02,验电笔,LL01,\n"
        "LL01-03,鱼竿,LL01,\n"
        "LL01-04,验电笔,XX99,\n"
        "LL01-05,验电笔,LL01,2099-01-01\n"
        "LL01-YDB-01,绝缘靴,LL01,\n"
        "LL01-06,验电笔,LL01,\n"
    )
    report = take(world, "tools", bad)
    assert [(line, field) for line, field, _ in wrong(report)] == [
        (2, "number"),
        (3, ""),
        (4, "unit"),
        (5, "last_test_on"),
        (6, "number"),
    ]
    assert count(world, Tool) == 2


def test_tools_are_registered_by_who_may(world):
    with world.database.reading() as session:
        inspector = actor_by_login(session, "limin")
    assert {rule for _, _, rule in wrong(take(world, "tools", TOOLS, actor=inspector))} == {"role-missing"}
    assert count(world, Tool) == 0
