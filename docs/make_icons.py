"""Draw the app's icons from its mark: `python docs/make_icons.py` writes forms/static/icons/*.png.

Needs Chromium. Run it when forms/static/mark.svg changes, and commit what it writes.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

STATIC = Path(__file__).parents[1] / "forms" / "static"
PAPER = "#f6f7f5"

#: File, pixels, background, share of the side the mark takes: a maskable icon loses what lies outside four fifths.
ICONS = (
    ("192", 192, "transparent", 1.0),
    ("512", 512, "transparent", 1.0),
    ("maskable", 512, PAPER, 0.62),
    ("180", 180, PAPER, 0.78),
)


def main() -> None:
    """One picture after the other, in a page of its size."""
    mark = (STATIC / "mark.svg").read_text(encoding="utf-8")
    folder = STATIC / "icons"
    folder.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=["--no-sandbox"]
        )
        page = browser.new_page()
        for name, side, background, share in ICONS:
            page.set_viewport_size({"width": side, "height": side})
            style = f"<style>body{{margin:0;display:grid;place-items:center;height:100vh;background:{background}}}"
            page.set_content(f"{style}svg{{width:{share:.0%};height:{share:.0%}}}</style>{mark}")
            page.screenshot(path=folder / f"{name}.png", omit_background=True)
        browser.close()


if __name__ == "__main__":
    main()
