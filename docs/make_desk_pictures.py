"""Take the pictures of docs/desk.md: `python -m docs.make_desk_pictures` opens a supervisor's pages in two widths.

Plays the demo up to a day in the middle of it first. Needs Chromium with Chinese fonts (Debian: chromium,
fonts-noto-cjk). It takes some minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from chuncha.demo.people import PASSWORD
from docs.make_field_pictures import keep
from docs.make_screenshots import a_ticket, demo
from tests.forms.chromium import Person, chromium

IMAGES = Path(__file__).parent / "images" / "desk"
HEIGHTS = {360: 740, 1280: 860}


def at(path: str) -> Callable[[Page], None]:
    """Just go there."""

    def go(page: Page) -> None:
        page.goto(path)

    return go


def preview(page: Page) -> None:
    """What assigning some tickets at once would do."""
    page.goto("/tickets?campaign=CC2026&state=found")
    for row in page.locator("table.rows tbody tr").all()[:3]:
        row.get_by_role("checkbox").check()
    page.keyboard.press("a")
    page.get_by_label("定人").select_option(index=1)
    page.get_by_label("措施").fill("停电处理，更换密封件")
    page.get_by_role("button", name="预览").click()
    page.get_by_text("这是预览，还没有保存").wait_for()


def ticket(page: Page) -> None:
    """A major hazard that is being fixed."""
    page.goto(a_ticket(page))


#: Who looks at what.
PICTURES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "board": ("zhaogang", at("/campaigns/CC2026/status")),
    "queue": ("zhaogang", at("/tickets?campaign=CC2026&state=assigned")),
    "preview": ("zhaogang", preview),
    "ticket": ("zhaogang", ticket),
    "supervisions": ("zhaogang", at("/supervisions")),
    "tool": ("zhaogang", at("/tools/new")),
    "ladder": ("zhaogang", at("/admin/ladders/deadline?campaign=CC2026")),
    "calendars": ("zhaogang", at("/admin/calendars")),
}


def main() -> None:
    """One WebP for each page and width."""
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("names", nargs="*", help=f"which of {', '.join(PICTURES)}; all when left out")
    told.add_argument("--whole", type=Path, help="write whole pages into this folder, to look at")
    options = told.parse_args()
    into = options.whole or IMAGES
    into.mkdir(parents=True, exist_ok=True)
    with demo() as address, chromium() as browser:
        for name in options.names or PICTURES:
            login, go = PICTURES[name]
            for width, height in HEIGHTS.items():
                touch = {"is_mobile": True, "has_touch": True} if width < 1000 else {}
                person = Person(browser, address, viewport={"width": width, "height": height}, **touch)
                page = person.sign_in(login, PASSWORD).page
                go(page)
                page.wait_for_load_state("networkidle")
                shown = page.evaluate("document.documentElement.scrollWidth")
                assert shown <= width, f"{name} is {shown} wide at {width}"
                png = page.screenshot(full_page=options.whole is not None)
                page.context.close()
                keep(png, f"{name}-{width}", into, whole=options.whole is not None)


if __name__ == "__main__":
    main()
