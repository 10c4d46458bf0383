"""Take the pictures of docs/field.md: `python -m docs.make_field_pictures` opens an inspector's pages in three widths.

Needs Chromium with Chinese fonts (Debian: chromium, fonts-noto-cjk). It takes about a minute.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from bench.field_stage import FieldStage, field_stage, shot
from tests.forms.chromium import Person, chromium

IMAGES = Path(__file__).parent / "images" / "field"
HEIGHTS = {360: 740, 768: 1024, 1280: 860}


def home(page: Page, stage: FieldStage, folder: Path) -> None:
    """Today."""
    page.goto("/")


def finding(page: Page, stage: FieldStage, folder: Path) -> None:
    """The finding form with a photo and a standard hazard."""
    page.goto("/findings/new")
    page.locator("[data-photos].lively input[name=photos]").set_input_files(str(folder / "现场.jpg"))
    expect(page.locator("[data-previews] img").first).to_be_visible()
    page.locator("[data-hazards]").get_by_role("button", name="变压器渗漏油").click()
    page.evaluate("scrollTo(0, 0)")


def walk(page: Page, stage: FieldStage, folder: Path) -> None:
    """A checklist with one thing not in order."""
    page.goto(f"/inspections/{stage.visit}")
    for code, answer in (("A01", "pass"), ("A02", "fail")):
        choice = page.locator(f"fieldset[data-item={code}] input[value={answer}]")
        choice.evaluate("each => each.scrollIntoView({ block: 'center' })")
        choice.check()
    page.locator("#value-A01").evaluate("each => each.scrollIntoView({ block: 'center' })")


def kept(page: Page, stage: FieldStage, folder: Path) -> None:
    """What waits on the phone where there is no signal."""
    page.goto("/field")
    expect(page.get_by_text("已存到本机")).to_be_visible()
    page.context.set_offline(True)
    page.goto("/findings/new")
    page.locator("[data-photos].lively input[name=photos]").set_input_files(str(folder / "现场.jpg"))
    page.locator("[data-hazards]").get_by_role("button", name="拉线松弛").click()
    page.get_by_role("button", name="上报", exact=True).click()
    expect(page.get_by_role("heading", name="已存在本机")).to_be_visible()
    page.goto("/tools/YD-LL-02")
    page.get_by_role("radio", name="合格", exact=True).check()
    page.get_by_role("button", name="保存试验结果").click()
    expect(page.get_by_role("heading", name="已存在本机")).to_be_visible()
    page.goto("/field")
    expect(page.get_by_role("heading", name="待发送（2）")).to_be_visible()


def tool(page: Page, stage: FieldStage, folder: Path) -> None:
    """A tool that is out of use."""
    page.goto("/tools/YD-LL-02")


def report(page: Page, stage: FieldStage, folder: Path) -> None:
    """What anybody sees who scans a place's sign."""
    page.context.clear_cookies()
    page.goto("/p/LL-27/report")


def fix(page: Page, stage: FieldStage, folder: Path) -> None:
    """The report of a fix, the photo before beside the field."""
    page.goto(f"/tickets/{stage.ticket}/fix")


def work(page: Page, stage: FieldStage, folder: Path) -> None:
    """What one person is to fix."""
    page.goto("/work")


#: Who looks at what; the walk and what waits change the stage, so they come last.
PICTURES: dict[str, tuple[str, Callable[[Page, FieldStage, Path], None]]] = {
    "home": ("sunhua", home),
    "finding": ("sunhua", finding),
    "tool": ("sunhua", tool),
    "report": ("sunhua", report),
    "work": ("wangjianguo", work),
    "fix": ("wangjianguo", fix),
    "walk": ("sunhua", walk),
    "kept": ("sunhua", kept),
}


@contextmanager
def seen(browser: Browser, stage: FieldStage, login: str, width: int) -> Iterator[Page]:
    """The pages as this person has them at this width; narrow ones by touch."""
    device = {"viewport": {"width": width, "height": HEIGHTS[width]}}
    touch = {"is_mobile": True, "has_touch": True} if width < 1000 else {}
    page = Person(browser, stage.address, **device, **touch).sign_in(login).page
    page.set_default_timeout(30_000)
    yield page
    page.context.close()


def keep(png: bytes, name: str, folder: Path, *, whole: bool) -> None:
    """A whole page as it is, to look at; a first screen small, to be shown in a document."""
    picture = Image.open(BytesIO(png))
    if whole:
        picture.save(folder / f"{name}.png")
    else:
        picture.save(folder / f"{name}.webp", quality=70, method=6)


def main() -> None:
    """One WebP for each page and width."""
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("names", nargs="*", help=f"which of {', '.join(PICTURES)}; all when left out")
    told.add_argument("--whole", type=Path, help="write whole pages into this folder, to look at")
    options = told.parse_args()
    into = options.whole or IMAGES
    into.mkdir(parents=True, exist_ok=True)
    with field_stage() as stage, chromium() as browser, tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "现场.jpg").write_bytes(shot().data)
        for name in options.names or PICTURES:
            login, go = PICTURES[name]
            for width in HEIGHTS:
                with seen(browser, stage, login, width) as page:
                    go(page, stage, Path(folder))
                    page.wait_for_load_state("networkidle")
                    png = page.screenshot(full_page=options.whole is not None)
                keep(png, f"{name}-{width}", into, whole=options.whole is not None)


if __name__ == "__main__":
    main()
