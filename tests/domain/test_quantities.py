from decimal import Decimal

import pytest
from pydantic import ValidationError

from domain import campaigns, quantities
from domain.errors import BadInput, explain
from domain.quantities import NewQuantity
from domain.records import CountsAs
from statemachines.refusals import RoleMissing
from statemachines.roles import SYSTEM

INSULATORS = {"action": "清扫", "item": "针瓶", "quantity": 4500, "measure_unit": "个", "unit": "LL01"}


def record(world, *told, by="zhaozhuren"):
    actor = world.actor(by)
    with world.database.transaction() as session:
        campaign = campaigns.campaign_by_code(session, "CC2026", actor=actor)
        new = [NewQuantity.model_validate(each) for each in told]
        return quantities.record_quantities(session, campaign, new, actor=actor, now=world.now)


def listed(world, *, by=None, **how):
    actor = world.actor(by) if by else SYSTEM
    with world.database.reading() as session:
        campaign = campaigns.campaign_by_code(session, "CC2026", actor=actor)
        return quantities.list_quantities(session, campaign, actor=actor, **how)


def test_4500_insulators_are_one_record(world):
    [row] = record(world, INSULATORS)
    assert (row.quantity, row.done_on.isoformat(), row.counts_as) == (
        Decimal(4500),
        "2026-04-01",
        CountsAs.PART,
    )
    assert len(listed(world).items) == 1


def test_an_unknown_verb_is_accepted_and_a_lower_bound_kept(world):
    [row] = record(
        world,
        {**INSULATORS, "action": "测温", "approximate": True, "date": "2026-03-20", "counts_as": "total"},
    )
    assert (row.action, row.approximate, row.counts_as) == ("测温", True, CountsAs.TOTAL)


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"unit": None}, "/1/unit"),
        ({"unit": "XX"}, "/1/unit"),
        ({"unit": "ROOT"}, "/1/unit"),
        ({"date": "2026-04-02"}, "/1/date"),
    ],
)
def test_one_wrong_record_keeps_all_of_them_out(world, said, pointer):
    with pytest.raises(BadInput) as refused:
        record(world, INSULATORS, {**INSULATORS, **said})
    assert refused.value.pointer == pointer
    assert listed(world).items == []


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"quantity": 0}, "/quantity"),
        ({"quantity": "NaN"}, "/quantity"),
        ({"quantity": 1.005}, "/quantity"),
        ({"action": ""}, "/action"),
        ({"action": "很" * 21}, "/action"),
        ({"date": "0001-01-01"}, "/date"),
        ({"counts_as": "all"}, "/counts_as"),
        ({"price": 3}, "/price"),
    ],
)
def test_a_body_that_breaks_a_rule_names_the_field(said, pointer):
    with pytest.raises(ValidationError) as refused:
        NewQuantity.model_validate({**INSULATORS, **said})
    assert [each.pointer for each in explain(refused.value.errors(), "en")] == [pointer]


def test_who_records_and_who_sees(world):
    record(world, INSULATORS, {**INSULATORS, "unit": "SQ02"}, by="robot")
    record(world, INSULATORS, by="qiansuozhang")
    with pytest.raises(RoleMissing):
        record(world, {**INSULATORS, "unit": "SQ02"}, by="zhengju")
    assert [row.unit.code for row in listed(world, by="qiansuozhang").items] == ["LL01", "LL01"]
    assert [row.unit.code for row in listed(world, unit="SQ02").items] == ["SQ02"]


def test_records_are_paged_in_the_order_they_were_made(world):
    made = record(world, *({**INSULATORS, "quantity": number} for number in range(1, 6)))
    first = listed(world, limit=3)
    second = listed(world, limit=3, cursor=first.next)
    assert [row.id for row in (*first.items, *second.items)] == [row.id for row in made]
    assert second.next is None


def test_the_work_of_a_fix_counts_for_the_tickets_unit(world):
    number = world.assigned().number
    work = {"action": "更换", "item": "密封垫", "quantity": 4, "measure_unit": "个"}
    with pytest.raises(BadInput) as refused:
        world.do(number, "fix", by="wangjianguo", note="已更换", quantities=[{**work, "unit": "SQ02"}])
    assert refused.value.pointer == "/quantities/0/unit"
    ticket = world.do(number, "fix", by="wangjianguo", note="已更换", quantities=[work])
    [row] = listed(world).items
    assert (row.unit.code, row.ticket_id, row.item) == ("LL01", ticket.id, "密封垫")
