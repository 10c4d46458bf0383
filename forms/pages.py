"""A page: a template, the reader's language, and headers that keep it to itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.datastructures import URL

from domain.records import AnswerValue, CancelKind, Channel, CountsAs, FileKind, RotaEvery, UnitKind
from forms import dates, series
from forms.alarms import alarms_for
from forms.field_words import EVERYWHERE, words_for
from forms.navigation import navigation_for
from forms.session import now_of, unread_of, visitor
from forms.words import LANGUAGES, TAGS, _, language_of, say
from statemachines.labels import Labelled, Language, label, local_day
from statemachines.refusals import Refusal
from statemachines.ticket import TicketState

HERE = Path(__file__).parent
STATIC = HERE / "static"

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none';"
        " form-action 'self'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}

#: What the records call by code and the charts do not label.
WORDS: Mapping[object, str] = {
    FileKind.BEFORE: _("整改前"),
    FileKind.AFTER: _("整改后"),
    FileKind.RECHECK: _("复查"),
    CancelKind.DUPLICATE: _("与其他隐患单重复"),
    CancelKind.NOT_A_HAZARD: _("不构成隐患"),
    CancelKind.NOT_OURS: _("不属本单位管辖"),
    CancelKind.NO_LONGER_THERE: _("隐患已不存在（设备拆除、场所停用等）"),
    CancelKind.ACCEPTED: _("经评估风险可接受，不再整改（仅一般隐患）"),
    AnswerValue.PASS: _("合格"),
    AnswerValue.FAIL: _("不合格"),
    AnswerValue.NOT_APPLICABLE: _("不适用"),
    AnswerValue.UNCHECKED: _("未查"),
    CountsAs.PART: _("计入合计"),
    CountsAs.TOTAL: _("合计数，只核对不相加"),
    CountsAs.UNCLEAR: _("未写明动作，单列不相加"),
    Channel.EMAIL: _("邮件"),
    Channel.INBOX: _("站内信"),
    Channel.ROBOT: _("群机器人"),
    RotaEvery.ONCE: _("一次"),
    RotaEvery.WEEKLY: _("每周"),
    RotaEvery.MONTHLY: _("每月"),
    UnitKind.BUREAU: _("局"),
    UnitKind.STATION: _("所站"),
    UnitKind.TEAM: _("班组"),
}


def _language(context: Context) -> Language:
    return context["lang"]  # type: ignore[no-any-return]


@pass_context
def _gettext(context: Context, text: str) -> str:
    return say(_language(context), text)


@pass_context
def _ngettext(context: Context, one: str, many: str, count: int) -> str:
    return say(_language(context), one if count == 1 else many)


@pass_context
def _named(context: Context, member: object) -> str:
    """The words for a code: a chart's label, or this file's."""
    if isinstance(member, Labelled):
        return label(member, _language(context))
    return say(_language(context), WORDS[member]) if member in WORDS else str(member)


@pass_context
def _state_label(context: Context, code: str) -> str:
    """The words for a state of tickets, from its code."""
    return label(TicketState(code), _language(context))


@pass_context
def _day(context: Context, value: date | datetime, *, weekday: bool = True) -> str:
    if isinstance(value, datetime):
        value = local_day(value)
    return dates.day(value, _language(context), now=context["now"], weekday=weekday)


@pass_context
def _moment(context: Context, value: datetime, *, year: bool = False) -> str:
    return dates.moment(value, _language(context), now=None if year else context["now"])


@pass_context
def _deadline(context: Context, value: datetime, *, year: bool = False) -> str:
    return dates.deadline(value, _language(context), now=None if year else context["now"])


@pass_context
def _sentence(context: Context, refusal: Refusal) -> str:
    return refusal.sentence(_language(context))


class NotBuilt(RuntimeError):
    """Browser code has not been bundled: the set-up was not finished."""

    def __init__(self, name: str) -> None:
        super().__init__(f"forms/static/{name} does not exist; run: make setup")


@cache
def _fingerprint(name: str) -> str:
    try:
        return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    except FileNotFoundError as error:
        raise NotBuilt(name) from error


def static(name: str) -> str:
    """The address of a file of ours; it changes with the content, so browsers may keep it."""
    return f"/static/{name}?{_fingerprint(name)}"


@cache
def environment() -> Environment:
    """The templates, with every undefined name an error."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.filters.update(
        named=_named,
        state_label=_state_label,
        day=_day,
        moment=_moment,
        deadline=_deadline,
        sentence=_sentence,
        number=dates.number,
        n=series.figure,
        iso_day=dates.iso_day,
        iso_minute=dates.iso_minute,
    )
    functions: dict[str, Callable[..., Any]] = {"static": static, "remaining": dates.remaining}
    made.globals.update(functions, languages=LANGUAGES)
    return made


def fragment(request: Request, template: str, **values: Any) -> Markup:
    """Render a piece of a page, which shows nothing of who reads it but their language."""
    lang = language_of(request)
    told = {"lang": lang, "tag": TAGS[lang], "now": now_of(request), **values}
    return Markup(environment().get_template(template).render(told))  # noqa: S704 - the template has escaped it


def page(
    request: Request, template: str, *, status: int = 200, tells_flows: bool = False, **values: Any
) -> HTMLResponse:
    """Render a template for the reader of this request. `tells_flows`: it says itself which flows are silent."""
    lang = language_of(request)
    actor = visitor(request)
    text = (
        environment()
        .get_template(template)
        .render(
            lang=lang,
            tag=TAGS[lang],
            actor=actor,
            csrf=getattr(request.state, "csrf", None) or "",
            now=now_of(request),
            path=request.url.path,
            done=done_of(request),
            alarms=alarms_for(request, actor, lang, flows=not tells_flows),
            navigation=navigation_for(actor, request.url.path) if actor else (),
            unread=unread_of(request),
            words_everywhere=words_for(lang, EVERYWHERE),
            **values,
        )
    )
    return HTMLResponse(text, status_code=status, headers=dict(HEADERS))


def see_other(path: str, *, done: str | None = None) -> RedirectResponse:
    """After a POST: 303 to `path`, which says what was done."""
    address = URL(path)
    if done:
        address = address.include_query_params(done=done)
    return RedirectResponse(str(address), status_code=303, headers={"Cache-Control": "no-store"})


#: What a page may say was done; the address names it, so nothing else can be put into a reader's mouth.
DONE: Mapping[str, str] = {
    "submitted": _("已上报。"),
    "fixed_on_spot": _("已上报，并登记为立查立改，待他人复查。"),
    "assign": _("已下达整改，责任人将收到通知。"),
    "acknowledge": _("已签收。"),
    "progress": _("进展已记录。"),
    "fix": _("已报告整改完成，待复查。"),
    "fix_on_spot": _("已登记立查立改，待复查。"),
    "verify": _("复查合格，已销号。"),
    "verify_first": _("第一人复查合格，还须另一人复查。"),
    "return": _("复查不合格，已退回整改。"),
    "cancel": _("已作废。"),
    "reassign": _("已改派。"),
    "regrade": _("等级已调整。"),
    "transfer": _("已转办，接收单位将收到通知。"),
    "correct": _("已更正，前后内容都在经过里。"),
    "supervise": _("已列入督办。"),
    "comment": _("留言已保存，提到的人将收到通知。"),
    "filter_kept": _("筛选已保存。"),
    "filter_forgotten": _("筛选已删除。"),
    "columns": _("列已保存，以后打开都按此显示。"),
    "photos": _("照片已补传。"),
    "report_accept": _("已受理，转为隐患单；报告人凭查询码可以看到。"),
    "report_join": _("已并入这张隐患单；报告人凭查询码可以看到。"),
    "report_decline": _("已登记不受理；报告人凭查询码可以看到理由。"),
    "imported_tickets": _("已全部导入。"),
    "imported_places": _("检查点已全部导入。"),
    "imported_tools": _("安全工器具已全部导入。"),
    "call": _("来电来访已登记。"),
    "call_answer": _("答复已登记。"),
    "call_call_back": _("回访已登记。"),
    "call_settle": _("已办结。"),
    "call_ticket": _("已转为隐患单。"),
    "call_link": _("已关联隐患单。"),
    "place": _("检查点已保存。"),
    "reported": _("已收到您的报告，谢谢。请保存查询码。"),
    "request": _("延期申请已提交，等待审批。"),
    "approve": _("延期已批准。"),
    "refuse": _("延期申请未批准。"),
    "password": _("密码已更改。"),
    "feed_revoked": _("日历订阅已停用。"),
    "mobilise": _("已登记动员部署。"),
    "inspect": _("已开始自查。"),
    "rectify": _("已转入整改。"),
    "recheck": _("已转入复查。"),
    "summarise": _("已转入总结。"),
    "archive": _("已归档。"),
    "summary": _("已申请生成总结，稍后即可查看。"),
    "quantity": _("工作量已登记。"),
    "tool": _("工器具已登记，标签可以打印。"),
    "tool_test": _("试验已登记，下次试验日期已更新。"),
    "zero": _("零报告已登记。"),
    "drawn": _("已抽样，种子和名单已记录。"),
    "sample_checked": _("抽查结果已登记。"),
    "answers": _("检查结果已保存。"),
    "chosen": _("已选定，另一份保留在记录里。"),
    "guidance": _("示范照片已更新。"),
    "derived": _("已补入标准隐患库。"),
    "hazard_withdrawn": _("已从标准隐患库停用。"),
    "hand_over": _("已交接，接手的人将收到通知。"),
    "start": _("已开始检查。"),
    "submit": _("检查已提交，不合格项已转为隐患单。"),
    "miss": _("已登记未检。"),
    "suggest": _("工会意见已提出，受文人将收到通知。"),
    "suggestion_answer": _("已答复，提出人将收到通知。"),
    "suggestion_dispute": _("异议已提出，等待书面说明。"),
    "suggestion_explain": _("已书面说明，提出人将收到通知。"),
    "suggestion_settle": _("已了结。"),
    "acknowledged": _("已阅。"),
    "outlet_on": _("渠道已启用。"),
    "outlet_off": _("渠道已停用。"),
    "outlet_taken": _("测试消息已送达。"),
    "outlet_not_taken": _("测试消息未送达，对方的答复见下。"),
    "supervision_report": _("进展已报告。"),
    "supervision_delist": _("已摘牌，督办结束。"),
    "plan_draft": _("治理方案已报领导审批。"),
    "plan_approve": _("治理方案已批准。"),
    "plan_refuse": _("治理方案未批准，编制人将收到意见。"),
    "unit_added": _("单位已新增。"),
    "unit_changed": _("单位已保存。"),
    "person_change": _("资料已保存。"),
    "person_roles": _("角色已保存，下次打开页面即生效。"),
    "person_end": _("已停用，不能再登录。"),
    "person_restore": _("已恢复，请给一次性密码。"),
    "inspector_appoint": _("聘任已登记。"),
    "inspector_train": _("培训已登记。"),
    "inspector_dismissed": _("已解聘。"),
    "ladder_set": _("催办设置已保存，未完成的已按新设置重排。"),
    "calendar_put": _("日历已启用。"),
    "rota_added": _("定期检查已安排。"),
    "rota_changed": _("定期检查已修改。"),
    "campaign_created": _("检查活动已新建。"),
    "campaign_changed": _("检查活动已修改。"),
    "absence": _("离岗已登记，代理人将收到通知。"),
    "absence_end": _("离岗已结束，通知恢复发给本人。"),
    "run_asked": _("已要求运行，进展见下。"),
}


def done_of(request: Request) -> str | None:
    """The message for `?done=`, in Chinese as the catalogue keys it."""
    return DONE.get(request.query_params.get("done", ""))
