"""The ledger opens in a spreadsheet with every column of the rules (acceptance example 12)."""

from __future__ import annotations

import re
from datetime import datetime
from io import BytesIO

from openpyxl import Workbook, load_workbook

from domain.campaigns import campaign_by_code
from papers.ledger import campaign_ledger
from tests.world import World

# Domain rules 2.9, "Product column set", as written there.
RULE = (
    "序号, 隐患编号, 所属活动, 检查日期, 被检单位(站所), 检查部位/设备, 隐患描述, 类别(生产设备/安全管理/劳动安全和作业环境),"
    " 性质(物/人/管理), 隐患等级, 缺陷等级, 风险值D与颜色, 发现人, 检查表条目, 整改措施, 责任单位, 责任人(定人), 责任内容(定责),"
    " 整改期限(定期), 整改资金(元), 临时防控措施, 应急预案, 通知书编号, 签收人/时间, 整改完成时间, 整改情况, 完成数量/单位,"
    " 整改前照片, 整改后照片, 延期次数/批准期限, 复查人, 复查日期, 复查结论, 销号日期, 状态, 是否超期/超期天数, 督办级别, 备注"
)


def ledger_of(world: World, login: str = "zhaozhuren") -> Workbook:
    actor = world.actor(login)
    with world.database.reading(snapshot=True) as session:
        campaign = campaign_by_code(session, "CC2026", actor=actor)
        return load_workbook(BytesIO(campaign_ledger(session, campaign, actor=actor, now=world.now)))


def rows_of(book: Workbook) -> list[dict[str, object]]:
    sheet = book.worksheets[0]
    headings = [cell.value for cell in sheet[1]]
    return [dict(zip(headings, row, strict=True)) for row in sheet.iter_rows(min_row=2, values_only=True)]


def test_it_has_every_column_of_the_rules_in_their_order(played: World) -> None:
    sheet = ledger_of(played).worksheets[0]
    assert [cell.value for cell in sheet[1]] == RULE.split(", ")
    assert sheet.freeze_panes == "C2"


def test_a_row_tells_the_whole_story(played: World) -> None:
    rows = {row["隐患编号"]: row for row in rows_of(ledger_of(played))}
    done = rows["CC2026-LL01-0001"]
    assert done["隐患描述"] == "10kV 柳林线 27# 变台渗漏油 | <b>严重</b>"
    assert done["被检单位(站所)"] == "柳林供电所"
    assert (done["责任人(定人)"], done["责任单位"], done["责任内容(定责)"]) == (
        "王建国",
        "柳林所检修班",
        "负责停电处理",
    )
    assert (done["状态"], done["复查人"], done["复查结论"], done["是否超期/超期天数"]) == (
        "已销号",
        "李敏",
        "合格",
        "否",
    )
    returned = next(row for row in rows.values() if row["隐患等级"] == "较大")
    assert returned["复查结论"] == "退回1次"
    assert str(returned["是否超期/超期天数"]).startswith("是，")


def test_dates_are_dates_written_year_month_day(played: World) -> None:
    cell = ledger_of(played).worksheets[0]["D2"]
    assert cell.value == datetime(2026, 4, 1)
    assert cell.number_format == "yyyy-mm-dd"


def test_what_somebody_typed_never_becomes_a_formula(world: World) -> None:
    world.find(description='=HYPERLINK("http://example.org","点这里")')
    cell = ledger_of(world).worksheets[0]["G2"]
    assert cell.data_type == "s"
    assert str(cell.value).startswith("=HYPERLINK")


def test_every_transition_stands_on_the_second_sheet(played: World) -> None:
    sheet = ledger_of(played).worksheets[1]
    story = [row[2:6] for row in sheet.iter_rows(min_row=2, values_only=True) if row[0] == "CC2026-LL01-0001"]
    assert [event for event, *_ in story] == ["登记", "下达整改", "报告整改完成", "复查合格", "抽查"]
    assert story[-2] == ("复查合格", "待复查", "已销号", "李敏")
    assert story[-1] == ("抽查", "已销号", "已销号", "张强")
    events = {row[2] for row in sheet.iter_rows(min_row=2, values_only=True)}
    assert not [event for event in events if str(event).isascii()], "every event in words"


def test_a_station_gets_its_own_hazards_only(played: World) -> None:
    units = {row["被检单位(站所)"] for row in rows_of(ledger_of(played, "shisuozhang"))}
    assert units == {"石桥供电所"}


def test_what_happened_is_told_in_words_and_people_by_name(played: World) -> None:
    sheet = ledger_of(played).worksheets[1]
    rows = [row for row in sheet.iter_rows(min_row=2, values_only=True) if row[0] == "CC2026-LL01-0001"]
    told = {row[2]: str(row[6]) for row in rows}
    assert "责任人：王建国" in told["下达整改"]
    assert "措施：" in told["下达整改"]
    contents = "".join(str(row[6]) for row in sheet.iter_rows(min_row=2, values_only=True))
    assert not re.search("[a-z_]+=", contents), "no name of a program's field"
