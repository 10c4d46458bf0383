"""The spring inspection of an invented county's power bureau, on the figures of a real one."""

from __future__ import annotations

from chuncha.demo.people import Table
from chuncha.demo.sample import Sample
from chuncha.demo.spring import dates
from chuncha.demo.spring.bureau import CHECKLIST, PEOPLE, UNITS, Bureau
from chuncha.demo.spring.story import write_story
from domain.phases import holiday_notes
from domain.records import CampaignPhase
from domain.samples import CHECKLIST_DISTRIBUTION, sample
from statemachines.campaign import CampaignState

_BUREAU = Bureau()


def _holidays() -> list[str]:
    """The re-check of the original was on 6–8 April; in 2026 that begins on a holiday, and other days are proposed."""
    first, last = dates.CHECKED_BEFORE
    wanted = CampaignPhase(phase=CampaignState.RECHECKING, starts_on=first, ends_on=last)
    return [f"计划提示：{note.sentence('zh')}已采用建议日期。" for note in holiday_notes([wanted])]


SAMPLE = Sample(
    title="2026年春查",
    preparing="15个供电所、90项检查表",
    covers="供电所",
    tables=(
        UNITS,
        PEOPLE,
        Table(
            "checklist",
            CHECKLIST_DISTRIBUTION,
            sample(CHECKLIST_DISTRIBUTION),
            code=CHECKLIST,
            name="配电春查检查表",
        ),
    ),
    people=_BUREAU.people,
    leader=_BUREAU.leader,
    summary="2026年春查总结",
    ledger="2026年春查隐患整改台账",
    look=(
        ("zhaogang", "安监部主任（督促）", "状态页：各所进度、超期；隐患单派发、督办"),
        ("zhengweiguo", "分管副局长（领导）", "总结；延期审批；重大隐患"),
        ("limin", "局检查员", "我的登记；复查"),
        ("qianwei", "柳林所所长（督促）", "本所隐患单与三定"),
        ("fengxiuying", "柳林所劳动保护检查员", "手机上报隐患"),
        ("sunhua", "柳林所检修班责任人", "签收、报告整改、申请延期"),
    ),
    write_story=lambda seed: write_story(seed, _BUREAU),
    ahead=_holidays,
)
