"""What was sent wrongly, explained: field, rule, sentence in two languages."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from domain.errors import BadInput, NotFound, PreconditionFailed, Stale, explain, pointer_of
from statemachines.refusals import REFUSALS


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    size: int = 0


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="", max_length=3, pattern="^a*$")
    count: int = Field(default=1, ge=1, le=9)
    price: Decimal = Field(default=Decimal(1), gt=0, max_digits=4, decimal_places=2, allow_inf_nan=False)
    lat: float = Field(default=0, allow_inf_nan=False)
    at: AwareDatetime | None = None
    on: date | None = None
    id: UUID | None = None
    colour: Colour = Colour.RED
    yes: bool = False
    parts: list[Inner] = Field(default_factory=list, max_length=1)
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("said", "pointer", "rule", "zh", "en"),
    [
        ({"name": "aaaa"}, "/name", "too-long", "最多3个字。", "Give at most 3 characters."),
        ({"name": "b"}, "/name", "form", "格式不符：^a*$。", "Must have the form ^a*$."),
        ({"name": 7}, "/name", "text", "须为文字。", "Must be text."),
        ({"count": 0}, "/count", "too-small", "不得小于1。", "Must be at least 1."),
        ({"count": 10}, "/count", "too-large", "不得大于9。", "Must be at most 9."),
        ({"count": "x"}, "/count", "number", "须为整数。", "Must be a whole number."),
        ({"price": 0}, "/price", "too-small", "须大于0。", "Must be greater than 0."),
        ({"price": "1.001"}, "/price", "decimals", "最多2位小数。", "At most 2 decimals."),
        ({"price": "x"}, "/price", "number", "须为数字。", "Must be a number."),
        ({"lat": float("inf")}, "/lat", "number", "须为有限的数。", "Must be a finite number."),
        (
            {"on": "2026-02-30"},
            "/on",
            "date",
            "须为日期，如 2026-04-01。",
            "Must be a date such as 2026-04-01.",
        ),
        ({"id": "7"}, "/id", "uuid", "须为 UUID。", "Must be a UUID."),
        ({"yes": "maybe"}, "/yes", "yes-or-no", "须为 true 或 false。", "Must be true or false."),
        ({"parts": 1}, "/parts", "list", "须为列表。", "Must be a list."),
        ({"parts": [{}, {}]}, "/parts", "too-many", "最多1项。", "Give at most 1 items."),
        ({"parts": [{"size": "x"}]}, "/parts/0/size", "number", "须为整数。", "Must be a whole number."),
        ({"inner": 3}, "/inner", "object", "须为对象。", "Must be an object."),
        (
            {"a/b~": 1},
            "/a~1b~0",
            "unknown-field",
            "没有这个字段，请删去。",
            "There is no such field; remove it.",
        ),
    ],
)
def test_each_rule_is_said_in_words_with_the_field(said, pointer, rule, zh, en):
    with pytest.raises(ValidationError) as wrong:
        Body.model_validate(said)
    [in_chinese] = explain(wrong.value.errors(), "zh")
    [in_english] = explain(wrong.value.errors(), "en")
    assert (in_chinese.pointer, in_chinese.rule, in_chinese.sentence) == (pointer, rule, zh)
    assert (in_english.pointer, in_english.rule, in_english.sentence) == (pointer, rule, en)


@pytest.mark.parametrize(
    ("said", "rule"), [({"at": "soon"}, "time"), ({"at": "2026-04-01T09:00:00"}, "time-zone")]
)
def test_a_moment_carries_its_time_zone(said, rule):
    with pytest.raises(ValidationError) as wrong:
        Body.model_validate(said)
    [fault] = explain(wrong.value.errors(), "zh")
    assert (fault.pointer, fault.rule) == ("/at", rule)
    assert "2026-04-01T09:14:00+08:00" in fault.sentence


def test_choices_are_listed():
    with pytest.raises(ValidationError) as wrong:
        Body.model_validate({"colour": "green"})
    [fault] = explain(wrong.value.errors(), "zh")
    assert (fault.rule, "red" in fault.sentence, "blue" in fault.sentence) == ("unknown-value", True, True)


def test_every_wrong_field_is_named_at_once():
    with pytest.raises(ValidationError) as wrong:
        Body.model_validate({"name": 7, "count": 0, "colour": "green"})
    assert [fault.pointer for fault in explain(wrong.value.errors(), "en")] == ["/name", "/count", "/colour"]


def test_a_pointer_escapes_what_a_name_may_hold():
    assert pointer_of(("files", 0, "a/b~c")) == "/files/0/a~1b~0c"
    assert pointer_of(()) == ""


def test_refusals_of_the_records_carry_their_facts():
    assert BadInput("/due", "past", zh="期限已过。", en="Past.").sentence("zh") == "期限已过。"
    assert NotFound(what="CC2026-LL01-0001").sentence("en").startswith("There is no CC2026-LL01-0001")
    assert PreconditionFailed(expected=1, current=3).status == 412
    assert Stale().status == 409


def test_each_refusal_has_a_code_a_status_and_both_languages():
    for code, refusal in REFUSALS.items():
        assert code == refusal.code
        assert 400 <= refusal.status < 600, code
        assert refusal.title_zh and refusal.title_en, code
        if refusal is not BadInput:
            assert refusal.zh and refusal.en, code
