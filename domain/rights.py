"""Who may do what no chart governs: plan, record, register. One table, so that it can be read and tested
at once.
"""

from __future__ import annotations

from collections.abc import Mapping

from statemachines.call import HANDLERS
from statemachines.labels import Labelled
from statemachines.refusals import RoleMissing
from statemachines.roles import Actor, Role
from statemachines.suggestion import ISSUERS


class Deed(Labelled):
    """What is done, as the refusal names it."""

    CREATE_CAMPAIGN = "create_campaign", "新建检查活动", "Create a campaign"
    ZERO_REPORT = "zero_report", "零报告", "Report zero"
    PLAN_INSPECTION = "plan_inspection", "安排检查", "Plan an inspection"
    PLAN_ROTA = "plan_rota", "安排定期检查", "Plan scheduled checks"
    RECORD_QUANTITIES = "record_quantities", "登记工作量", "Record quantities"
    REGISTER_TOOL = "register_tool", "登记安全工器具", "Register a tool"
    TEST_TOOL = "test_tool", "登记试验", "Record a test"
    IMPORT_CHECKLIST = "import_checklist", "导入检查表", "Import a checklist"
    KEEP_HAZARDS = "keep_hazards", "维护标准隐患库", "Keep the library of standard hazards"
    SET_GUIDANCE = "set_guidance", "设置示范照片", "Set guidance photos"
    REQUEST_SUMMARY = "request_summary", "生成总结", "Ask for the summary"
    IMPORT_UNITS = "import_units", "导入单位", "Import units"
    IMPORT_PEOPLE = "import_people", "导入人员", "Import people"
    IMPORT_CALENDAR = "import_calendar", "导入日历", "Import a calendar"
    SET_LADDERS = "set_ladders", "设置催办", "Set the ladders"
    SUGGEST = "suggest", "提出工会意见", "Make a suggestion for the union"
    MANAGE_OUTLET = "manage_outlet", "管理发送渠道", "Manage the ways out"
    MANAGE_PLACES = "manage_places", "管理检查点", "Manage places"
    RECORD_CALL = "record_call", "登记来电来访", "Write down a call"
    IMPORT_FINDINGS = "import_findings", "批量导入隐患", "Import findings"
    DRAW_SAMPLE = "draw_sample", "抽取复查样本", "Draw the sample"
    MANAGE_UNITS = "manage_units", "管理单位", "Manage units"
    MANAGE_PEOPLE = "manage_people", "管理人员", "Manage people"
    REGISTER_INSPECTOR = "register_inspector", "登记检查员", "Register inspectors"
    READ_AUDIT = "read_audit", "查看变更记录", "Read who changed what"
    CHANGE_CAMPAIGN = "change_campaign", "修改检查活动", "Change a campaign"
    RECORD_ABSENCE = "record_absence", "登记他人离岗", "Record somebody else's absence"
    RUN_FLOW = "run_flow", "运行后台任务", "Run what happens by the clock"


RIGHTS: Mapping[Deed, tuple[Role, ...]] = {
    Deed.CREATE_CAMPAIGN: (Role.SUPERVISOR, Role.ADMINISTRATOR),
    Deed.ZERO_REPORT: (Role.INSPECTOR, Role.SUPERVISOR),
    Deed.PLAN_INSPECTION: (Role.INSPECTOR, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.PROGRAM),
    Deed.PLAN_ROTA: (Role.SUPERVISOR, Role.ADMINISTRATOR),
    # Who did the work says how much; inspectors and supervisors say it for them.
    Deed.RECORD_QUANTITIES: (
        Role.ASSIGNEE,
        Role.INSPECTOR,
        Role.SUPERVISOR,
        Role.ADMINISTRATOR,
        Role.PROGRAM,
    ),
    Deed.REGISTER_TOOL: (Role.SUPERVISOR, Role.ADMINISTRATOR, Role.PROGRAM),
    Deed.TEST_TOOL: (Role.INSPECTOR, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.PROGRAM),
    Deed.IMPORT_CHECKLIST: (Role.SUPERVISOR, Role.ADMINISTRATOR),
    Deed.KEEP_HAZARDS: (Role.SUPERVISOR, Role.ADMINISTRATOR),
    Deed.SET_GUIDANCE: (Role.SUPERVISOR, Role.ADMINISTRATOR),
    Deed.REQUEST_SUMMARY: (Role.SUPERVISOR, Role.LEADER, Role.ADMINISTRATOR),
    Deed.IMPORT_UNITS: (Role.ADMINISTRATOR,),
    Deed.IMPORT_PEOPLE: (Role.ADMINISTRATOR,),
    Deed.IMPORT_CALENDAR: (Role.ADMINISTRATOR,),
    Deed.SET_LADDERS: (Role.SUPERVISOR, Role.ADMINISTRATOR),
    Deed.SUGGEST: ISSUERS,
    Deed.MANAGE_OUTLET: (Role.SUPERVISOR, Role.ADMINISTRATOR),
    Deed.MANAGE_PLACES: (Role.SUPERVISOR, Role.ADMINISTRATOR),
    Deed.RECORD_CALL: HANDLERS,
    Deed.IMPORT_FINDINGS: (Role.SUPERVISOR, Role.ADMINISTRATOR),
    Deed.DRAW_SAMPLE: (Role.SUPERVISOR, Role.ADMINISTRATOR),
    Deed.MANAGE_UNITS: (Role.ADMINISTRATOR,),
    Deed.MANAGE_PEOPLE: (Role.ADMINISTRATOR,),
    Deed.REGISTER_INSPECTOR: (Role.SUPERVISOR, Role.ADMINISTRATOR),
    Deed.READ_AUDIT: (Role.SUPERVISOR, Role.LEADER, Role.ADMINISTRATOR),
    Deed.CHANGE_CAMPAIGN: (Role.SUPERVISOR, Role.ADMINISTRATOR),
    Deed.RECORD_ABSENCE: (Role.SUPERVISOR, Role.ADMINISTRATOR),
    # A run does only what the clock would do a little later. Leaders see the flows; they have others press buttons.
    Deed.RUN_FLOW: (Role.SUPERVISOR, Role.ADMINISTRATOR),
}


def may(actor: Actor, deed: Deed, *, at: str) -> bool:
    """Whether the actor may do this at the unit with path `at`; the clock and the command line may do all."""
    return actor.system or actor.holds(*RIGHTS[deed], at=at)


def must_be_allowed(actor: Actor, deed: Deed, *, at: str) -> None:
    """Raise RoleMissing naming the roles that may, unless the actor holds one of them at the unit."""
    if not may(actor, deed, at=at):
        raise RoleMissing(roles=RIGHTS[deed], event=deed)
