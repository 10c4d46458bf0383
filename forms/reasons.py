"""Why a deadline is when it is: the days of its level or checklist item, and the days off passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from domain.calendars import calendar_of
from domain.deadlines import Due, Skipped, due_again
from domain.records import History, Ticket
from forms import dates
from forms.words import _, say
from statemachines.labels import Language, label


def passed_over(skipped: Sequence[Skipped], lang: Language, now: datetime) -> str:
    """Days off as a person says them, those in a row once: 4月4日–4月6日清明."""
    runs: list[list[Skipped]] = []
    for each in skipped:
        if (
            runs
            and runs[-1][-1].why(lang) == each.why(lang)
            and each.day - runs[-1][-1].day == timedelta(days=1)
        ):
            runs[-1].append(each)
        else:
            runs.append([each])
    said = []
    for run in runs:
        first = dates.day(run[0].day, lang, now=now, weekday=False)
        last = "" if len(run) == 1 else "–" + dates.day(run[-1].day, lang, now=now, weekday=False)
        said.append(f"{first}{last}{'' if lang == 'zh' else ' '}{run[0].why(lang)}")
    return ("、" if lang == "zh" else ", ").join(said)


def explained(due: Due, lang: Language, *, now: datetime) -> str:
    """How a proposed deadline was found, in one or two sentences."""
    days, level = due.days, label(due.level, lang)
    if days == 0:
        text = say(lang, _("%(level)s隐患要求当日整改。"), level=level)
    elif days == 1:
        text = say(lang, _("%(level)s隐患从发现时起 24 小时内整改，遇节假日不顺延。"), level=level)
    else:
        text = say(lang, _("%(level)s隐患默认 %(days)s 天整改，发现当日不计。"), level=level, days=days)
    if due.explanation:
        text += say(lang, _("已跳过%(skipped)s。"), skipped=passed_over(due.explanation, lang, now))
    if due.provisional:
        text += say(lang, _("该年放假安排尚未公布，期限可能变动。"))
    return text


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Why the present deadline is when it is, and why the first one was; None when nothing more is known."""

    present: str | None
    first: str | None


def why_these_deadlines(
    session: Session, ticket: Ticket, rows: Sequence[History], lang: Language, *, now: datetime
) -> Deadlines:
    """Why both deadlines of a ticket are when they are, from its history. The unit must be loaded."""
    given = [row for row in rows if row.event in _GIVING and row.facts.get("due")]
    spot = next((row for row in rows if row.event == "fix_on_spot"), None)
    if ticket.first_due_at is None or not (given or spot):
        return Deadlines(None, None)
    if spot is not None and not given:
        first = say(lang, _("立查立改，当日完成。"))
        return Deadlines(first, first)

    def computed(basis: Mapping[str, Any] | None, at: datetime | None) -> str | None:
        if not basis:
            return None
        due = due_again(basis, calendar_of(session, ticket.unit.path))
        # A calendar imported since then would explain another day.
        return explained(due, lang, now=now) if due.at == at else None

    def by_hand(row: History) -> str:
        return say(
            lang, _("由%(who)s于%(when)s确定。"), who=row.actor_name, when=dates.moment(row.at, lang, now=now)
        )

    begun, last = given[0], given[-1]
    kept = begun.facts.get("basis") or (ticket.due_basis if begun is last else None)
    first = computed(kept, ticket.first_due_at) or by_hand(begun)
    if begun is last:
        return Deadlines(first, first)
    present = computed(ticket.due_basis, ticket.due_at) or ""
    if last.event != "assign":
        present = _moved(last, lang, now) + present
    return Deadlines(present or by_hand(last), first)


_GIVING = {"assign", "extend", "return", "recalendar"}


def _moved(row: History, lang: Language, now: datetime) -> str:
    """What moved a deadline: an extension, a failed re-check, a new calendar."""
    when = dates.moment(row.at, lang, now=now)
    if row.event == "recalendar":
        return say(
            lang, _("因“%(calendar)s”放假安排于%(when)s调整。"), calendar=row.facts["calendar"], when=when
        )
    if row.event == "return":
        return say(lang, _("%(who)s于%(when)s复查不合格，另定期限。"), who=row.actor_name, when=when)
    return say(lang, _("%(who)s于%(when)s批准延期。"), who=row.actor_name, when=when)
