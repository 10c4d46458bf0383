"""The history of a ticket as a person reads it: who did what, when, in which words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.history_words import BRIEF, LINES, MOMENTS, PEOPLE, Words
from domain.notices import CORRECTED
from domain.records import History
from forms import dates
from forms.words import _, say
from statemachines.labels import Language, Level, label
from statemachines.spot_check import SpotCheckEvent
from statemachines.suggestion import SuggestionEvent, Verdict
from statemachines.supervision import SupervisionLevel
from statemachines.ticket import TicketEvent, TicketState

#: What happened, after the name of who did it.
HAPPENED: Mapping[str, str] = {
    "found": _("发现并上报"),
    "taken_in": _("从手机导出的文件导入"),
    "assign": _("下达整改"),
    "acknowledge": _("签收"),
    "progress": _("报告进展"),
    "fix": _("报告整改完成"),
    "fix_on_spot": _("当场整改（立查立改）"),
    "verify": _("复查合格"),
    "return": _("复查不合格，退回整改"),
    "cancel": _("作废"),
    "reassign": _("改派"),
    "regrade": _("调整等级"),
    "supervise": _("列入督办"),
    "extension_requested": _("申请延期"),
    "extend": _("批准延期"),
    "extension_refused": _("未批准延期"),
    "escalate": _("到期提醒与催办"),
    "carry_over": _("结转到下一次检查"),
    "transfer": _("转办"),
    "correct": _("更正"),
    "comment": _("留言"),
    "spot_check": _("抽查合格"),
    "recalendar": _("期限随放假安排调整"),
    "supervision_report": _("报告督办进展"),
    "delist": _("摘牌，督办结束"),
    "plan_drafted": _("编制治理方案"),
    "plan_approved": _("批准治理方案"),
    "plan_refused": _("未批准治理方案"),
    "received": _("扫码报告"),
    "accept": _("受理"),
    "decline": _("不受理"),
    "reported_again": _("群众又报告了同一处"),
    "taken": _("登记来电来访"),
    "call_back": _("回访"),
    "linked": _("关联隐患单"),
    "made": _("提出意见书"),
    "answer": _("作出答复"),
    "dispute": _("对答复提出异议"),
    "explain": _("作出书面说明"),
    "settle": _("了结"),
}

BAD = {"return", "cancel", "supervise", "escalate", "extension_refused", "plan_refused", "dispute"}


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the story. `brief` and `lines` are (what, text) pairs, short facts and whole sentences."""

    who: str
    what: str
    at: datetime
    brief: tuple[tuple[str, str], ...]
    lines: tuple[tuple[str, str], ...]
    bad: bool


def logins_in(rows: Sequence[History]) -> set[str]:
    """The logins a history names, to be shown by name."""
    named = {str(row.facts[name]) for row in rows for name in PEOPLE if row.facts.get(name)}
    return named.union(*(row.facts.get("mentions") or () for row in rows))


def told(row: History, lang: Language, *, now: datetime, names: Mapping[str, str]) -> Told:
    """A row of the history in the reader's language; `names` are those of the logins in it."""
    what = say(lang, HAPPENED[row.event]) if row.event in HAPPENED else row.event
    if row.event == TicketEvent.VERIFY and row.to_state == TicketState.FIXED:
        what = say(lang, _("复查合格（第一人）"))
    if row.event == SpotCheckEvent.CHECK and not row.facts.get("passed"):
        what = say(lang, _("抽查不合格，另开新单"))
    if row.event == SuggestionEvent.ANSWER and "adopted" in row.facts:
        verdict = Verdict.ADOPTED if row.facts["adopted"] else Verdict.NOT_ADOPTED
        what = f"{what}{say(lang, _('：'))}{label(verdict, lang)}"

    def said(wanted: Mapping[str, Words]) -> tuple[tuple[str, str], ...]:
        return tuple(
            (words[0 if lang == "zh" else 1], _fact(name, row.facts[name], lang, now, names))
            for name, words in wanted.items()
            if row.facts.get(name) not in (None, "", [], 0) and isinstance(row.facts[name], str | int | float)
        )

    more = [*_changes(row, lang), *_mentions(row, lang, names)]
    return Told(row.actor_name, what, row.at, said(BRIEF), (*more, *said(LINES)), row.event in BAD)


def noticed(at: datetime, lang: Language) -> Told:
    """A line for notices of something that is no entry of the history."""
    return Told(say(lang, _("系统")), say(lang, _("发出通知")), at, (), (), bad=False)


def _changes(row: History, lang: Language) -> list[tuple[str, str]]:
    """What a correction put in the place of what."""
    changes: Mapping[str, Mapping[str, object]] = row.facts.get("changes") or {}
    nothing = say(lang, _("（空）"))
    return [
        (
            CORRECTED[name][0 if lang == "zh" else 1],
            f"{change['before'] or nothing} → {change['after'] or nothing}",
        )
        for name, change in changes.items()
        if name in CORRECTED
    ]


def _mentions(row: History, lang: Language, names: Mapping[str, str]) -> list[tuple[str, str]]:
    logins: Sequence[str] = row.facts.get("mentions") or ()
    people = say(lang, _("、")).join(names.get(login, login) for login in logins)
    return [(say(lang, _("提到")), people)] if people else []


def _fact(
    name: str, value: str | int | float, lang: Language, now: datetime, names: Mapping[str, str]
) -> str:
    if name in {"level", "previous"} and value in set(Level):
        return label(Level(str(value)), lang)
    if name == "order_level":
        return label(SupervisionLevel(str(value)), lang)
    if name in PEOPLE:
        return names.get(str(value), str(value))
    if name in MOMENTS:
        moment = datetime.fromisoformat(str(value))
        if moment.tzinfo is not None:
            return (dates.moment if name == "fixed_at" else dates.deadline)(moment, lang, now=now)
    return str(value)
