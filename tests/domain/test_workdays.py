from dataclasses import replace
from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.workdays import NATIONAL, Marked, Sheet, WorkCalendar

THE_YEAR = [date(2026, 1, 1) + timedelta(days=day) for day in range(365)]
MAKE_UP_DAYS = ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"]


def test_2026_has_248_working_days_as_the_notice_says():
    assert sum(NATIONAL.is_workday(day) for day in THE_YEAR) == 248


@pytest.mark.parametrize("day", MAKE_UP_DAYS)
def test_a_make_up_day_is_worked_although_it_is_a_weekend(day):
    found = NATIONAL.day(date.fromisoformat(day))
    assert found.working
    assert not found.provisional
    assert found.zh.startswith("调休上班")


def test_each_day_has_a_name_in_both_languages():
    qingming = NATIONAL.day(date(2026, 4, 6))
    assert (qingming.working, qingming.name("zh"), qingming.name("en")) == (
        False,
        "清明",
        "Tomb-sweeping Day",
    )
    assert NATIONAL.day(date(2026, 4, 11)).name("zh") == "周六"


def test_a_year_without_a_notice_is_provisional_and_keeps_the_statutory_holidays():
    with pytest.raises(NotImplementedError):
        chinese_calendar.is_workday(date(2027, 2, 6))
    spring_festival = NATIONAL.day(date(2027, 2, 6))
    assert (spring_festival.working, spring_festival.provisional, spring_festival.zh) == (False, True, "春节")
    assert NATIONAL.day(date(2027, 3, 1)) == NATIONAL.day(date(2027, 3, 1))
    assert NATIONAL.day(date(2027, 3, 1)).provisional


def test_the_units_own_calendar_goes_before_everything():
    station = Sheet(
        "柳林所", {date(2026, 4, 7): Marked(working=False), date(2026, 4, 4): Marked(True, "抢修")}
    )
    own = WorkCalendar([station])
    assert not own.is_workday(date(2026, 4, 7))
    assert own.day(date(2026, 4, 4)).name("zh") == "抢修"
    assert own.day(date(2026, 4, 4)).source == "柳林所"
    assert own.next(date(2026, 4, 4)) == date(2026, 4, 8)


def test_the_nearest_unit_decides():
    day = date(2026, 4, 11)
    bureau, team = Sheet("局", {day: Marked(working=True)}), Sheet("班", {day: Marked(working=False)})
    assert not WorkCalendar([team, bureau]).is_workday(day)
    assert WorkCalendar([bureau, team]).is_workday(day)


def test_a_shift_repeats_its_cycle_over_holidays_and_weekends():
    shift = Sheet("四倒班", cycle=(True, True, False, False), cycle_from=date(2026, 4, 1))
    own = WorkCalendar([shift])
    assert [own.is_workday(date(2026, 4, day)) for day in (1, 2, 3, 4, 5, 6)] == [
        True,
        True,
        False,
        False,
        True,
        True,
    ]
    assert own.day(date(2026, 4, 3)).name("zh") == "轮休"
    assert own.day(date(2026, 3, 31)) == NATIONAL.day(date(2026, 3, 31)), (
        "before its first day it says nothing"
    )


def test_an_imported_notice_ends_the_provisional_year():
    saturday, holiday = date(2027, 2, 20), date(2027, 2, 12)
    notice = Sheet(
        "国办发明电〔2026〕9号", {saturday: Marked(True, "春节调休"), holiday: Marked(False, "春节")}
    )
    own = WorkCalendar(national={2027: notice})
    assert own.day(saturday) == replace(
        NATIONAL.day(saturday),
        working=True,
        zh="春节调休",
        en="春节调休",
        provisional=False,
        source=notice.name,
    )
    assert not own.is_workday(holiday)
    assert not own.day(date(2027, 3, 1)).provisional
    assert own.day(date(2028, 3, 1)).provisional


def test_a_calendar_in_which_nobody_works_comes_to_an_end():
    never = WorkCalendar([Sheet("停产", cycle=(False,), cycle_from=date(2020, 1, 1))])
    assert never.next(date(2026, 1, 1)) > date(2030, 1, 1)


def test_stepping_passes_over_the_holiday():
    assert NATIONAL.next(date(2026, 4, 3)) == date(2026, 4, 7)
    assert NATIONAL.previous(date(2026, 4, 7)) == date(2026, 4, 3)
    assert NATIONAL.add(date(2026, 4, 7), -3) == date(2026, 4, 1)
    assert NATIONAL.add(date(2026, 4, 4), 0) == date(2026, 4, 4)


@given(st.dates())
def test_no_day_of_any_year_fails(day):
    assert NATIONAL.day(day).zh
    assert NATIONAL.previous(day) <= day <= NATIONAL.next(day)


@given(st.dates(date(2004, 1, 1), date(2100, 12, 31)), st.integers(1, 60))
def test_going_forward_and_back_meets_again(day, count):
    there = NATIONAL.add(day, count)
    assert NATIONAL.is_workday(there)
    assert NATIONAL.add(there, -count) <= day < there
