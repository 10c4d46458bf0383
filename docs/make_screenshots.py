"""Take the README's pictures: `python docs/make_screenshots.py` plays the demo up to a day in the middle of it.

Needs Chromium with Chinese fonts (Debian: chromium, fonts-noto-cjk). It takes about a minute.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from chuncha.demo import days
from chuncha.demo.client import Client
from chuncha.demo.people import PASSWORD
from chuncha.demo.play import prepare
from chuncha.demo.player import Player
from chuncha.demo.sample import sample_named
from chuncha.demo.stage import stage, web
from chuncha.processes import free_port

IMAGES = Path(__file__).parent / "images"
SEED, DAY = 2026, date(2026, 3, 25)
QUIET = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}


@contextmanager
def signed_in(browser: Browser, address: str, login: str, viewport: dict[str, int]) -> Iterator[Page]:
    """A page of a person of the demo, sharp enough for print."""
    context = browser.new_context(
        base_url=address,
        viewport=viewport,
        device_scale_factor=2,
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
    )
    page = context.new_page()
    page.goto("/login")
    page.get_by_label("登录名").fill(login)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(lambda url: "/login" not in url)
    yield page
    context.close()


def shoot(page: Page, path: str, name: str) -> None:
    """Go there and keep what the first screen shows."""
    page.goto(path)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / f"{name}.png")


def a_ticket(page: Page) -> str:
    """The page of a major hazard that is being fixed."""
    page.goto("/tickets?campaign=CC2026&state=assigned&level=major")
    links = [link.get_attribute("href") or "" for link in page.locator("a[href*='/tickets/CC2026-']").all()]
    return next(link for link in links if re.search(r"/tickets/CC2026-[A-Z0-9]+-\d+$", link))


@contextmanager
def demo() -> Iterator[str]:
    """The address of the pages on the evening of DAY."""
    with tempfile.TemporaryDirectory() as folder, stage(Path(folder), free_port()) as on:
        cast = prepare(on, sample_named("spring"), SEED)
        with web(on.installation, cast.clock) as (address,), Client(address, cast.tokens) as client:
            with Player(
                [client], cast.clock, cast.story.until(DAY), ready=on.ready, tell=lambda *_: None
            ) as player:
                player.play()
            cast.clock.put(days.at(DAY, 18))
            yield address


def main() -> None:
    """Three pictures."""
    IMAGES.mkdir(exist_ok=True)
    with demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=QUIET
        )
        with signed_in(browser, address, "zhaogang", DESKTOP) as page:
            shoot(page, "/campaigns/CC2026/status", "status-desktop")
        with signed_in(browser, address, "fengxiuying", PHONE) as page:
            shoot(page, "/findings/new", "finding-phone")
        with signed_in(browser, address, "zhaogang", PHONE) as page:
            shoot(page, a_ticket(page), "ticket-phone")
        browser.close()


if __name__ == "__main__":
    main()
