from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from domain.campaign_settings import CampaignSettings, settings_of
from domain.errors import explain
from domain.records import Matter
from statemachines.labels import Level


def step(**said):
    return {"code": "s", "after_workdays": 1, "to": ["leader"], "act": "escalate", **said}


def test_what_is_stored_reads_back_the_same():
    settings = CampaignSettings(independent_team=True)
    assert settings_of(SimpleNamespace(settings=settings.model_dump(mode="json"))) == settings


def test_the_default_ladder_is_that_of_the_rules_with_half_the_days_for_a_major_hazard():
    ladder = CampaignSettings().ladders[Matter.DEADLINE]
    days = {level: [each.after_workdays for each in ladder if each.is_for(level)] for level in Level}
    assert days[Level.GENERAL] == [-3, -1, 0, 3, 7]
    assert days[Level.SERIOUS] == [-3, -1, 0, 3, 7, 15]
    assert max(days[Level.MAJOR]) < max(days[Level.SERIOUS])


@pytest.mark.parametrize(
    ("matter", "ladder", "rule"),
    [
        ("deadline", [step(), step(after_workdays=2)], "ladder-code-twice"),
        ("deadline", [step(after_workdays=3), step(code="t", after_workdays=1)], "ladder-order"),
        ("deadline", [step(after_workdays=-1)], "ladder-act"),
        ("deadline", [step(act="remind")], "ladder-act"),
        ("deadline", [step(to=[])], "too-few"),
        ("deadline", [step(to=["nobody"])], "ladder-told"),
        ("deadline", [step(after_hours=4)], "ladder-after"),
        ("deadline", [step(after_workdays=None)], "ladder-after"),
        ("deadline", [step(channels=["webhook"])], "ladder-channel"),
        ("deadline", [step(only_if=["extension_pending", "no_extension_pending"])], "ladder-unreachable"),
        ("unassigned", [step(after_workdays=-1)], "ladder-unreachable"),
        ("unassigned", [step(only_if=["no_progress"])], "ladder-unreachable"),
        ("tool", [step(only_if=["supervised"])], "ladder-unreachable"),
        ("weather", [step()], "unknown-value"),
    ],
)
def test_a_ladder_that_cannot_be_climbed_is_refused(matter, ladder, rule):
    with pytest.raises(ValidationError) as refused:
        CampaignSettings.model_validate({"ladders": {matter: ladder}})
    assert rule in [each.rule for each in explain(refused.value.errors(), "zh")]
