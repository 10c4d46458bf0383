"""Every figure of the board, as it stands on the page: what the API says, what plain SQL counts, what its link opens."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from fastapi.testclient import TestClient
from lxml import html as parser
from sqlalchemy import text

from domain.checklists import NewChecklist, put_checklist
from domain.figure_filter import next_week_begins
from domain.tickets import TicketFilter, count_tickets
from statemachines.labels import local_day
from statemachines.roles import SYSTEM
from tests.forms.conftest import Browser, SignedIn
from tests.random_tickets import CATEGORIES, PLACES, scatter
from tests.world import World

BOARD = "/campaigns/CC2026/status"
LOOKS = [("zhaozhuren", None), ("zhaozhuren", "LL01"), ("qiansuozhang", None)]
STATES = ("found", "assigned", "fixed", "verified")
OPEN = "state IN ('found', 'assigned', 'fixed')"
DONE = "state IN ('fixed', 'verified')"
FOUND_ON, VERIFIED_ON, FIXED_ON = (
    f"({moment} AT TIME ZONE 'Asia/Shanghai')::date" for moment in ("found_at", "verified_at", "fixed_at")
)

#: What each word of a link's address means, in SQL over the columns of a ticket; {} is what it is narrowed to.
MEANS = {
    "campaign": "campaign = {}",
    "unit": "path LIKE (SELECT path FROM units WHERE code = {}) || '%'",
    "at": "unit = {}",
    "state": "state = {}",
    "level": "level = {}",
    "category": "(category = {0} OR category LIKE {0} || '/%')",
    "category_exactly": "category = {}",
    "overdue": "state = 'assigned' AND due_at < :now",
    "supervised": "supervised_at IS NOT NULL",
    "returned_at_least": "return_count >= {}",
    "due_in:this-week": "state = 'assigned' AND due_at >= :now AND due_at < :next_week",
    "due_in:seven-days": "state = 'assigned' AND due_at >= :now AND due_at < :now + interval '7 days'",
    "due_in:no-date": f"{OPEN} AND due_at IS NULL",
    "fixed_in_time": f"{DONE} AND fixed_at <= first_due_at",
    "fixed_in_current_time": f"{DONE} AND fixed_at <= due_at",
    "passed_first": "state = 'verified' AND return_count = 0",
    "rechecked": "(state = 'verified' OR return_count > 0)",
    "five_assured": "level = 'major' AND state <> 'cancelled' AND state <> 'found' AND assignee_id IS NOT NULL"
    " AND duty <> '' AND due_at IS NOT NULL AND budget > 0 AND emergency_plan <> ''",
    "on_the_spot": "on_the_spot AND state <> 'cancelled'",
    "carried_in": "origin_campaign_id <> campaign_id",
    "found_from": f"{FOUND_ON} >= {{}}",
    "found_to": f"{FOUND_ON} <= {{}}",
    "verified_from": f"{VERIFIED_ON} >= {{}}",
    "verified_to": f"{VERIFIED_ON} <= {{}}",
    "step": "EXISTS (SELECT FROM chases WHERE ticket_id = seen.id AND last_turn = turn"
    " AND matter || ':' || last_step = {})",
    "sort": "true",
}


class Plain:
    """The tickets somebody sees, counted by plain SQL."""

    def __init__(self, world: World, login: str) -> None:
        self.world = world
        actor = world.actor(login)
        self.sight = " OR ".join(f"u.path LIKE '{grant.unit_path}%'" for grant in actor.grants)
        mine = f"'{actor.id}' IN (t.assignee_id::text, t.finder_id::text, t.fixer_id::text)"
        self.seen = (
            "SELECT t.*, u.code AS unit, u.path, c.code AS campaign FROM tickets t JOIN units u ON u.id = t.unit_id"
            f" JOIN campaigns c ON c.id = t.campaign_id WHERE {self.sight} OR {mine}"
        )

    def ask(self, query: str, **given: object) -> Any:
        """One value."""
        told = {"now": self.world.now, "next_week": next_week_begins(self.world.now), **given}
        with self.world.database.reading() as session:
            return session.scalar(text(query), told)

    def behind(self, address: str, what: str = "count(*)") -> Any:
        """What an address of the list finds."""
        words: dict[str, list[str]] = {}
        given: dict[str, object] = {}
        for place, (name, value) in enumerate(parse_qsl(urlsplit(address).query)):
            given[f"v{place}"] = value
            means = MEANS[f"{name}:{value}" if name == "due_in" else name]
            words.setdefault(name, []).append(means.format(f":v{place}"))
            if name == "returned_at_least":
                given[f"v{place}"] = int(value)
            elif name.endswith(("_from", "_to")):
                given[f"v{place}"] = date.fromisoformat(value)
        where = " AND ".join(f"({' OR '.join(each)})" for each in words.values())
        return self.ask(f"SELECT {what} FROM ({self.seen}) AS seen WHERE {where}", **given)


def jolt(world: World, seed: int) -> None:
    """Change what the tickets count as, past every command: other units and categories, returns, states, none at all."""
    chance = random.Random(seed)
    with world.database.transaction() as session:
        keys = list(session.execute(text("SELECT id FROM tickets ORDER BY number")).scalars())
        for key in chance.sample(keys, len(keys) // 3):
            change, given = chance.choice(
                (
                    ("unit_id = (SELECT id FROM units WHERE code = :told)", chance.choice(PLACES)),
                    ("category = :told", chance.choice(CATEGORIES)),
                    ("supervised_at = CASE WHEN :told = '' THEN now() END", chance.choice(("", "-"))),
                    ("found_at = found_at - interval '1 day' * length(:told)", "x" * chance.randrange(9)),
                    ("return_count = return_count + length(:told)", "x" * chance.randrange(1, 3)),
                )
            )
            session.execute(text(f"UPDATE tickets SET {change} WHERE id = :key"), {"told": given, "key": key})
        # A ticket takes what is chased of it along, as every command sees to.
        session.execute(text("UPDATE chases SET unit_id = t.unit_id FROM tickets t WHERE t.id = ticket_id"))
        gone = chance.sample(keys, 3)
        for table, column in (("chases", "ticket_id"), ("tickets", "id")):
            session.execute(text(f"DELETE FROM {table} WHERE {column} = ANY(:gone)"), {"gone": gone})


def visit(world: World, seed: int) -> None:
    """Visits of every fate to units of the scope and below, and some units that reported zero."""
    chance = random.Random(seed)
    item = {
        "code": "A01",
        "category": "生产设备/线路",
        "item": "拉线",
        "criterion": "符合规程要求",
        "level": "general",
        "measure": "处理",
        "deadline_days": 15,
    }
    new = NewChecklist.model_validate({"code": f"Z{seed}", "name": "配电检查表", "items": [item]})
    with world.database.transaction() as session:
        checklist = put_checklist(session, new, actor=SYSTEM, now=world.now).id
        made: list[Any] = []
        for _ in range(14):
            state = chance.choice(("planned", "started", "submitted", "missed", "withdrawn"))
            told = {
                "unit": chance.choice(PLACES[:3]),
                "checklist": checklist,
                "state": state,
                "day": local_day(world.now) + timedelta(days=chance.randrange(-9, 5)),
                "at": world.now - timedelta(days=chance.randrange(9)) if state == "submitted" else None,
                "reason": "道路中断" if state in ("missed", "withdrawn") else None,
                "instead": made.pop() if made and chance.random() < 0.5 else None,
                "now": world.now,
            }
            key = session.scalar(
                text(
                    "INSERT INTO inspections (id, campaign_id, unit_id, checklist_id, inspector_id, planned_on, state,"
                    " started_at, submitted_at, submitted_by_id, nothing_found, missed_reason, instead_of_id,"
                    " created_at, version) SELECT gen_random_uuid(), c.id, u.id, :checklist, p.id, :day, :state, :at,"
                    " :at, CASE WHEN CAST(:at AS timestamptz) IS NOT NULL THEN p.id END, false, :reason, :instead,"
                    " :now, 1 FROM campaigns c, units u, people p"
                    " WHERE c.code = 'CC2026' AND u.code = :unit AND p.login = 'limin' RETURNING id"
                ),
                told,
            )
            if state == "missed":
                made.append(key)


def numbers(cell: Any) -> str:
    """What a cell says, without the sketch in it."""
    return " ".join("".join(cell.itertext()).split())


def table(page: Any, xpath: str) -> list[list[str]]:
    """The cells of a table's body, heading of the row first."""
    [found] = page.xpath(xpath)
    return [[numbers(cell) for cell in row.xpath("./th|./td")] for row in found.xpath(".//tbody/tr")]


def percent(part: int, whole: int) -> str:
    if not whole:
        return "—"
    return f"{(Decimal(part) * 100 / whole).quantize(Decimal('0.01'), ROUND_HALF_UP)}%"


def opened(browser: Browser, address: str) -> int:
    """How many tickets the pages of this list show together."""
    count, following = 0, address
    while following:
        page = parser.fromstring(browser.get(following).text)
        count += len(page.xpath("//a[@data-row]"))
        [*more] = page.xpath("//nav[@class='pager']/a[contains(@href, 'cursor=')]/@href")
        following = more[0] if more else ""
    return count


@pytest.mark.parametrize("seed", [3, 17, 2026])
def test_every_figure_of_the_board_is_the_api_s_and_a_plain_count_and_its_link_opens_as_many(
    browser_of: SignedIn, world: World, seed: int
) -> None:
    scatter(world, 70, seed=seed)
    visit(world, seed)
    browsers = {login: browser_of(login) for login, _ in LOOKS}
    for login, unit in LOOKS:  # Counted once, so that what follows is counted from what was kept.
        browsers[login].get(BOARD, params={"unit": unit} if unit else {})
    jolt(world, seed)
    scatter(world, 25, seed=seed + 1, number="S")
    world.find()
    for login, unit in LOOKS:
        _held_against_each_other(browsers[login], world, login, unit, seed)


def _held_against_each_other(browser: Browser, world: World, login: str, unit: str | None, seed: int) -> None:
    said = {"unit": unit} if unit else {}
    page = parser.fromstring(browser.get(BOARD, params=said).text)
    client: TestClient = browser.client
    answer = client.get("/api/v1/campaigns/CC2026/status", params=said, headers=world.bearer(login))
    assert answer.status_code == 200, answer.text
    api, plain = answer.json(), Plain(world, login)

    _every_link(page, browser, world, login, plain, seed)
    _every_table(page, api)
    _every_rate(page, api, plain, unit)


def _every_link(page: Any, browser: Browser, world: World, login: str, plain: Plain, seed: int) -> None:
    """A figure that is a link is what plain SQL counts, what the list counts, and what the pages behind it show."""
    links = page.xpath("//*[@id='board']//a[starts-with(@href, '/tickets?')]")
    figures = {link.get("href"): int((link.xpath("./b") or [link])[0].text) for link in links}
    assert len(figures) > 60
    actor = world.actor(login)
    with world.database.reading() as session:
        for address, figure in figures.items():
            words: dict[str, Any] = {}
            for name, value in parse_qsl(urlsplit(address).query):
                many = name in ("state", "level", "category", "category_exactly")
                words[name] = [*words.get(name, []), value] if many else value
            wanted = TicketFilter.model_validate(words)
            assert figure == plain.behind(address), address
            assert figure == count_tickets(session, wanted, actor=actor, now=world.now), address
    for address in random.Random(seed).sample(sorted(figures), 8):
        assert opened(browser, address) == figures[address], address


def _every_table(page: Any, api: dict[str, Any]) -> None:
    """Cell by cell, zeros too, a table says what the API says."""

    def of(counts: dict[str, Any], *names: str) -> list[str]:
        return [str(counts[name]) for name in names]

    def rate(counts: dict[str, Any]) -> str:
        return percent(counts["rectified"]["part"], counts["rectified"]["whole"])

    shown = table(page, "//table[caption/@id='units']")
    assert [row[1:9] for row in shown] == [
        [*of(each["counts"], *STATES, "overdue", "due_this_week", "returned"), rate(each["counts"])]
        for each in api["by_unit"]
    ]
    assert [row[9].split()[0] for row in shown if row[9] != "未上报"] == [
        str(each["counts"]["total"]) for each in api["by_unit"] if not each["silent"]
    ]
    for caption, rows in (("levels", api["by_level"][::-1]), ("categories", api["by_category"])):
        assert [row[1:] for row in table(page, f"//table[caption/@id='{caption}']")] == [
            [*of(each["counts"], *STATES, "cancelled", "overdue"), rate(each["counts"])] for each in rows
        ]
    assert [row[1:] for row in table(page, "//table[caption/@id='weeks']")] == [
        of(week, "total", *STATES, "cancelled", "verified_then") for week in api["by_week"]
    ]
    assert [row[1:] for row in table(page, "//*[@data-chart='ageing']//table")] == [
        of(age, "found", "assigned", "fixed", "open") for age in api["ageing"]
    ]
    assert [row[1] for row in table(page, "//*[@data-chart='ladder']//table")] == [
        str(step["tickets"]) for step in api["ladder"]
    ]
    burnt = table(page, "//*[@data-chart='burnup']//table")
    assert (
        sum(int(row[1]) for row in burnt) == sum(day["found"] for day in api["by_day"]) == int(burnt[-1][3])
    )
    assert (
        sum(int(row[2]) for row in burnt)
        == sum(day["verified"] for day in api["by_day"])
        == int(burnt[-1][4])
    )
    pareto = {row[0]: row[1:] for row in table(page, "//*[@data-chart='pareto']//table")}
    so_far, most = (
        0,
        sum(each["counts"]["total"] - each["counts"]["cancelled"] for each in api["by_subcategory"]),
    )
    by_name = {each["category"]: each["counts"] for each in api["by_subcategory"]}
    assert set(pareto) == set(by_name)
    for name, row in pareto.items():
        counts = by_name[name]
        so_far += counts["total"] - counts["cancelled"]
        shares = [str(counts["total"] - counts["cancelled"]), percent(so_far, most)]
        assert row == [*shares, *of(counts, "open", "overdue"), rate(counts)], name
    heat = table(page, "//*[@data-chart='heat']//table")
    cells = sorted(int(cell) for row in heat for cell in row[1:])
    assert [each for each in cells if each] == sorted(each["open"] for each in api["open_cells"])


def _every_rate(page: Any, api: dict[str, Any], plain: Plain, unit: str | None) -> None:
    """A rate shows what it divides; both are the API's, and plain counts where no ticket stands behind them."""
    shown = {
        numbers(each.xpath("./dt")[0]): (numbers(each.xpath(".//b")[0]), numbers(each.xpath(".//small")[0]))
        for each in page.xpath("//dl[@class='rates']/div")
    }
    names = {
        "整改率": "rectified",
        "按期整改率（原期限）": "on_time",
        "按期整改率（现期限）": "on_current_time",
        "复查一次合格率": "first_pass",
        "重大五落实率": "five_assured",
        "检查覆盖率": "coverage",
        "计划检查完成率": "visits",
    }
    rates = api["rates"]
    for words, name in names.items():
        part, whole = rates[name]["part"], rates[name]["whole"]
        assert shown.pop(words) == (percent(part, whole), f"{part} / {whole}"), words
    average = rates["average_fix_days"]
    value, halves = shown.pop("平均整改天数")
    assert not shown and halves == f"{average['total']} / {average['count']}"
    days = Decimal(average["total"]) / average["count"]
    assert value == str(days.quantize(Decimal("0.01"), ROUND_HALF_UP)) == average["value"]
    below = f"&unit={unit}" if unit else ""
    took = plain.behind(
        f"/tickets?campaign=CC2026&state=fixed&state=verified{below}", f"sum({FIXED_ON} - {FOUND_ON})"
    )
    assert average["total"] == took

    inside = f"u.path LIKE (SELECT path FROM units WHERE code = '{unit}') || '%'" if unit else "true"
    planned = (
        "SELECT count(*) FROM inspections i JOIN units u ON u.id = i.unit_id JOIN campaigns c ON c.id = i.campaign_id"
        f" WHERE c.code = 'CC2026' AND ({plain.sight}) AND {inside} AND "
    )
    today = local_day(plain.world.now)
    instead = "EXISTS (SELECT FROM inspections a WHERE a.instead_of_id = i.id AND a.state = 'submitted')"
    fates = {
        "计划": ("planned", "i.state <> 'withdrawn'"),
        "完成": ("done", "i.state = 'submitted'"),
        "未检": ("missed", "i.state = 'missed'"),
        "已补检": ("made_up", f"i.state = 'missed' AND {instead}"),
        "过期待检": ("overdue", f"i.state IN ('planned', 'started') AND i.planned_on < '{today}'"),
    }
    visits = page.xpath("//section[@aria-labelledby='visits-head']//dl/div")
    for each in visits:
        name, where = fates.pop(numbers(each.xpath("./dt")[0]))
        assert int(numbers(each.xpath("./dd")[0])) == api["visits"][name] == plain.ask(planned + where), name
    assert not fates and api["visits"]["planned"] > 0
    assert (rates["visits"]["part"], rates["visits"]["whole"]) == (
        api["visits"]["done"],
        api["visits"]["planned"],
    )

    scope = (
        "SELECT count(*) FROM campaign_units s JOIN campaigns c ON c.id = s.campaign_id JOIN units u ON u.id = s.unit_id"
        f" WHERE c.code = 'CC2026' AND ({plain.sight}) AND {inside}"
    )
    visited = (
        " AND EXISTS (SELECT FROM inspections i JOIN units v ON v.id = i.unit_id WHERE i.campaign_id = c.id"
        " AND i.state = 'submitted' AND v.path LIKE u.path || '%')"
    )
    assert (rates["coverage"]["part"], rates["coverage"]["whole"]) == (
        plain.ask(scope + visited),
        plain.ask(scope),
    )
    heard = (
        " AND s.zero_reported_at IS NULL AND NOT EXISTS (SELECT FROM number_counters n JOIN units v ON v.id = n.unit_id"
        " WHERE n.campaign_id = c.id AND n.last > 0 AND v.path LIKE u.path || '%')"
    )
    [unsigned] = page.xpath("//a[@href='#unreported']/b")
    assert int(numbers(unsigned)) == len(api["unsigned_units"]) == plain.ask(scope + heard)
