from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.campaign_settings import CampaignSettings
from domain.deadlines import due_for, end_of_day
from domain.workdays import NATIONAL
from statemachines.labels import LOCAL, Level, local_day

SETTINGS = CampaignSettings()
FOUND = datetime.fromisoformat("2026-04-01T10:00:00+08:00")

moments = st.datetimes(datetime(2004, 1, 2), datetime(2060, 12, 1)).map(
    lambda each: each.replace(tzinfo=LOCAL)
)
days_given = st.integers(0, 400)
levels = st.sampled_from(list(Level))


def due(found_at=FOUND, *, level=Level.GENERAL, days=None):
    return due_for(found_at, level=level, days=days, settings=SETTINGS)


def test_three_days_over_qingming_end_on_the_seventh_and_say_why():
    found = due(days=3)
    assert found.at.isoformat() == "2026-04-07T23:59:59+08:00"
    assert [(skipped.day.day, skipped.why("zh")) for skipped in found.explanation] == [
        (4, "清明"),
        (5, "清明"),
        (6, "清明"),
    ]
    assert found.explanation[0].why("en") == "Tomb-sweeping Day"
    assert not found.provisional


def test_a_major_hazard_never_waits_for_the_end_of_a_holiday():
    assert due(level=Level.MAJOR, days=3).at == end_of_day(date(2026, 4, 3))


def test_a_major_hazard_keeps_its_day_when_nobody_works_before_it():
    found_at = datetime.fromisoformat("2026-10-01T23:00:00+08:00")
    assert due(found_at, level=Level.MAJOR, days=3).at == end_of_day(date(2026, 10, 4))


def test_without_days_the_level_decides():
    assert due().at == end_of_day(date(2026, 4, 16))
    assert due(level=Level.SERIOUS).at == end_of_day(date(2026, 4, 8))
    assert due(level=Level.MAJOR).at == FOUND + timedelta(hours=24)


def test_the_day_of_finding_is_the_day_in_shanghai():
    late = datetime.fromisoformat("2026-03-31T17:30:00+00:00")
    assert due(late, days=0).at.isoformat() == "2026-04-01T23:59:59+08:00"


def test_a_year_without_a_notice_gives_a_provisional_deadline():
    found = due(datetime.fromisoformat("2027-01-29T10:00:00+08:00"), days=10)
    assert found.provisional
    assert NATIONAL.is_workday(local_day(found.at))


@given(moments, levels)
def test_one_day_is_always_exactly_24_hours(found_at, level):
    found = due(found_at, level=level, days=1)
    assert found.at - found_at == timedelta(hours=24)
    assert not found.explanation


@given(moments, levels)
def test_zero_days_is_the_end_of_the_same_day(found_at, level):
    assert due(found_at, level=level, days=0).at == end_of_day(local_day(found_at))


@given(moments, levels, days_given)
def test_a_deadline_is_never_before_the_finding(found_at, level, days):
    assert due(found_at, level=level, days=days).at >= found_at - timedelta(seconds=1)


@given(moments, st.sampled_from([Level.GENERAL, Level.SERIOUS]), st.integers(2, 400))
def test_general_and_serious_end_on_a_working_day_not_before_the_nth(found_at, level, days):
    found = due(found_at, level=level, days=days)
    nominal = local_day(found_at) + timedelta(days=days)
    assert local_day(found.at) == nominal + timedelta(days=len(found.explanation))
    assert NATIONAL.is_workday(local_day(found.at))
    assert not any(NATIONAL.is_workday(skipped.day) for skipped in found.explanation)


@given(moments, st.integers(2, 400))
def test_major_ends_after_the_day_of_finding_and_not_after_the_nth(found_at, days):
    end = local_day(due(found_at, level=Level.MAJOR, days=days).at)
    assert local_day(found_at) < end <= local_day(found_at) + timedelta(days=days)


@given(moments, levels, st.integers(1, 399))
def test_more_days_never_end_earlier(found_at, level, days):
    assert due(found_at, level=level, days=days).at <= due(found_at, level=level, days=days + 1).at
