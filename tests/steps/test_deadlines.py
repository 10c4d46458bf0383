from datetime import datetime

from pytest_bdd import given, parsers, scenarios, then, when

from domain.campaign_settings import CampaignSettings
from domain.deadlines import due_for
from statemachines.labels import LOCAL, Level

scenarios("deadlines.feature")

LEVELS = {level.zh: level for level in Level}


@given(parsers.re('"(?P<moment>.+)" 发现一处(?P<level>一般|较大|重大)隐患'), target_fixture="found")
def found(moment, level):
    return datetime.fromisoformat(moment).replace(tzinfo=LOCAL), LEVELS[level]


@when(parsers.parse("整改期限定为 {days:d} 天"), target_fixture="due")
def due(found, days):
    found_at, level = found
    return due_for(found_at, level=level, days=days, settings=CampaignSettings())


@then(parsers.parse('期限是 "{moment}"'))
def ends(due, moment):
    assert due.at.strftime("%Y-%m-%d %H:%M:%S") == moment


@then(parsers.re('跳过的日子是 "(?P<days>.*)"'))
def skipped(due, days):
    assert "、".join(f"{each.day.month}月{each.day.day}日{each.zh}" for each in due.explanation) == days


@then("期限是暂定的")
def provisional(due):
    assert due.provisional
