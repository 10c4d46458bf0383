"""What a ZIP somebody sent may raise while it is read: phones' exports and Excel workbooks both are ZIPs."""

from __future__ import annotations

import lzma
import zipfile
import zlib

#: RuntimeError stands for an encrypted entry, a way of packing this library does not have (its NotImplementedError) and
#: a list nested without end (RecursionError); each packer has an error of its own.
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError, ValueError,
)  # fmt: skip
