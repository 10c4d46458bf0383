from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from domain.campaign_settings import CampaignSettings, settings_of
from domain.errors import explain
from statemachines.labels import Level


def step(**said):
    return {"code": "s", "after_workdays": 1, "to": ["leader"], "act": "escalate", **said}


def test_what_is_stored_reads_back_the_same():
    settings = CampaignSettings(independent_team=True)
    assert settings_of(SimpleNamespace(settings=settings.model_dump(mode="json"))) == settings


def test_the_default_ladder_is_that_of_the_rules_with_half_the_days_for_a_major_hazard():
    ladder = CampaignSettings().ladder
    days = {level: [each.after_workdays for each in ladder if each.is_for(level)] for level in Level}
    assert days[Level.GENERAL] == [-3, -1, 0, 3, 7]
    assert days[Level.SERIOUS] == [-3, -1, 0, 3, 7, 15]
    assert max(days[Level.MAJOR]) < max(days[Level.SERIOUS])


@pytest.mark.parametrize(
    ("ladder", "rule"),
    [
        ([step(), step(after_workdays=2)], "ladder-code-twice"),
        ([step(after_workdays=3), step(code="t", after_workdays=1)], "ladder-order"),
        ([step(after_workdays=-1)], "ladder-act"),
        ([step(act="remind")], "ladder-act"),
        ([step(to=[])], "too-few"),
        ([step(to=["nobody"])], "unknown-value"),
    ],
)
def test_a_ladder_that_cannot_be_climbed_is_refused(ladder, rule):
    with pytest.raises(ValidationError) as refused:
        CampaignSettings.model_validate({"ladder": ladder})
    assert rule in [each.rule for each in explain(refused.value.errors(), "zh")]
