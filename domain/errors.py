"""What can be wrong with what somebody sent, said in their language, with the field, the rule and the way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError
from sqlalchemy.exc import IntegrityError

from statemachines.labels import Language
from statemachines.refusals import REFUSALS, Refusal


class BadInput(Refusal):
    """A value breaks a rule that needs the records to be known (unknown unit, deadline passed).

    `pointer` is a JSON pointer into what was sent ("/due"), `rule` a stable code.
    """

    code, status = "bad-input", 422
    title_zh, title_en = "填写有误", "Wrong input"

    def __init__(self, pointer: str, rule: str, *, zh: str, en: str) -> None:
        super().__init__()
        self.pointer = pointer
        self.rule = rule
        self._sentences = {"zh": zh, "en": en}

    def sentence(self, language: Language) -> str:
        """What is wrong with this value and what would be right."""
        return self._sentences[language]


class NotFound(Refusal):
    """There is no such record, or none this person may see: the two are never told apart."""

    code, status = "not-found", 404
    title_zh, title_en = "找不到", "Not found"
    zh = "找不到{what}，或您无权查看。请核对编号。"
    en = "There is no {what}, or you may not see it. Check the number."


class Stale(Refusal):
    """Somebody else changed the record in between."""

    code, status = "stale", 409
    title_zh, title_en = "已被他人更新", "Changed by somebody else"
    zh = "这条记录刚被他人更新，请刷新后再办理。"
    en = "Somebody else has just changed this record. Load it again and repeat."


class PreconditionFailed(Refusal):
    """The version named by If-Match is not the present one."""

    code, status = "precondition-failed", 412
    title_zh, title_en = "版本不符", "Another version"
    zh = "您依据的是第{expected}版，现在是第{current}版，请刷新后再办理。"
    en = "You worked from version {expected}; the record is now at version {current}. Load it again and repeat."


class LawOfTheRecords(Refusal):
    """The database refused a row; the rule's name is the constraint's."""

    code, status = "law-of-the-records", 409
    title_zh, title_en = "违反记录规则", "A rule of the records"
    zh = "记录规则“{rule}”不允许这样保存，未保存任何内容。"
    en = "The rule “{rule}” of the records does not allow this; nothing was saved."


#: Constraints that a race can reach: the loser gets the same refusal the command would have given.
_SAME_AS: Mapping[str, str] = {
    "uq_extensions_one_pending": "extension-pending",
    "ck_tickets_verifier_not_fixer": "self-verification",
    "ck_tickets_three_fixed": "three-fixed-missing",
    "ck_tickets_five_assurances": "five-assurances-missing",
}


def refusal_for(error: IntegrityError) -> Refusal:
    """The refusal that says in words what a broken constraint means."""
    name = str(getattr(getattr(error.orig, "diag", None), "constraint_name", None) or "unknown")
    if name in _SAME_AS:
        return REFUSALS[_SAME_AS[name]]()
    return LawOfTheRecords(rule=name)


@contextmanager
def about_row(place: int, name: str = "") -> Iterator[None]:
    """What is refused inside is about one of several things told at once: the refusal names its place in the list, the
    first being 0, and what people call it; the pointer of BadInput leads into the list ("/3/unit").
    """
    try:
        yield
    except Refusal as refusal:
        refusal.row = place, name
        if isinstance(refusal, BadInput):
            refusal.pointer = f"/{place}{refusal.pointer}"
        raise


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: where (JSON pointer), which rule (stable code), and the sentence for the person."""

    pointer: str
    rule: str
    sentence: str


def wrong(rule: str, *, zh: str, en: str) -> PydanticCustomError:
    """The error a validator of an input model raises; `rule` is stable, the sentences are shown."""
    return PydanticCustomError(rule, "{en}", {"zh": zh, "en": en})


#: pydantic's error types → (our rule, Chinese, English); {…} are pydantic's own limits.
_SENTENCES: Mapping[str, tuple[str, str, str]] = {
    "missing": ("missing", "必须填写。", "This field is required."),
    "extra_forbidden": ("unknown-field", "没有这个字段，请删去。", "There is no such field; remove it."),
    "string_type": ("text", "须为文字。", "Must be text."),
    "string_too_short": ("too-short", "至少{min_length}个字。", "Give at least {min_length} characters."),
    "string_too_long": ("too-long", "最多{max_length}个字。", "Give at most {max_length} characters."),
    "string_pattern_mismatch": ("form", "格式不符：{pattern}。", "Must have the form {pattern}."),
    "enum": ("unknown-value", "须为以下之一：{expected}。", "Must be one of {expected}."),
    "literal_error": ("unknown-value", "须为以下之一：{expected}。", "Must be one of {expected}."),
    "greater_than": ("too-small", "须大于{gt}。", "Must be greater than {gt}."),
    "greater_than_equal": ("too-small", "不得小于{ge}。", "Must be at least {ge}."),
    "less_than": ("too-large", "须小于{lt}。", "Must be less than {lt}."),
    "less_than_equal": ("too-large", "不得大于{le}。", "Must be at most {le}."),
    "too_short": ("too-few", "至少{min_length}项。", "Give at least {min_length} items."),
    "too_long": ("too-many", "最多{max_length}项。", "Give at most {max_length} items."),
    "timezone_aware": (
        "time-zone",
        "时间须带时区，如 2026-04-01T09:14:00+08:00。",
        "Give the time zone, as in 2026-04-01T09:14:00+08:00.",
    ),
    "timezone_naive": ("time-zone", "时间不得带时区。", "Give no time zone."),
    "json_invalid": ("json", "不是合格的 JSON：{error}。", "This is not valid JSON: {error}."),
    "decimal_max_places": ("decimals", "最多{decimal_places}位小数。", "At most {decimal_places} decimals."),
    "decimal_max_digits": ("too-large", "最多{max_digits}位数字。", "At most {max_digits} digits."),
    "finite_number": ("number", "须为有限的数。", "Must be a finite number."),
}

#: Groups of pydantic error types told apart by their beginning.
_BEGINNINGS: tuple[tuple[str, tuple[str, str, str]], ...] = (
    (
        "datetime",
        (
            "time",
            "须为带时区的时间，如 2026-04-01T09:14:00+08:00。",
            "Must be a time such as 2026-04-01T09:14:00+08:00.",
        ),
    ),
    ("date", ("date", "须为日期，如 2026-04-01。", "Must be a date such as 2026-04-01.")),
    ("uuid", ("uuid", "须为 UUID。", "Must be a UUID.")),
    ("int", ("number", "须为整数。", "Must be a whole number.")),
    ("float", ("number", "须为数字。", "Must be a number.")),
    ("decimal", ("number", "须为数字。", "Must be a number.")),
    ("bool", ("yes-or-no", "须为 true 或 false。", "Must be true or false.")),
    ("list", ("list", "须为列表。", "Must be a list.")),
    ("dict", ("object", "须为对象。", "Must be an object.")),
    ("model", ("object", "须为对象。", "Must be an object.")),
)


def _one(fault: Mapping[str, Any], language: Language) -> tuple[str, str]:
    kind, context = str(fault["type"]), dict(fault.get("ctx") or {})
    if language in context and {"zh", "en"} <= context.keys():
        return kind, str(context[language])
    found = _SENTENCES.get(kind) or next((s for start, s in _BEGINNINGS if kind.startswith(start)), None)
    if found is None:
        return "wrong", f"填写有误（{fault['msg']}）。" if language == "zh" else f"{fault['msg']}."
    rule, zh, en = found
    return rule, (zh if language == "zh" else en).format_map(_Lenient(context))


class _Lenient(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "?"


def pointer_of(location: Iterable[str | int]) -> str:
    """A JSON pointer (RFC 6901) from pydantic's location."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in location)


def explain(faults: Iterable[Mapping[str, Any]], language: Language) -> list[FieldError]:
    """Translate pydantic's errors (`ValidationError.errors()`), one sentence per wrong field."""
    told = []
    for fault in faults:
        rule, sentence = _one(fault, language)
        told.append(FieldError(pointer_of(fault["loc"]), rule, sentence))
    return told
