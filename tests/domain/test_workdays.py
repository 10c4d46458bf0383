from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.workdays import add_workdays, is_workday, next_workday, previous_workday

THE_YEAR = [date(2026, 1, 1) + timedelta(days=day) for day in range(365)]
MAKE_UP_DAYS = ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"]


def test_2026_has_248_working_days_as_the_notice_says():
    assert sum(is_workday(day).working for day in THE_YEAR) == 248


@pytest.mark.parametrize("day", MAKE_UP_DAYS)
def test_a_make_up_day_is_worked_although_it_is_a_weekend(day):
    found = is_workday(date.fromisoformat(day))
    assert found.working
    assert not found.provisional
    assert found.zh.startswith("调休上班")


def test_each_day_has_a_name_in_both_languages():
    qingming = is_workday(date(2026, 4, 6))
    assert (qingming.working, qingming.name("zh"), qingming.name("en")) == (
        False,
        "清明",
        "Tomb-sweeping Day",
    )
    assert is_workday(date(2026, 4, 11)).name("zh") == "周六"


def test_a_year_without_a_notice_is_provisional_and_keeps_the_statutory_holidays():
    with pytest.raises(NotImplementedError):
        chinese_calendar.is_workday(date(2027, 2, 6))
    spring_festival = is_workday(date(2027, 2, 6))
    assert (spring_festival.working, spring_festival.provisional, spring_festival.zh) == (False, True, "春节")
    assert is_workday(date(2027, 3, 1)) == is_workday(date(2027, 3, 1))
    assert is_workday(date(2027, 3, 1)).provisional


def test_the_units_own_calendar_goes_before_everything():
    closed = {date(2026, 4, 7): False, date(2026, 4, 4): True}
    assert not is_workday(date(2026, 4, 7), closed).working
    assert is_workday(date(2026, 4, 4), closed).working
    assert next_workday(date(2026, 4, 4), closed) == date(2026, 4, 8)


def test_stepping_passes_over_the_holiday():
    assert next_workday(date(2026, 4, 3)) == date(2026, 4, 7)
    assert previous_workday(date(2026, 4, 7)) == date(2026, 4, 3)
    assert add_workdays(date(2026, 4, 7), -3) == date(2026, 4, 1)
    assert add_workdays(date(2026, 4, 4), 0) == date(2026, 4, 4)


@given(st.dates())
def test_no_day_of_any_year_fails(day):
    assert is_workday(day).zh
    assert previous_workday(day) <= day <= next_workday(day)


@given(st.dates(date(2004, 1, 1), date(2100, 12, 31)), st.integers(1, 60))
def test_going_forward_and_back_meets_again(day, count):
    there = add_workdays(day, count)
    assert is_workday(there).working
    assert add_workdays(there, -count) <= day < there
