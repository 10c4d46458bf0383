"""Why something may not be done: a class per rule, with a stable code and a sentence in two languages."""

from typing import Any, ClassVar

from statemachines.labels import Labelled, Language, spoken

REFUSALS: dict[str, type["Refusal"]] = {}
"""Every refusal by its code: the source of the problem pages and of the documentation."""


class FieldName(Labelled):
    """The facts a person can be asked for, as a sentence names them."""

    ASSIGNEE = "assignee", "定人（责任人）", "the person responsible (assignee)"
    DUTY = "duty", "定责（职责）", "the duty"
    MEASURE = "measure", "定责（措施）", "the measure"
    DUE = "due", "定期（整改期限）", "the deadline (due)"
    BUDGET = "budget", "资金", "funds (budget)"
    EMERGENCY_PLAN = "emergency_plan", "预案", "the emergency plan"
    NOTICE_NUMBER = "notice_number", "通知文号", "the notice number"
    HELD_ON = "held_on", "动员会日期", "the date of the mobilisation meeting"
    ATTENDANCE = "attendance", "参加人数", "the attendance"
    BEFORE_PHOTOS = "before_photos", "整改前照片", "a photo before the fix"
    AFTER_PHOTOS = "after_photos", "整改后照片", "a photo after the fix"


FIELD_NAMES: dict[str, FieldName] = {member.value: member for member in FieldName}


class Refusal(Exception):
    """A rule says no. Nothing has been changed.

    A subclass names `code` (stable, kebab-case), `status` (HTTP: 403 who, 409 when, 422 what is given), a
    short `title_zh`/`title_en` and the templates `zh`/`en`. The keyword arguments fill the templates;
    `missing` are the names of the facts to add; `allowed` are the events this actor may do now, filled in
    by `move`; `advice` names who could do it instead.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "不允许"
    title_en: ClassVar[str] = "Refused"
    zh: ClassVar[str] = "不允许这样做。"
    en: ClassVar[str] = "This is not allowed."

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "code" in cls.__dict__ and REFUSALS.setdefault(cls.code, cls) is not cls:
            raise TypeError(f"two refusals share the code {cls.code}")

    def __init__(self, *, missing: tuple[str, ...] = (), **facts: object) -> None:
        super().__init__()
        self.missing = missing
        self.allowed: tuple[str, ...] = ()
        self.advice: dict[Language, str] | None = None
        """Who could do it instead, where somebody could be found; said after the sentence."""
        self.row: tuple[int, str] | None = None
        """Of several things told at once the one it is about: its place, the first being 0, and what people call it."""
        self.facts = facts

    def sentence(self, language: Language) -> str:
        """What is refused and what would help, in the language of the reader."""
        said = (self.zh if language == "zh" else self.en).format(**self.words(language))
        if self.advice is None:
            return said
        return f"{said}{'' if language == 'zh' else ' '}{self.advice[language]}"

    def words(self, language: Language) -> dict[str, str]:
        """What fills the template."""
        named = [FIELD_NAMES.get(name, name) for name in self.missing]
        return {name: spoken(value, language) for name, value in self.facts.items()} | {
            "missing": spoken(named, language)
        }

    def title(self, language: Language) -> str:
        """The rule's name, the same for each occurrence."""
        return self.title_zh if language == "zh" else self.title_en

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence('en')}"


# When: the record is not where this may happen.


class WrongState(Refusal):
    """The event does not start from the record's state."""

    code, status = "wrong-state", 409
    title_zh, title_en = "当前状态不允许", "Not possible in this state"
    zh = "当前状态为“{state}”，不能“{event}”。{now_allowed}"
    en = "“{event}” is not possible in the state “{state}”. {now_allowed}"

    def words(self, language: Language) -> dict[str, str]:
        """As for every refusal, with what this actor may do instead."""
        events = spoken(self.allowed, language)
        if language == "zh":
            hint = f"您现在可以：{events}。" if events else "您现在无可办理的事项。"
        else:
            hint = f"You may now: {events}." if events else "There is nothing for you to do now."
        return super().words(language) | {"now_allowed": hint}


class FilesMissing(Refusal):
    """Listed photos have not all arrived; a ticket is not verified without its evidence (design, law 10)."""

    code, status = "files-missing", 409
    title_zh, title_en = "附件未到齐", "Files have not all arrived"
    zh = "应有附件{expected}个，已到{arrived}个，未到齐不能复查通过。"
    en = "{arrived} of {expected} listed files have arrived; the ticket cannot be verified until all have."


class OnSpotOnlyGeneral(Refusal):
    """Only a general hazard may be put right on the spot (立查立改)."""

    code, status = "on-spot-only-general", 409
    title_zh, title_en = "仅一般隐患可立查立改", "Only general hazards are fixed on the spot"
    zh = "只有一般隐患可以立查立改，本单等级为{level}，请按三定下达整改。"
    en = "Only a general hazard may be fixed on the spot; this one is of level {level}. Assign it instead."


class OnSpotSameDay(Refusal):
    """Fixed on the spot means fixed on the day it was found, Asia/Shanghai."""

    code, status = "on-spot-same-day", 409
    title_zh, title_en = "立查立改须当日完成", "A fix on the spot is made the same day"
    zh = "立查立改须在发现当日（{found_on}）完成，而整改日期为{fixed_on}，请按三定下达整改。"
    en = "A fix on the spot is made on the day of finding ({found_on}), not on {fixed_on}. Assign it instead."


# Who: this person may not.


class RoleMissing(Refusal):
    """The actor holds none of the roles needed at the record's unit."""

    code, status = "role-missing", 403
    title_zh, title_en = "无此权限", "Role missing"
    zh = "“{event}”须由本单位的{roles}办理。"
    en = "“{event}” is for people with one of these roles at the unit: {roles}."


class ClockOnly(Refusal):
    """A step that happens by the clock alone."""

    code, status = "clock-only", 403
    title_zh, title_en = "仅由系统按时执行", "Done by the clock only"
    zh = "“{event}”由系统按时执行，不能人工办理。"
    en = "“{event}” is done by the clock, never by a person."


class NotAssignee(Refusal):
    """Only the person responsible reports on the work."""

    code, status = "not-assignee", 403
    title_zh, title_en = "非本单责任人", "Not the assignee"
    zh = "“{event}”须由本单责任人办理，您不是责任人，也不是其代理人。"
    en = "“{event}” is for the person responsible for this ticket, or who stands in for them; you do neither."


class SelfVerification(Refusal):
    """Who fixed may not verify (domain rules 2.5; the database holds the same rule)."""

    code, status = "self-verification", 403
    title_zh, title_en = "整改人不得自行复查", "The fixer may not verify"
    zh = "本单由您整改，须由他人复查。"
    en = "You made this fix; somebody else must verify it."


class SameTeamVerification(Refusal):
    """The campaign asks for a verifier from outside the fixing team."""

    code, status = "same-team-verification", 403
    title_zh, title_en = "同班组不得复查", "The fixing team may not verify"
    zh = "您与整改人同属一个班组，本次检查要求由其他班组或上级复查。"
    en = "You belong to the team that made this fix; this campaign asks for a verifier from outside it."


class SubordinateVerification(Refusal):
    """Whoever the fixer supervises or leads does not verify the fix."""

    code, status = "subordinate-verification", 403
    title_zh, title_en = "下属不得复查上级的整改", "Nobody verifies the fix of a superior"
    zh = "本单由您的上级整改，须由其同级或上级、或其管辖范围以外的人复查。"
    en = (
        "Somebody above you made this fix; their peers, those above them, or people of other units verify it."
    )


class SecondVerifierSame(Refusal):
    """A major hazard needs two different verifiers (domain rules 2.5: 验收组两人以上)."""

    code, status = "second-verifier-same", 403
    title_zh, title_en = "重大隐患须两人复查", "A major hazard needs two verifiers"
    zh = "重大隐患须由两人分别复查，您已复查过，请由另一人复查。"
    en = "A major hazard is verified by two people. You have verified it already; another person must follow."


class OwnVerification(Refusal):
    """Who verified a ticket is not who looks at it again for the sample."""

    code, status = "own-verification", 403
    title_zh, title_en = "原复查人不得抽查", "The verifier may not check the sample"
    zh = "本单由您复查销号，抽查须由他人进行。"
    en = "You verified this ticket; somebody else must check it for the sample."


class ApproverLevel(Refusal):
    """Who may allow an extension depends on the level (domain rules 2.8)."""

    code, status = "approver-level", 403
    title_zh, title_en = "审批级别不符", "Not the approver for this level"
    zh = "{level}隐患的延期须由{roles}审批。"
    en = "An extension at level {level} is decided by: {roles}."


class SelfApproval(Refusal):
    """Who asked for an extension does not decide on it."""

    code, status = "self-approval", 403
    title_zh, title_en = "申请人不得自行审批", "The applicant may not decide"
    zh = "延期由您申请，须由他人审批。"
    en = "You asked for this extension; somebody else must decide on it."


# What: facts are missing or wrong.


class ThreeFixedMissing(Refusal):
    """The three-fixed rule (三定: 定人、定责、定期) is incomplete."""

    code, status = "three-fixed-missing", 422
    title_zh, title_en = "三定不全", "Three-fixed rule incomplete"
    zh = "三定不全，缺：{missing}。"
    en = "The three-fixed rule (who, duty, deadline) is incomplete. Missing: {missing}."


class FiveAssurancesMissing(Refusal):
    """A major hazard needs the five assurances (五落实: 责任、时限、措施、资金、预案)."""

    code, status = "five-assurances-missing", 422
    title_zh, title_en = "五落实不全", "Five assurances incomplete"
    zh = "重大隐患五落实不全，缺：{missing}。"
    en = "A major hazard needs the five assurances. Missing: {missing}."


class DueInPast(Refusal):
    """A deadline lies after now."""

    code, status = "due-in-past", 422
    title_zh, title_en = "期限已过", "Deadline in the past"
    zh = "整改期限{due}已过，请填写今后的时间。"
    en = "The deadline {due} has already passed; give a later time."


class DueBeforeFound(Refusal):
    """A deadline does not lie before the finding."""

    code, status = "due-before-found", 422
    title_zh, title_en = "期限早于发现时间", "Deadline before the finding"
    zh = "整改期限{due}早于发现时间{found_at}。"
    en = "The deadline {due} is before the time of finding, {found_at}."


class DueNotLater(Refusal):
    """An extension moves the deadline later."""

    code, status = "due-not-later", 422
    title_zh, title_en = "延期须晚于现期限", "An extension moves the deadline later"
    zh = "延期后的期限须填写，并晚于现期限{current}。"
    en = "Give a new deadline later than the present one, {current}."


class FixedInFuture(Refusal):
    """A fix is reported after it was made."""

    code, status = "fixed-in-future", 422
    title_zh, title_en = "整改时间在将来", "Fix in the future"
    zh = "整改完成时间{fixed_at}晚于当前时间。"
    en = "The time of the fix, {fixed_at}, is in the future."


class FixedBeforeFound(Refusal):
    """A fix does not come before the finding."""

    code, status = "fixed-before-found", 422
    title_zh, title_en = "整改早于发现", "Fix before the finding"
    zh = "整改完成时间{fixed_at}早于发现时间{found_at}。"
    en = "The time of the fix, {fixed_at}, is before the time of finding, {found_at}."


class OnSpotNeedsBeforeAndAfter(Refusal):
    """A fix on the spot is proved by a photo before and one after."""

    code, status = "on-spot-needs-before-and-after", 422
    title_zh, title_en = "立查立改须有前后照片", "A fix on the spot needs photos before and after"
    zh = "立查立改须有整改前后照片，缺：{missing}。"
    en = "A fix on the spot needs photos before and after. Missing: {missing}."


class NoteMissing(Refusal):
    """A report says what was done."""

    code, status = "note-missing", 422
    title_zh, title_en = "缺少说明", "Note missing"
    zh = "请写明所做的工作。"
    en = "Say what was done (note)."


class OpinionMissing(Refusal):
    """A verification states its opinion (复查意见)."""

    code, status = "opinion-missing", 422
    title_zh, title_en = "缺少复查意见", "Opinion missing"
    zh = "请填写复查意见。"
    en = "Give the opinion of the verifier (opinion)."


class ReasonMissing(Refusal):
    """What departs from the ordinary path gives its reason."""

    code, status = "reason-missing", 422
    title_zh, title_en = "缺少理由", "Reason missing"
    zh = "“{event}”须写明理由。"
    en = "“{event}” needs a reason."


class LevelMissing(Refusal):
    """A regrading names a level other than the present one."""

    code, status = "level-missing", 422
    title_zh, title_en = "缺少新等级", "New level missing"
    zh = "请选择与现等级（{current}）不同的新等级。"
    en = "Name a level other than the present one ({current})."


class AnswersMissing(Refusal):
    """An inspection is submitted with each item of its checklist answered."""

    code, status = "answers-missing", 422
    title_zh, title_en = "检查表未填完", "Answers missing"
    zh = "检查表还有{unanswered}项未填，填完后再提交。"
    en = "{unanswered} items of the checklist are not answered yet."


class ConflictsOpen(Refusal):
    """Two devices answered the same item differently; the inspector says first which answer holds."""

    code, status = "conflicts-open", 409
    title_zh, title_en = "有冲突未处理", "Answers in conflict"
    zh = "有{conflicts}项在两台设备上填得不一样，请先逐项选定再提交。"
    en = "{conflicts} items were answered differently on two devices; choose for each before you submit."


class PhotoRequired(Refusal):
    """The checklist or the library asks for a photo of what is wrong, and there is none."""

    code, status = "photo-required", 422
    title_zh, title_en = "须附照片", "Photo required"
    zh = "“{what}”规定不合格须附照片，请拍照后再提交。"
    en = "“{what}” must have a photo of what is wrong; add one and submit again."


class AfterPhotoRequired(Refusal):
    """The checklist or the library asks for a photo of the fix, and there is none."""

    code, status = "after-photo-required", 422
    title_zh, title_en = "须附整改后照片", "Photo of the fix required"
    zh = "本单规定整改须附整改后照片，请拍照后再报。"
    en = "The fix of this ticket must have a photo after it; add one and report again."


class SameInspector(Refusal):
    """A visit is handed over to somebody else."""

    code, status = "same-inspector", 422
    title_zh, title_en = "须交给另一个人", "Hand over to somebody else"
    zh = "这次检查现在就由该人负责，请选择另一名检查员。"
    en = "That person makes this visit already; choose another inspector."


# Extensions (domain rules 2.8).


class ExtensionAfterDue(Refusal):
    """An extension is asked for before the deadline, not after it."""

    code, status = "extension-after-due", 409
    title_zh, title_en = "逾期不得申请延期", "Too late for an extension"
    zh = "整改期限{due}已过，延期须在到期前申请。"
    en = "The deadline {due} has passed; an extension is asked for before it."


class ExtensionPending(Refusal):
    """One request at a time."""

    code, status = "extension-pending", 409
    title_zh, title_en = "已有延期申请待审批", "An extension is pending"
    zh = "本单已有延期申请待审批，请等待审批结果。"
    en = "An extension of this ticket is already waiting for a decision."


class ExtensionTooMany(Refusal):
    """The number of extensions of one ticket is capped."""

    code, status = "extension-too-many", 409
    title_zh, title_en = "延期次数已满", "Too many extensions"
    zh = "本单已延期{approved}次，最多{most}次。"
    en = "This ticket has been extended {approved} times; {most} is the most."


class ExtensionTooLong(Refusal):
    """All extensions together are no longer than the original time allowed."""

    code, status = "extension-too-long", 422
    title_zh, title_en = "延期过长", "Extension too long"
    zh = "延期累计不得超过原整改期，最迟可延至{latest}。"
    en = "Extensions together may not exceed the original time allowed; the latest deadline is {latest}."


class InterimMeasuresMissing(Refusal):
    """Who asks for more time says how the hazard is controlled meanwhile (临时防范措施)."""

    code, status = "interim-measures-missing", 422
    title_zh, title_en = "缺少临时防范措施", "Interim measures missing"
    zh = "申请延期须写明延期内的临时防范措施。"
    en = "Say how the hazard is controlled in the meantime (interim_measures)."


# Campaigns (domain rules 10).


class MobiliseFactsMissing(Refusal):
    """A campaign is mobilised by a numbered notice and a meeting."""

    code, status = "mobilise-facts-missing", 422
    title_zh, title_en = "动员信息不全", "Mobilisation facts missing"
    zh = "动员信息不全，缺：{missing}。"
    en = "The mobilisation is incomplete. Missing: {missing}."


class CoverageIncomplete(Refusal):
    """Each unit in scope has reported, zero reports included, unless a reason is given."""

    code, status = "coverage-incomplete", 409
    title_zh, title_en = "尚有单位未上报", "Units have not reported"
    zh = "尚未上报（含零报告）的单位：{units}。如仍要转入整改，须写明理由。"
    en = "These units have not reported, not even zero: {units}. To go on without them, give a reason."


class TicketsUnassigned(Refusal):
    """Before the re-check every ticket has its three fixed or is closed."""

    code, status = "tickets-unassigned", 409
    title_zh, title_en = "尚有隐患单未三定", "Tickets without the three fixed"
    zh = "以下隐患单尚未三定：{numbers}。"
    en = "These tickets are not assigned yet: {numbers}."


class FiguresMismatch(Refusal):
    """A summary is final when each figure adds up."""

    code, status = "figures-mismatch", 409
    title_zh, title_en = "数字核对不符", "Figures do not add up"
    zh = "总结数字核对不符：{figures}。"
    en = "Figures of the summary do not add up: {figures}."


class OpenTicketsNeedNext(Refusal):
    """Open tickets are carried over to a named campaign (结转)."""

    code, status = "open-tickets-need-next", 409
    title_zh, title_en = "未销号隐患须结转", "Open tickets must be carried over"
    zh = "以下隐患单未销号，归档前须指定结转到哪次检查：{numbers}。"
    en = "These tickets are still open; name the campaign that takes them over: {numbers}."


class NotTheAddressee(Refusal):
    """Somebody else was asked to answer for the administration."""

    code, status = "not-addressee", 403
    title_zh, title_en = "不是受文人", "Not the addressee"
    zh = "工会意见由受文人或本单位领导答复，提出人不能自己答复。"
    en = "A suggestion of the union is answered by its addressee or a leader of the unit, never by who made it."


class NotTheUnion(Refusal):
    """Only whoever made a suggestion says whether its answer stands."""

    code, status = "not-issuer", 403
    title_zh, title_en = "不是提出人", "Not the one who made it"
    zh = "对答复有无异议，由提出意见的检查员决定。"
    en = "Whether the answer stands is for the inspector who made the suggestion to say."


class AnswerMissing(Refusal):
    """Neither adopted nor a reason why not."""

    code, status = "answer-missing", 422
    title_zh, title_en = "缺少答复", "The answer is missing"
    zh = "须写明是否采纳；不采纳或有异议的，须书面说明理由。"
    en = "Say whether it is adopted; if not, or when disputed, give the reason in writing."


class CallbackMissing(Refusal):
    """A caller who asked to be called back has not been."""

    code, status = "callback-missing", 409
    title_zh, title_en = "尚未回访", "Not called back"
    zh = "来电人要求回访，回访后才能办结；请先登记回访。"
    en = "The caller asked to be called back; record that before the call is settled."
