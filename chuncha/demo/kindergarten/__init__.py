"""A month of weekly safety checks in an invented kindergarten."""

from __future__ import annotations

from chuncha.demo.kindergarten.garden import CHECKLIST, PEOPLE, UNITS, Garden
from chuncha.demo.kindergarten.story import write_story
from chuncha.demo.people import Table
from chuncha.demo.sample import Sample
from domain.samples import CHECKLIST_KINDERGARTEN, sample

_GARDEN = Garden()

SAMPLE = Sample(
    title="春芽幼儿园2026年3月安全月",
    preparing="9个班级和场所、31项检查表",
    covers="班级和场所",
    tables=(
        UNITS,
        PEOPLE,
        Table(
            "checklist",
            CHECKLIST_KINDERGARTEN,
            sample(CHECKLIST_KINDERGARTEN),
            code=CHECKLIST,
            name="幼儿园安全周检表（31项）",
        ),
    ),
    people=_GARDEN.people,
    leader=_GARDEN.director,
    summary="2026年3月安全月总结",
    ledger="2026年3月安全月隐患整改台账",
    look=(
        ("luohouqin", "后勤主任（督促）", "活动页：每周检查的完成、迟检、未检；隐患单派发"),
        ("heyuanzhang", "园长（领导）", "月度总结"),
        ("tangyisheng", "保健医生（检查员）", "复查；补检"),
        ("jianglaoshi", "中一班老师（检查员）", "本班检查表"),
        ("panshifu", "维修工（责任人）", "签收、报告整改；我的日历订阅"),
    ),
    write_story=lambda seed: write_story(seed, _GARDEN),
)
