"""What a list of tickets is narrowed to: read from the address, said in words, taken off again one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, get_origin
from urllib.parse import urlencode

from fastapi import Request
from pydantic import ValidationError

from domain.figure_filter import DueIn
from domain.records import Matter
from domain.tickets import TicketFilter, TicketOrder
from forms import dates
from forms.fields import Problem, problems_of
from forms.words import _, language_of, say
from statemachines.labels import Labelled, Language, label
from statemachines.roles import Actor
from statemachines.ticket import TicketState

#: Whose field stands in the form of the list; the others come with a link and are said beside it.
IN_THE_FORM = frozenset({"unit", "state", "level", "q", "sort", "overdue", "supervised"})

YES_WORDS = frozenset({"1", "true", "t", "yes", "y", "on"})

YES: Mapping[str, str] = {
    "overdue": _("超期"),
    "supervised": _("督办"),
    "untaken": _("没人接"),
    "extension_pending": _("延期待审批"),
    "fixed_in_time": _("原期限内完成"),
    "fixed_in_current_time": _("现期限内完成"),
    "rechecked": _("已复查过"),
    "passed_first": _("一次复查合格"),
    "on_the_spot": _("立查立改"),
    "carried_in": _("上次活动结转"),
    "five_assured": _("五落实齐全"),
}
NO: Mapping[str, str] = {
    "overdue": _("未超期"),
    "supervised": _("未督办"),
    "untaken": _("已有人接"),
    "extension_pending": _("没有待审批的延期"),
    "fixed_in_time": _("超过原期限完成"),
    "fixed_in_current_time": _("超过现期限完成"),
    "rechecked": _("未复查过"),
    "passed_first": _("非一次复查合格"),
    "on_the_spot": _("非立查立改"),
    "carried_in": _("本次活动发现"),
    "five_assured": _("五落实不全"),
}
DUE_IN: Mapping[DueIn, str] = {
    DueIn.SEVEN_DAYS: _("7 天内到期"),
    DueIn.THIS_WEEK: _("本周到期"),
    DueIn.NO_DATE: _("未定期"),
}


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing the list is narrowed to, and the address without it."""

    words: str
    without: str


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The filter of the address. `given` are the words of the address that hold, `wrong` what was refused of it."""

    wanted: TicketFilter
    given: Mapping[str, tuple[str, ...]]
    mine: bool
    wrong: tuple[Problem, ...] = ()

    @property
    def values(self) -> dict[str, str]:
        """What stands in the fields of the form; several states at once, or "not overdue", are none of its choices."""
        one = {name: values[0] for name, values in self.given.items() if len(values) == 1}
        return {
            name: value
            for name, value in one.items()
            if name in IN_THE_FORM and (name not in YES or value.lower() in YES_WORDS)
        }

    @property
    def beside(self) -> dict[str, tuple[str, ...]]:
        """What the form has no field for; it sends them along unseen."""
        return {name: values for name, values in self.given.items() if name not in self.values}

    @property
    def narrow(self) -> bool:
        """Whether anything is left out; an order leaves nothing out."""
        return bool(self.given.keys() - {"sort"})

    @property
    def address(self) -> str:
        """The list as it is, from its first page."""
        return address_of(self.given, mine=self.mine)

    def chips(self, lang: Language) -> list[Chip]:
        """What stands beside the form, each with the way to be rid of it."""
        return [
            Chip(
                said(name, values, lang),
                address_of({key: kept for key, kept in self.given.items() if key != name}, mine=self.mine),
            )
            for name, values in self.beside.items()
        ]


def address_of(given: Mapping[str, Iterable[object]], *, mine: bool = False) -> str:
    """The address of the list narrowed to this."""
    pairs = [("mine", "1")] if mine else []
    pairs += [(name, str(value)) for name, values in given.items() for value in values]
    return "/tickets" + (f"?{urlencode(pairs)}" if pairs else "")


def narrowed_by(request: Request, actor: Actor) -> Narrowed:
    """What the address narrows the list to; a word that means nothing is refused and the rest still holds."""
    query = request.query_params
    given = {
        name: tuple(values)
        for name in TicketFilter.model_fields
        if (values := [value for each in query.getlist(name) if (value := each.strip())])
    }
    mine = bool(query.get("mine"))
    try:
        return Narrowed(TicketFilter.model_validate(_told(given, actor, mine=mine)), given, mine)
    except ValidationError as error:
        wrong = problems_of(error, language_of(request))
        bad = {str(each["loc"][0]) for each in error.errors() if each["loc"]}
        kept = {name: values for name, values in given.items() if name not in bad}
        wanted = TicketFilter.model_validate(_told(kept, actor, mine=mine))
        return Narrowed(wanted, kept, mine, tuple(wrong))


def _told(given: Mapping[str, tuple[str, ...]], actor: Actor, *, mine: bool) -> dict[str, Any]:
    fields = TicketFilter.model_fields
    told: dict[str, Any] = {
        name: list(values) if get_origin(fields[name].annotation) is list else values[-1]
        for name, values in given.items()
    }
    if mine:
        told["assignee"] = actor.login
        told.setdefault("sort", TicketOrder.DUE)
        told.setdefault("state", [TicketState.ASSIGNED])
    return told


def said(name: str, values: tuple[str, ...], lang: Language) -> str:
    """One condition in words: 已登记、整改中、待复查; 发现于 3月2日 起."""
    if name in YES:
        return say(lang, YES[name] if values[-1].lower() in YES_WORDS else NO[name])
    if name in _SAID:
        return _SAID[name](values, lang)
    return say(lang, "、").join(values)


def _labels(kind: type[Labelled]) -> Callable[[tuple[str, ...], Language], str]:
    def words(values: tuple[str, ...], lang: Language) -> str:
        return say(lang, "、").join(label(kind(value), lang) for value in values)

    return words


def _with(text: str) -> Callable[[tuple[str, ...], Language], str]:
    return lambda values, lang: say(lang, text, value=say(lang, "、").join(values))


def _day(text: str) -> Callable[[tuple[str, ...], Language], str]:
    def words(values: tuple[str, ...], lang: Language) -> str:
        return say(lang, text, day=dates.day(date.fromisoformat(values[-1]), lang, weekday=False))

    return words


def _step(values: tuple[str, ...], lang: Language) -> str:
    matter, _sign, code = values[-1].partition(":")
    named = label(Matter(matter), lang) if matter in set(Matter) else matter
    return say(lang, _("催办到：%(matter)s %(step)s"), matter=named, step=code)


_SAID: Mapping[str, Callable[[tuple[str, ...], Language], str]] = {
    "state": _labels(TicketState),
    "campaign": _with(_("活动 %(value)s")),
    "unit": _with(_("单位 %(value)s")),
    "at": _with(_("单位 %(value)s 本级")),
    "category": _with(_("类别 %(value)s")),
    "category_exactly": _with(_("类别 %(value)s")),
    "assignee": _with(_("责任人 %(value)s")),
    "finder": _with(_("发现人 %(value)s")),
    "source": _with(_("来源 %(value)s")),
    "returned_at_least": _with(_("退回 %(value)s 次以上")),
    "found_from": _day(_("发现于 %(day)s 起")),
    "found_to": _day(_("发现于 %(day)s 止")),
    "verified_from": _day(_("销号于 %(day)s 起")),
    "verified_to": _day(_("销号于 %(day)s 止")),
    "due_in": lambda values, lang: say(lang, DUE_IN[DueIn(values[-1])]),
    "step": _step,
}
