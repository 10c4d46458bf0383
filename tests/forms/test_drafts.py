"""Drafts on two devices: whoever knew the other's copy replaces it, whoever did not stands beside it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.forms.conftest import Browser, SignedIn
from tests.world import World

KEY = "01890a5d-ac96-774b-bcce-b302099a8057"
PHONE, TABLET = "019d4a00-0000-7000-8000-00000000000a", "019d4a00-0000-7000-8000-00000000000b"


class Devices:
    def __init__(self, browser: Browser) -> None:
        self.client = browser.client
        csrf = browser.get("/field/session", headers={"Accept": "application/json"}).json()["csrf"]
        self.headers = {"Accept": "application/json", "X-CSRF-Token": csrf}

    def save(self, device: str, text: str, *, base: int, key: str = KEY, **said: Any) -> Any:
        told = {"device": device, "base_version": base, "values": {"description": text}, "photos": [], **said}
        return self.client.put(f"/field/drafts/{key}", json=told, headers=self.headers)

    def copies(self) -> dict[str, str]:
        told = self.client.get("/field/drafts", headers=self.headers).json()["copies"]
        return {copy["device"]: copy["values"]["description"] for copy in told}


@pytest.fixture
def limin(browser_of: SignedIn) -> Devices:
    return Devices(browser_of("limin"))


def test_the_same_device_goes_on(limin: Devices, world: World) -> None:
    assert limin.save(PHONE, "渗漏", base=0).json() == {"version": 1, "others": []}
    assert limin.save(PHONE, "渗漏变压器", base=1).json() == {"version": 2, "others": []}
    assert limin.copies() == {PHONE: "渗漏变压器"}


def test_a_device_that_knew_the_other_replaces_its_copy(limin: Devices, world: World) -> None:
    limin.save(PHONE, "渗漏", base=0)
    assert limin.save(TABLET, "渗漏变压器", base=1).json()["others"] == []
    assert limin.copies() == {TABLET: "渗漏变压器"}


def test_two_that_went_their_own_way_are_both_kept_until_one_is_chosen(limin: Devices, world: World) -> None:
    limin.save(PHONE, "渗漏", base=0)
    limin.save(TABLET, "在平板上改", base=1)
    apart = limin.save(PHONE, "在手机上改", base=1).json()
    assert [copy["values"]["description"] for copy in apart["others"]] == ["在平板上改"]
    limin.save(PHONE, "在手机上又改", base=1)
    assert limin.copies() == {TABLET: "在平板上改", PHONE: "在手机上又改"}, "typing on replaces nobody's copy"

    limin.save(PHONE, "在手机上又改", base=apart["others"][0]["version"])
    assert limin.copies() == {PHONE: "在手机上又改"}


def test_others_have_drafts_of_their_own(limin: Devices, browser_of: SignedIn, world: World) -> None:
    limin.save(PHONE, "渗漏", base=0)
    zhang = Devices(browser_of("zhangqiang"))
    assert zhang.copies() == {}
    assert zhang.save(PHONE, "别人的", base=0).status_code == 422
    zhang.client.delete(f"/field/drafts/{KEY}", headers=zhang.headers)
    assert limin.copies() == {PHONE: "渗漏"}
    limin.client.delete(f"/field/drafts/{KEY}", headers=limin.headers)
    assert limin.copies() == {}


def test_what_is_too_long_or_too_many_is_refused(limin: Devices, world: World) -> None:
    assert limin.save(PHONE, "漏" * 4001, base=0).status_code == 422
    for n in range(50):
        key = f"01890a5d-ac96-774b-bcce-{n:012}"
        assert limin.save(PHONE, "渗漏", base=0, key=key).status_code == 200
    refused = limin.save(PHONE, "渗漏", base=0)
    assert (refused.status_code, refused.json()["code"]) == (409, "too-many-drafts")
    assert "仍在本机" in refused.json()["detail"]
