"""QR codes as pictures a page can show: black on white whatever the page's colours, with the quiet margin."""

from __future__ import annotations

import segno


def qr_picture(text: str) -> str:
    """A data: address of an SVG; error correction M, so that a scratched sign still scans."""
    return str(segno.make_qr(text, error="m").svg_data_uri(scale=4, border=4, light="white"))
