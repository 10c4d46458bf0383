"""Every refusal: its code and status, and its sentence in both languages."""

import pickle
import string
from collections.abc import Iterator
from datetime import date, datetime

import pytest

from statemachines import refusals
from statemachines.labels import LOCAL, Level
from statemachines.refusals import REFUSALS, Refusal
from statemachines.roles import Role
from statemachines.ticket import TicketEvent, TicketState

DAY = date(2026, 3, 4)
TIME = datetime(2026, 3, 14, 23, 59, 59, tzinfo=LOCAL)
NUMBERS = ("CC2026-XB03-0017", "CC2026-XB05-0002")

# An instance with what the charts tell it, its status, the sentence in Chinese and in English.
SENTENCES: list[tuple[Refusal, int, str, str]] = [
    (
        refusals.WrongState(state=TicketState.FIXED, event=TicketEvent.ASSIGN),
        409,
        "当前状态为“待复查”，不能“下达整改”。您现在无可办理的事项。",
        "“Assign” is not possible in the state “Fixed”. There is nothing for you to do now.",
    ),
    (
        refusals.FilesMissing(arrived=1, expected=2),
        409,
        "应有附件2个，已到1个，未到齐不能复查通过。",
        "1 of 2 listed files have arrived; the ticket cannot be verified until all have.",
    ),
    (
        refusals.OnSpotOnlyGeneral(level=Level.SERIOUS),
        409,
        "只有一般隐患可以立查立改，本单等级为较大，请按三定下达整改。",
        "Only a general hazard may be fixed on the spot; this one is of level Serious. Assign it instead.",
    ),
    (
        refusals.OnSpotSameDay(found_on=DAY, fixed_on=date(2026, 3, 5)),
        409,
        "立查立改须在发现当日（2026-03-04）完成，而整改日期为2026-03-05，请按三定下达整改。",
        "A fix on the spot is made on the day of finding (2026-03-04), not on 2026-03-05. Assign it instead.",
    ),
    (
        refusals.RoleMissing(roles=(Role.INSPECTOR, Role.SUPERVISOR), event=TicketEvent.VERIFY),
        403,
        "“复查合格”须由本单位的检查员、安监主管办理。",
        "“Verify” is for people with one of these roles at the unit: Inspector, Supervisor.",
    ),
    (
        refusals.ClockOnly(event=TicketEvent.ESCALATE),
        403,
        "“逐级催办”由系统按时执行，不能人工办理。",
        "“Escalate” is done by the clock, never by a person.",
    ),
    (
        refusals.NotAssignee(event=TicketEvent.FIX),
        403,
        "“报告整改完成”须由本单责任人办理，您不是责任人，也不是其代理人。",
        "“Report the fix” is for the person responsible for this ticket, or who stands in for them; you do neither.",
    ),
    (
        refusals.SelfVerification(),
        403,
        "本单由您整改，须由他人复查。",
        "You made this fix; somebody else must verify it.",
    ),
    (
        refusals.SameTeamVerification(),
        403,
        "您与整改人同属一个班组，本次检查要求由其他班组或上级复查。",
        "You belong to the team that made this fix; this campaign asks for a verifier from outside it.",
    ),
    (
        refusals.SubordinateVerification(),
        403,
        "本单由您的上级整改，须由其同级或上级、或其管辖范围以外的人复查。",
        "Somebody above you made this fix; their peers, those above them, or people of other units verify it.",
    ),
    (
        refusals.SecondVerifierSame(),
        403,
        "重大隐患须由两人分别复查，您已复查过，请由另一人复查。",
        "A major hazard is verified by two people. You have verified it already; another person must follow.",
    ),
    (
        refusals.OwnVerification(),
        403,
        "本单由您复查销号，抽查须由他人进行。",
        "You verified this ticket; somebody else must check it for the sample.",
    ),
    (
        refusals.ApproverLevel(level=Level.MAJOR, roles=(Role.LEADER,)),
        403,
        "重大隐患的延期须由分管领导审批。",
        "An extension at level Major is decided by: Leader.",
    ),
    (
        refusals.SelfApproval(),
        403,
        "延期由您申请，须由他人审批。",
        "You asked for this extension; somebody else must decide on it.",
    ),
    (
        refusals.ThreeFixedMissing(missing=("assignee", "due")),
        422,
        "三定不全，缺：定人（责任人）、定期（整改期限）。",
        "The three-fixed rule (who, duty, deadline) is incomplete. "
        "Missing: the person responsible (assignee), the deadline (due).",
    ),
    (
        refusals.FiveAssurancesMissing(missing=("budget", "emergency_plan")),
        422,
        "重大隐患五落实不全，缺：资金、预案。",
        "A major hazard needs the five assurances. Missing: funds (budget), the emergency plan.",
    ),
    (
        refusals.DueInPast(due=TIME),
        422,
        "整改期限2026-03-14 23:59已过，请填写今后的时间。",
        "The deadline 2026-03-14 23:59 has already passed; give a later time.",
    ),
    (
        refusals.DueBeforeFound(due=DAY, found_at=TIME),
        422,
        "整改期限2026-03-04早于发现时间2026-03-14 23:59。",
        "The deadline 2026-03-04 is before the time of finding, 2026-03-14 23:59.",
    ),
    (
        refusals.DueNotLater(missing=("due",), current=TIME),
        422,
        "延期后的期限须填写，并晚于现期限2026-03-14 23:59。",
        "Give a new deadline later than the present one, 2026-03-14 23:59.",
    ),
    (
        refusals.FixedInFuture(fixed_at=TIME),
        422,
        "整改完成时间2026-03-14 23:59晚于当前时间。",
        "The time of the fix, 2026-03-14 23:59, is in the future.",
    ),
    (
        refusals.FixedBeforeFound(fixed_at=DAY, found_at=TIME),
        422,
        "整改完成时间2026-03-04早于发现时间2026-03-14 23:59。",
        "The time of the fix, 2026-03-04, is before the time of finding, 2026-03-14 23:59.",
    ),
    (
        refusals.OnSpotNeedsBeforeAndAfter(missing=("after_photos",)),
        422,
        "立查立改须有整改前后照片，缺：整改后照片。",
        "A fix on the spot needs photos before and after. Missing: a photo after the fix.",
    ),
    (
        refusals.NoteMissing(missing=("note",)),
        422,
        "请写明所做的工作。",
        "Say what was done (note).",
    ),
    (
        refusals.OpinionMissing(missing=("opinion",)),
        422,
        "请填写复查意见。",
        "Give the opinion of the verifier (opinion).",
    ),
    (
        refusals.ReasonMissing(missing=("reason",), event=TicketEvent.CANCEL),
        422,
        "“作废”须写明理由。",
        "“Cancel” needs a reason.",
    ),
    (
        refusals.LevelMissing(missing=("level",), current=Level.GENERAL),
        422,
        "请选择与现等级（一般）不同的新等级。",
        "Name a level other than the present one (General).",
    ),
    (
        refusals.AnswersMissing(missing=("answers",), unanswered=3),
        422,
        "检查表还有3项未填，填完后再提交。",
        "3 items of the checklist are not answered yet.",
    ),
    (
        refusals.ConflictsOpen(conflicts=2),
        409,
        "有2项在两台设备上填得不一样，请先逐项选定再提交。",
        "2 items were answered differently on two devices; choose for each before you submit.",
    ),
    (
        refusals.PhotoRequired(missing=("files",), what="变压器渗漏油"),
        422,
        "“变压器渗漏油”规定不合格须附照片，请拍照后再提交。",
        "“变压器渗漏油” must have a photo of what is wrong; add one and submit again.",
    ),
    (
        refusals.AfterPhotoRequired(missing=("after_photos",)),
        422,
        "本单规定整改须附整改后照片，请拍照后再报。",
        "The fix of this ticket must have a photo after it; add one and report again.",
    ),
    (
        refusals.SameInspector(missing=("to",)),
        422,
        "这次检查现在就由该人负责，请选择另一名检查员。",
        "That person makes this visit already; choose another inspector.",
    ),
    (
        refusals.ExtensionAfterDue(due=TIME),
        409,
        "整改期限2026-03-14 23:59已过，延期须在到期前申请。",
        "The deadline 2026-03-14 23:59 has passed; an extension is asked for before it.",
    ),
    (
        refusals.ExtensionPending(),
        409,
        "本单已有延期申请待审批，请等待审批结果。",
        "An extension of this ticket is already waiting for a decision.",
    ),
    (
        refusals.ExtensionTooMany(approved=2, most=2),
        409,
        "本单已延期2次，最多2次。",
        "This ticket has been extended 2 times; 2 is the most.",
    ),
    (
        refusals.ExtensionTooLong(latest=TIME),
        422,
        "延期累计不得超过原整改期，最迟可延至2026-03-14 23:59。",
        "Extensions together may not exceed the original time allowed; the latest deadline is 2026-03-14 23:59.",
    ),
    (
        refusals.InterimMeasuresMissing(missing=("interim_measures",)),
        422,
        "申请延期须写明延期内的临时防范措施。",
        "Say how the hazard is controlled in the meantime (interim_measures).",
    ),
    (
        refusals.MobiliseFactsMissing(missing=("notice_number", "held_on", "attendance")),
        422,
        "动员信息不全，缺：通知文号、动员会日期、参加人数。",
        "The mobilisation is incomplete. "
        "Missing: the notice number, the date of the mobilisation meeting, the attendance.",
    ),
    (
        refusals.CoverageIncomplete(missing=("reason",), units=("城关供电所", "西川供电所")),
        409,
        "尚未上报（含零报告）的单位：城关供电所、西川供电所。如仍要转入整改，须写明理由。",
        "These units have not reported, not even zero: 城关供电所, 西川供电所. To go on without them, give a reason.",
    ),
    (
        refusals.TicketsUnassigned(numbers=NUMBERS),
        409,
        "以下隐患单尚未三定：CC2026-XB03-0017、CC2026-XB05-0002。",
        "These tickets are not assigned yet: CC2026-XB03-0017, CC2026-XB05-0002.",
    ),
    (
        refusals.FiguresMismatch(figures=("针瓶 4500 ≠ 4499",)),
        409,
        "总结数字核对不符：针瓶 4500 ≠ 4499。",
        "Figures of the summary do not add up: 针瓶 4500 ≠ 4499.",
    ),
    (
        refusals.OpenTicketsNeedNext(missing=("next_campaign",), numbers=NUMBERS),
        409,
        "以下隐患单未销号，归档前须指定结转到哪次检查：CC2026-XB03-0017、CC2026-XB05-0002。",
        "These tickets are still open; name the campaign that takes them over: CC2026-XB03-0017, CC2026-XB05-0002.",
    ),
    (
        refusals.NotTheAddressee(),
        403,
        "工会意见由受文人或本单位领导答复，提出人不能自己答复。",
        "A suggestion of the union is answered by its addressee or a leader of the unit, never by who made it.",
    ),
    (
        refusals.NotTheUnion(),
        403,
        "对答复有无异议，由提出意见的检查员决定。",
        "Whether the answer stands is for the inspector who made the suggestion to say.",
    ),
    (
        refusals.AnswerMissing(missing=("answer",)),
        422,
        "须写明是否采纳；不采纳或有异议的，须书面说明理由。",
        "Say whether it is adopted; if not, or when disputed, give the reason in writing.",
    ),
    (
        refusals.CallbackMissing(),
        409,
        "来电人要求回访，回访后才能办结；请先登记回访。",
        "The caller asked to be called back; record that before the call is settled.",
    ),
]


@pytest.mark.parametrize(
    ("refusal", "status", "zh", "en"), [pytest.param(*row, id=row[0].code) for row in SENTENCES]
)
def test_the_sentence_a_person_reads(refusal: Refusal, status: int, zh: str, en: str) -> None:
    assert refusal.status == status
    assert refusal.sentence("zh") == zh
    assert refusal.sentence("en") == en
    assert str(refusal) == f"{refusal.code}: {en}"


def declared_here() -> Iterator[type[Refusal]]:
    return (kind for kind in REFUSALS.values() if kind.__module__ == refusals.__name__)


def test_every_refusal_of_the_charts_is_in_the_list_above() -> None:
    assert {type(row[0]) for row in SENTENCES} == set(declared_here())


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.code) for kind in declared_here()])
def test_a_refusal_explains_itself(kind: type[Refusal]) -> None:
    assert REFUSALS[kind.code] is kind
    assert kind.code == kind.code.lower()
    assert "_" not in kind.code
    assert kind.__doc__
    assert kind.title_en != Refusal.title_en
    assert kind.title_zh != Refusal.title_zh
    fields = [
        {name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (kind.zh, kind.en)
    ]
    assert fields[0] == fields[1]


def test_two_refusals_may_not_share_a_code() -> None:
    with pytest.raises(TypeError, match="wrong-state"):
        type("Another", (Refusal,), {"code": "wrong-state"})
    assert REFUSALS["wrong-state"] is refusals.WrongState


def test_long_lists_are_cut_and_counted() -> None:
    refusal = refusals.TicketsUnassigned(numbers=tuple(f"CC2026-XB03-{n:04}" for n in range(1, 38)))
    assert refusal.sentence("zh").endswith("CC2026-XB03-0010等37项。")
    assert refusal.sentence("en").endswith("CC2026-XB03-0010 and 27 more.")


def test_the_title_names_the_rule() -> None:
    assert refusals.SelfVerification().title("zh") == "整改人不得自行复查"
    assert refusals.SelfVerification().title("en") == "The fixer may not verify"


def test_a_refusal_may_name_who_could_instead() -> None:
    refusal = refusals.SelfVerification()
    refusal.advice = {"zh": "可由李敏复查。", "en": "Li Min may."}
    assert refusal.sentence("zh") == "本单由您整改，须由他人复查。可由李敏复查。"
    assert refusal.sentence("en") == "You made this fix; somebody else must verify it. Li Min may."
    assert pickle.loads(pickle.dumps(refusal)).sentence("zh") == refusal.sentence("zh")


def test_a_refusal_survives_the_way_between_processes() -> None:
    sent = refusals.ThreeFixedMissing(missing=("due",))
    sent.allowed = ("cancel",)
    arrived = pickle.loads(pickle.dumps(sent))
    assert isinstance(arrived, refusals.ThreeFixedMissing)
    assert (arrived.missing, arrived.allowed, arrived.facts) == (("due",), ("cancel",), {})
    assert arrived.sentence("zh") == sent.sentence("zh")
