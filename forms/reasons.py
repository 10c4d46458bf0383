"""Why a deadline is when it is: the days of its level or checklist item, and the days off passed over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from domain.calendars import calendar_of
from domain.deadlines import Due, Skipped, due_again
from domain.records import Ticket
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


def why_this_due(session: Session, ticket: Ticket, lang: Language, *, now: datetime) -> str | None:
    """Why the deadline of a ticket is when it is; None when a person chose it. The unit must be loaded."""
    if ticket.due_basis is None:
        return None
    due = due_again(ticket.due_basis, calendar_of(session, ticket.unit.path))
    return explained(due, lang, now=now) if due.at == ticket.due_at else None
