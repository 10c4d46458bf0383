"""Administration as people use it: the tree, accounts, the register, campaigns, ladders, calendars, the audit."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from domain.access import actor_by_login
from domain.records import Campaign, History, Person, Unit
from tests.forms.conftest import SignedIn, heading_of, text_of
from tests.world import World

PAGES = (
    "/admin",
    "/admin/units",
    "/admin/units/new?parent=XB",
    "/admin/units/LL01",
    "/admin/people",
    "/admin/people/new",
    "/admin/people/limin",
    "/admin/inspectors",
    "/admin/inspectors/appoint?person=limin",
    "/admin/inspectors/train",
    "/admin/campaigns/new",
    "/admin/campaigns/CC2026",
    "/admin/checklists",
    "/admin/import/units",
    "/admin/import/people",
    "/admin/import/checklist",
    "/admin/ladders",
    "/admin/ladders?unit=XB",
    "/admin/ladders/deadline?campaign=CC2026",
    "/admin/ladders/tool?unit=XB",
    "/admin/calendars",
    "/admin/calendars?unit=LL01&year=2027",
    "/admin/audit",
    "/campaigns/CC2026/rotas",
)


def test_every_room_opens_in_both_languages(browser_of: SignedIn) -> None:
    administrator = browser_of("guanli")
    for path in PAGES:
        assert administrator.get(path).status_code == 200, path
    administrator.post("/language/en", {"next": "/account"}, page="/account")
    for path in PAGES:
        shown = administrator.get(path)
        assert shown.status_code == 200, path
        own = re.sub(r'value="[^"]*"|<option.*?</option>', "", shown.text, flags=re.S)
        assert "催办设置" not in own, path
        assert "保存" not in own, path


@pytest.mark.parametrize("login", ["limin", "wangjianguo"])
def test_others_find_no_room(browser_of: SignedIn, login: str) -> None:
    visitor = browser_of(login)
    for path in ("/admin", "/admin/units", "/admin/people", "/admin/audit", "/admin/ladders"):
        assert visitor.get(path).status_code == 403, path


def test_a_station_is_added_renamed_and_moved_with_its_teams(browser_of: SignedIn, world: World) -> None:
    administrator = browser_of("guanli")
    new = {"code": "DW03", "name": "东湾供电所", "kind": "station", "parent": "XB"}
    assert administrator.post("/admin/units/new", new).status_code == 303
    again = administrator.post("/admin/units/new", new)
    assert again.status_code == 422
    assert "编码“DW03”已有单位使用" in text_of(again)
    moved = {"name": "柳林所运维班", "kind": "team", "parent": "DW03"}
    assert administrator.post("/admin/units/LL01-A", moved).status_code == 303
    with world.database.reading() as session:
        team = session.scalars(select(Unit).where(Unit.code == "LL01-A")).one()
        assert (team.name, team.path) == ("柳林所运维班", "/XB/DW03/LL01-A/")
        assert actor_by_login(session, "wangjianguo").unit_path == "/XB/DW03/LL01-A/"
    below = {"name": "县供电局", "kind": "bureau", "parent": "LL01"}
    refused = administrator.post("/admin/units/XB", below)
    assert refused.status_code == 422
    assert "不能移到它自己或其下级之下" in text_of(refused)


def test_an_account_from_the_first_password_to_the_last_day(browser_of: SignedIn, world: World) -> None:
    administrator = browser_of("guanli")
    form = "/admin/people/new"
    new = {"login": "maxin", "name": "马新", "unit": "LL01", "role": "inspector", "role_unit": "LL01"}
    made = administrator.post(form, new)
    assert made.status_code == 200
    password = re.search(r'id="one-time"[^>]*value="([^"]+)"', made.text)
    assert password
    assert "一次性密码" in text_of(made)
    assert 'value="' + password[1] not in administrator.get("/admin/people/maxin").text, "shown once"
    person = "/admin/people/maxin"
    changed = {
        "name": "马新华",
        "unit": "LL01-A",
        "email": "maxin@example.org",
        "phone": "",
        "language": "zh",
    }
    assert administrator.post(f"{person}/change", changed, page=person).status_code == 303
    roles = {"role": "supervisor", "role_unit": "LL01-A"}
    assert administrator.post(f"{person}/roles", roles, page=person).status_code == 303
    assert "安监主管" in text_of(administrator.get(person))
    assert administrator.post(f"{person}/end", page=person).status_code == 303
    with world.database.reading() as session:
        gone = session.scalars(select(Person).where(Person.login == "maxin")).one()
        assert (gone.active, gone.name, gone.unit_id) == (
            False,
            "马新华",
            session.scalars(select(Unit.id).where(Unit.code == "LL01-A")).one(),
        )
    assert "马新华" in text_of(administrator.get("/admin/people?gone=1"))
    assert "马新华" not in text_of(administrator.get("/admin/people"))
    assert administrator.post(f"{person}/restore", page=person).status_code == 303


def test_nobody_ends_their_own_access_or_gives_themselves_roles(browser_of: SignedIn) -> None:
    administrator = browser_of("guanli")
    own = "/admin/people/guanli"
    assert administrator.post(f"{own}/end", page=own).status_code == 409
    assert (
        administrator.post(f"{own}/roles", {"role": "leader", "role_unit": "XB"}, page=own).status_code == 409
    )


def test_an_administrator_below_has_no_way_up(browser_of: SignedIn, world: World) -> None:
    """Whoever administers a station sets no password for somebody whose role reaches beyond it."""
    boss = browser_of("guanli")
    person = "/admin/people/sunhua"
    boss.post(f"{person}/roles", {"role": "administrator", "role_unit": "LL01"}, page=person)
    station = browser_of("sunhua")
    assert station.get("/admin/people/guanli").status_code == 404
    # 钱所长 belongs to the station; given a role at the bureau, the station's administrator no longer manages them.
    chief = "/admin/people/qiansuozhang"
    assert station.post(f"{chief}/password", page=chief).status_code == 200
    boss.post(f"{chief}/roles", {"role": "leader", "role_unit": "XB"}, page=chief)
    assert "须由上级管理员办理" in text_of(station.get(chief))
    refused = station.post(f"{chief}/password", page="/account")
    assert refused.status_code == 403
    grant = {"role": "leader", "role_unit": "XB"}
    mate = "/admin/people/wangjianguo"
    assert station.post(f"{mate}/roles", grant, page=mate).status_code == 422, "a unit out of reach"


def test_the_register_keeps_appointments_and_training(browser_of: SignedIn, world: World) -> None:
    supervisor = browser_of("zhaozhuren")
    paper = {
        "person": "limin",
        "kind": "part_time",
        "certificate": "ZG-0139",
        "document": "工劳监〔2025〕5号",
        "starts_on": "2025-06-01",
        "ends_on": "2026-04-15",
    }
    form = "/admin/inspectors/appoint"
    assert supervisor.post(form, {**paper, "ends_on": "2025-01-01"}).status_code == 422
    assert supervisor.post(form, paper).status_code == 303
    taught = {"person": "limin", "held_on": "2026-03-01", "subject": "安规", "hours": "8", "score": "92"}
    assert supervisor.post("/admin/inspectors/train", taught).status_code == 303
    ahead = {**taught, "held_on": "2027-01-01"}
    assert "不能晚于今天" in text_of(supervisor.post("/admin/inspectors/train", ahead))
    shown = text_of(supervisor.get("/admin/inspectors"))
    assert "ZG-0139" in shown
    assert "聘期将满" in shown
    assert "1 次 8 学时" in shown
    world.later(days=30)
    supervisor = browser_of("zhaozhuren")
    assert "聘期已满" in text_of(supervisor.get("/admin/inspectors"))
    done = supervisor.post("/admin/inspectors/dismiss", {"person": "limin"}, page="/admin/inspectors")
    assert done.status_code == 303
    assert "ZG-0139" not in text_of(supervisor.get("/admin/inspectors"))


def test_a_campaign_is_set_up_and_changed_while_it_runs(browser_of: SignedIn, world: World) -> None:
    supervisor = browser_of("zhaozhuren")
    new = {
        "code": "QC2026",
        "name": "2026年秋查",
        "kind": "秋查",
        "unit": "XB",
        "units": "LL01",
        "from-inspecting": "2026-09-01",
        "to-inspecting": "2026-09-20",
        "days-general": "10",
        "independent_team": "1",
    }
    late = supervisor.post("/admin/campaigns/new", {**new, "from-mobilised": "2026-10-01"})
    assert late.status_code == 422
    assert "早于" in text_of(late)
    assert "2026年秋查" in late.text, "nothing typed is lost"
    assert supervisor.post("/admin/campaigns/new", new).status_code == 303
    world.find(unit="LL01", campaign="CC2026")
    form = "/admin/campaigns/CC2026"
    without = supervisor.post(form, {"name": "2026年春季安全大检查", "units": "SQ02"})
    assert without.status_code == 422
    assert "不能移出检查范围" in text_of(without)
    kept = {"name": "2026年春季安全大检查", "units": ["LL01", "SQ02"], "days-major": "2"}
    assert supervisor.post(form, kept).status_code == 303  # type: ignore[arg-type]
    with world.database.reading() as session:
        campaign = session.scalars(select(Campaign).where(Campaign.code == "CC2026")).one()
        assert campaign.name == "2026年春季安全大检查"
        assert campaign.settings["deadline_days"]["major"] == 2
        assert session.scalars(select(Campaign.settings).where(Campaign.code == "QC2026")).one()[
            "independent_team"
        ]
        row = session.scalars(select(History).where(History.event == "changed")).one()
        assert row.facts["changed"]["name"] == ["2026年春查", "2026年春季安全大检查"]


def ladder(**fields: str) -> dict[str, str]:
    """One step of a ladder as the form sends it."""
    step = {
        "code-0": "due-in-2",
        "after-0": "-2",
        "clock-0": "workdays",
        "act-0": "remind",
        "to-0": "assignee",
    }
    return {"campaign": "CC2026", "unit": "", "quiet-0": "1", **step, **fields}


def test_a_ladder_is_tried_on_a_ticket_before_it_is_set(browser_of: SignedIn, world: World) -> None:
    number = world.acknowledged().number
    before = world.next_step(number)
    supervisor = browser_of("zhaozhuren")
    form = "/admin/ladders/deadline"
    page = f"{form}?campaign=CC2026"
    tried = supervisor.post(form, ladder(do="try", ticket=number), page=page)
    assert "试算：将在何时通知谁" in text_of(tried)
    assert "王建国" in text_of(tried)
    assert world.next_step(number) == before, "nothing was written"
    unreachable = supervisor.post(form, ladder(do="set", **{"act-0": "escalate"}), page=page)
    assert unreachable.status_code == 422
    assert "到期前只能提醒" in text_of(unreachable)
    assert supervisor.post(form, ladder(do="set"), page=page).status_code == 303
    assert world.next_step(number) != before
    assert "2 个工作日前" in text_of(supervisor.get("/admin/ladders?campaign=CC2026"))


@pytest.mark.parametrize("year", ["²", "٢٠٢٧x", "9999", "9" * 5000])
def test_a_year_that_is_none_shows_the_present_one(browser_of: SignedIn, year: str) -> None:
    answer = browser_of("guanli").get("/admin/calendars", params={"year": year})
    assert answer.status_code == 200
    assert "全国 2026" in text_of(answer)


def test_a_day_set_otherwise_shows_first_which_deadlines_it_moves(browser_of: SignedIn, world: World) -> None:
    number = world.acknowledged().number
    due = world.ticket(number).due_at
    assert due is not None
    administrator = browser_of("guanli")
    day = due.date().isoformat()
    told = {"unit": "LL01", "day": day, "working": "no", "day_name": "停产检修", "name": ""}
    looked = administrator.post("/admin/calendars/preview", told, page="/admin/calendars?unit=LL01&year=2026")
    assert looked.status_code == 200
    assert number in text_of(looked)
    assert world.ticket(number).due_at == due, "nothing was written"
    body = re.search(r'name="body" value="([^"]+)"', looked.text)
    assert body
    sent = {"body": body[1].replace("&#34;", '"')}
    put = administrator.post("/admin/calendars", sent, page="/admin/calendars?unit=LL01&year=2026")
    assert put.status_code == 303
    assert world.ticket(number).due_at != due
    assert "停产检修" in text_of(administrator.get("/admin/calendars?unit=LL01&year=2026"))
    assert (
        administrator.post("/admin/calendars", {"body": "{"}, page="/admin/calendars?unit=LL01").status_code
        == 422
    )


def test_an_import_names_every_bad_row_and_takes_nothing(browser_of: SignedIn, world: World) -> None:
    administrator = browser_of("guanli")
    bad = b"code,name,kind,parent\nDW03,\xe4\xb8\x9c\xe6\xb9\xbe\xe6\x89\x80,station,XB\nDW04,,station,NONE\n"
    form = "/admin/import/units"
    refused = administrator.post(form, files={"file": ("units.csv", bad)})
    assert refused.status_code == 422
    assert "第3行" in text_of(refused)
    with world.database.reading() as session:
        assert session.scalars(select(Unit).where(Unit.code == "DW03")).first() is None
    good = bad.rsplit(b"\n", 2)[0] + b"\n"
    assert "新增 1" in text_of(administrator.post(form, files={"file": ("units.csv", good)}))
    items = (
        "code,category,item,criterion,level,measure,deadline_days\nA1,安全管理/文件,台账,齐全,一般,补齐,{}\n"
    )
    for days in ("7", "3"):
        told = {"code": "JC", "name": "检查表"}
        files = {"file": ("jc.csv", items.format(days).encode())}
        assert administrator.post("/admin/import/checklist", told, files=files).status_code == 200
    shown = text_of(administrator.get("/admin/checklists/JC"))
    assert "第 2 版" in shown
    assert "7 → 3" in shown


def test_a_rota_is_laid_paused_and_ended(browser_of: SignedIn, world: World) -> None:
    administrator = browser_of("guanli")
    items = (
        "code,category,item,criterion,level,measure,deadline_days\nA1,安全管理/文件,台账,齐全,一般,补齐,7\n"
    )
    files = {"file": ("jc.csv", items.encode())}
    administrator.post("/admin/import/checklist", {"code": "JC", "name": "周检表"}, files=files)
    supervisor = browser_of("zhaozhuren")
    form = "/campaigns/CC2026/rotas"
    new = {"checklist": "JC", "every": "weekly", "from": "2026-04-02", "to": "2026-06-30", "weekday": "5"}
    assert supervisor.post(form, {**new, "to": "2026-01-01"}).status_code == 422
    assert supervisor.post(form, new).status_code == 303
    shown = supervisor.get(form)
    assert "周检表 · 每周 周五" in text_of(shown)
    rota = re.search(r'action="(/campaigns/CC2026/rotas/[^"]+)"', shown.text)
    assert rota
    paused = {"do": "pause", "from": "2026-04-10", "to": "2026-04-20"}
    assert supervisor.post(rota[1], paused, page=form).status_code == 303
    assert supervisor.post(rota[1], {"do": "resume"}, page=form).status_code == 303
    assert supervisor.post(rota[1], {"do": "end", "reason": "学期结束"}, page=form).status_code == 303
    assert "已停止" in text_of(supervisor.get(form))
    assert supervisor.post(rota[1], {"do": "resume"}, page=form).status_code == 409


def test_the_audit_says_who_changed_what_within_sight(browser_of: SignedIn, world: World) -> None:
    number = world.assigned().number
    browser_of("guanli").post("/admin/units/SQ02", {"name": "石桥中心所", "kind": "station"})
    whole = browser_of("zhengju")
    assert heading_of(whole.get("/admin/audit")) == "变更记录"
    told = text_of(whole.get("/admin/audit"))
    assert "石桥供电所 → 石桥中心所" in told
    assert number in told
    assert number not in text_of(whole.get("/admin/audit?subject=unit"))
    assert "石桥中心所" in text_of(whole.get("/admin/audit?by=guanli"))
    assert "没有符合条件的记录" in text_of(whole.get("/admin/audit?from=2030-01-01"))
    assert whole.get("/admin/audit?from=nonsense").status_code == 422
    station = text_of(browser_of("shisuozhang").get("/admin/audit"))
    assert number not in station
    assert "石桥中心所" in station
