"""What no field can hold or lacks is refused with a page, never answered with an error of the system."""

from __future__ import annotations

from sqlalchemy import func, select

from domain.records import Ticket
from tests.forms.conftest import Browser, SignedIn, text_of
from tests.world import World


def test_a_text_with_a_nul_character_is_refused(browser_of: SignedIn, world: World) -> None:
    told = {
        "campaign": "CC2026",
        "unit": "LL01",
        "description": "渗\x00油",
        "level": "general",
        "category": "变台",
    }
    answer = browser_of("limin").post("/findings/new", told)
    assert answer.status_code == 422
    assert "未保存任何内容" in text_of(answer)
    with world.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Ticket)) == 0


def test_a_login_with_a_nul_character_is_refused(stranger: Browser) -> None:
    assert stranger.sign_in("li\x00min").status_code == 422


def test_a_visit_planned_without_a_unit_names_the_field(browser_of: SignedIn) -> None:
    answer = browser_of("limin").post("/inspections", {"campaign": "CC2026", "unit": ""})
    assert answer.status_code == 422
    assert "unit 必须填写" in " ".join(text_of(answer).split())
