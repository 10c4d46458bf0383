from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.checklists import NewChecklist, put_checklist
from domain.errors import BadInput
from domain.findings import NewFinding
from domain.hazards import (
    HazardFilter,
    NewHazard,
    derive_from,
    hazard_by_code,
    list_hazards,
    put_hazard,
    versions_of,
    withdraw_hazard,
)
from domain.imports import import_table
from domain.pinyin import rank, spoken
from domain.remediation import proposed_due
from domain.samples import STANDARD_HAZARDS, sample
from statemachines.labels import Level, local_day
from statemachines.refusals import AfterPhotoRequired, PhotoRequired, RoleMissing
from statemachines.roles import SYSTEM
from tests.photos import listed, photo

LEAK = {
    "code": "E01-1",
    "category": "生产设备/变压器台区",
    "title": "变压器渗漏油",
    "criterion": "套管、油箱无渗漏",
    "level": "较大",
    "measure": "更换密封件",
    "deadline_days": 7,
}


def put(world, **said):
    with world.database.transaction() as session:
        new = NewHazard.model_validate({**LEAK, **said})
        return put_hazard(session, new, actor=SYSTEM, now=world.now)


def found(world, q="", **narrowed):
    with world.database.reading() as session:
        page = list_hazards(session, HazardFilter(q=q, **narrowed))
        return [each.code for each in page.items]


def test_a_title_is_spoken_sign_by_sign():
    assert spoken("10kV变压器、重合闸") == spoken("10kV变压器重合闸")
    assert spoken("10kV变压器").pinyin == "10kv bian ya qi"
    assert spoken("10kV变压器").initials == "10kvbyq"
    assert spoken("重合闸绿化").pinyin == "chong he zha lv hua"


@pytest.mark.parametrize(
    ("typed", "fit"),
    [
        ("变压器", 0),
        ("e01", 0),
        ("渗漏", 1),
        ("bianyaqi", 2),
        ("byqsly", 2),
        ("BYaQ", 2),
        ("sly", 3),
        ("slou you", 3),
        ("变压器 slou", 3),
        ("bianshen", None),
        ("电杆", None),
        ("变压器 电杆", None),
    ],
)
def test_a_hazard_is_found_by_what_people_type(typed, fit):
    title = "变压器渗漏油"
    assert rank(typed, title=title, pinyin=spoken(title).pinyin, code="E01-1") == fit


@given(st.lists(st.sampled_from(["bian", "ya", "qi", "shen", "lou"]), min_size=1, max_size=5), st.data())
def test_any_beginnings_of_consecutive_syllables_fit(syllables, data):
    start = data.draw(st.integers(0, len(syllables) - 1))
    typed = "".join(syllable[: data.draw(st.integers(1, len(syllable)))] for syllable in syllables[start:])
    fit = rank(typed, title="", pinyin=" ".join(syllables), code="-")
    assert fit is not None
    assert fit <= 3


def test_the_library_that_comes_with_the_program_is_imported_whole(world):
    with world.database.transaction() as session:
        report = import_table(
            session, "hazards", sample(STANDARD_HAZARDS), "hazards.csv", actor=SYSTEM, now=world.now
        )
        again = import_table(
            session, "hazards", sample(STANDARD_HAZARDS), "hazards.csv", actor=SYSTEM, now=world.now
        )
    assert (report.errors, report.added) == ([], 102)
    assert (again.added, again.updated) == (0, 0)
    assert found(world, "byqsl") == ["E01-1"]
    assert found(world, "dgqx") == ["E16-1"]
    assert found(world, "绝缘子")[0].startswith("E23")
    assert found(world, category="生产设备/拉线") == ["E31-1", "E32-1", "E33-1", "E34-1"]


def test_a_bad_row_is_named_and_nothing_is_imported(world):
    table = "code,category,title,level,measure,deadline_days,photo_required\nA1,类,标题,一般,处理,7,是\nA2,类,标题,轻微,处理,7,或许\n"
    with world.database.transaction() as session:
        report = import_table(session, "hazards", table.encode(), "x.csv", actor=SYSTEM, now=world.now)
    assert [(error.line, error.field) for error in report.errors] == [(3, "level"), (3, "photo_required")]
    assert found(world) == []


def test_a_changed_hazard_is_a_new_version_and_the_old_one_stays(world):
    put(world)
    world.later(days=1)
    assert put(world) == "unchanged"
    assert put(world, level="一般") == "updated"
    with world.database.transaction() as session:
        assert [(each.version, each.level) for each in versions_of(session, "E01-1")] == [
            (2, Level.GENERAL),
            (1, Level.SERIOUS),
        ]
        withdraw_hazard(session, hazard_by_code(session, "E01-1"), actor=SYSTEM, now=world.now)
    assert found(world) == []
    assert put(world) == "added"
    with world.database.reading() as session:
        assert hazard_by_code(session, "E01-1").version == 3


def test_only_supervisors_and_administrators_keep_the_library(world):
    with pytest.raises(RoleMissing), world.database.transaction() as session:
        put_hazard(session, NewHazard.model_validate(LEAK), actor=world.actor("limin"), now=world.now)


def test_a_checklist_is_a_start_for_the_library(world):
    items = [{**{k: v for k, v in LEAK.items() if k != "title"}, "code": "E01", "item": "变压器渗漏油"}]
    with world.database.transaction() as session:
        new = NewChecklist.model_validate({"code": "p", "name": "表", "items": items})
        checklist = put_checklist(session, new, actor=SYSTEM, now=world.now)
        first = derive_from(session, checklist, actor=SYSTEM, now=world.now)
        again = derive_from(session, checklist, actor=SYSTEM, now=world.now)
    assert ((first.added, first.known), (again.added, again.known)) == ((1, 0), (0, 1))
    assert found(world, "bianyaqi") == ["E01"]


def test_a_finding_takes_what_it_leaves_out_from_the_hazard_as_the_phone_knew_it(world):
    put(world)
    put(world, level="一般", measure="紧固")
    ticket = world.find(standard_hazard="E01-1", standard_hazard_version=1, level=None, category=None)
    assert (ticket.level, ticket.category) == (Level.SERIOUS, "生产设备/变压器台区")
    assert (ticket.proposed_measure, ticket.proposed_days) == ("更换密封件", 7)
    assert world.find(standard_hazard="E01-1", level=None, category=None).level is Level.GENERAL


def test_days_proposed_hold_for_the_level_they_were_proposed_for(world):
    put(world, deadline_days=2)
    number = world.find(standard_hazard="E01-1", level=None, category=None).number
    with world.database.reading() as session:
        ticket = session.merge(world.ticket(number), load=False)
        assert local_day(proposed_due(session, ticket, now=world.now).at) == local_day(
            world.now + timedelta(days=2)
        )
    other = world.find(standard_hazard="E01-1", level="general", category=None)
    assert other.proposed_days is None
    told = world.find(
        standard_hazard="E01-1", level="general", category=None, deadline_days=3, measure="换油"
    )
    assert (told.proposed_days, told.proposed_measure) == (3, "换油")
    assert world.do(number, "regrade", by="zhaozhuren", level="general", reason="轻微").proposed_days is None


def test_evidence_the_library_asks_for_is_asked_of_the_ticket(world):
    put(world, photo_required=True, after_photo_required=True)
    with pytest.raises(PhotoRequired):
        world.find(standard_hazard="E01-1")
    ticket = world.find(standard_hazard="E01-1", level="general", files=[listed(photo())])
    put(world, photo_required=False, after_photo_required=False)
    world.do(ticket.number, "assign", by="zhaozhuren", assignee="wangjianguo", duty="处理", measure="处理")
    with pytest.raises(AfterPhotoRequired):
        world.do(ticket.number, "fix", by="wangjianguo", note="已处理")
    after = listed(photo(colour="green"))
    assert world.do(ticket.number, "fix", by="wangjianguo", note="已处理", files=[after]).state == "fixed"


def test_an_unknown_hazard_names_the_field(world):
    with pytest.raises(BadInput) as refused:
        world.find(standard_hazard="Z99")
    assert (refused.value.pointer, refused.value.rule) == ("/standard_hazard", "unknown-hazard")


def test_a_finding_sent_before_this_release_is_still_known_by_its_content():
    said = {"campaign": "C", "unit": "U", "description": "x", "level": "general", "category": "y"}
    finding = NewFinding.model_validate(said)
    assert finding.fingerprint() == "3c4efa6573f1b3bfaf095b3a1aa86c5185795010a3da7599895403dbe5f38a49"
    assert finding.model_copy(update={"measure": "z"}).fingerprint() != finding.fingerprint()
