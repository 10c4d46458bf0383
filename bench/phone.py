"""`python -m bench.phone`: taps and seconds of an inspector, and the first paint of the finding form on a bad line.

A script taps as fast as the pages let it: the seconds are what the phone itself takes, a person's thumb comes on top.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Locator, Page, expect

from bench.field_stage import FieldStage, field_stage, shot
from tests.forms.chromium import PHONE, Person, chromium

PATIENCE = 60_000
# What the browser's own tools call "Slow 3G" (bytes a second, milliseconds) beside a processor four times as slow.
SLOW_3G = {"offline": False, "latency": 2000, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
FIRST_PAINT = """() => new Promise((done) => {
  const seen = () => performance.getEntriesByName('first-contentful-paint')[0];
  if (seen()) return done(seen().startTime);
  new PerformanceObserver(() => seen() && done(seen().startTime)).observe({ type: 'paint', buffered: true });
})"""


class Thumb:
    """A thumb that counts its taps and looks at the clock."""

    def __init__(self) -> None:
        self.taps = 0
        self.begun = time.monotonic()

    def tap(self, what: Locator) -> None:
        """One tap."""
        what.tap()
        self.taps += 1

    def choose(self, what: Locator) -> None:
        """One tap on an answer, brought under the thumb first."""
        what.evaluate("each => each.scrollIntoView({ block: 'center', behavior: 'instant' })")
        what.tap()
        self.taps += 1

    def said(self, what: str) -> str:
        """One line for the table."""
        return f"{what}: {self.taps} taps, {time.monotonic() - self.begun:.1f} s"


def phone(browser: Browser, stage: FieldStage) -> Page:
    """孙华's phone after one visit with a signal."""
    page = Person(browser, stage.address, **PHONE).sign_in("sunhua").page
    page.set_default_timeout(PATIENCE)
    page.goto("/field")
    expect(page.get_by_text("已存到本机")).to_be_visible(timeout=PATIENCE)
    return page


def one_finding(page: Page, photo: Path) -> str:
    """From the first page to kept on the phone: camera, standard hazard, submit."""
    page.goto("/")
    thumb = Thumb()
    with page.expect_file_chooser() as camera:
        thumb.tap(page.locator("[data-capture]"))
    camera.value.set_files(str(photo))
    page.wait_for_url("**/findings/new?draft=*")
    expect(page.locator("[data-previews] img")).to_be_visible()
    thumb.tap(page.locator("[data-hazards]").get_by_role("button", name="变压器渗漏油"))
    thumb.tap(page.get_by_role("button", name="上报", exact=True))
    expect(page.get_by_role("heading", name="已存在本机")).to_be_visible()
    return thumb.said("one finding with its photo, from the first page to kept on the phone")


def one_walk(page: Page, stage: FieldStage, *, each: bool) -> str:
    """Thirty items: group by group, or item by item; then signed."""
    page.goto(f"/inspections/{stage.visit}")
    expect(page.locator("[data-answered]")).to_be_visible()
    thumb = Thumb()
    if each:
        for item in page.locator("fieldset[data-item]").all():
            thumb.choose(item.get_by_role("radio", name="合格", exact=True))
    else:
        for _ in range(3):
            thumb.choose(page.locator("[data-rest]:visible").first)
    expect(page.locator("[data-answered]")).to_have_text("30")
    if each:
        return thumb.said("30 items one by one (30 of the taps), kept at each tap")
    thumb.tap(page.get_by_role("button", name="签字提交"))
    thumb.tap(page.locator("label[for=signed]"))
    thumb.tap(page.get_by_role("button", name="签字："))
    expect(page.get_by_text("已签字，存在本机").or_(page.get_by_text("检查人签字"))).to_be_visible()
    return thumb.said("30 items in three groups, all in order, and the signature")


def first_paint(page: Page, *, times: int) -> str:
    """The finding form from the phone, on slow 3G with a quarter of the processor."""
    tools = page.context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.send("Network.emulateNetworkConditions", SLOW_3G)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    found = []
    for _ in range(times):
        page.goto("about:blank")
        page.goto("/findings/new", wait_until="commit")
        found.append(float(page.evaluate(FIRST_PAINT)))
    return (
        "first contentful paint of the finding form, kept on the phone, slow 3G and a quarter of the processor: "
        f"median {median(found):.0f} ms of {times} ({min(found):.0f} to {max(found):.0f})"
    )


def main() -> None:
    """Measure and print; docs/field.md has what was found."""
    told = argparse.ArgumentParser(prog="python -m bench.phone", description=__doc__)
    told.add_argument("--times", type=int, default=9, help="how often the form is painted (9)")
    times = told.parse_args().times
    with field_stage() as stage, chromium() as browser, TemporaryDirectory() as folder:
        photo = Path(folder) / "27号变台.jpg"
        photo.write_bytes(shot().data)
        page = phone(browser, stage)
        for line in (
            one_finding(page, photo),
            one_walk(page, stage, each=True),
            first_paint(phone(browser, stage), times=times),
        ):
            print(line, flush=True)
    # A fresh bureau: the first one's visit is answered.
    with field_stage() as stage, chromium() as browser:
        print(one_walk(phone(browser, stage), stage, each=False), flush=True)


if __name__ == "__main__":
    main()
