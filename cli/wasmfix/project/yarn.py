"""Yarn Plug'n'Play: packages that stay in their zip archives, listed in .pnp.cjs (or .pnp.data.json)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_FILES = (".pnp.cjs", ".pnp.js", ".pnp.data.json")


def zipped_packages(root: Path, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """`(name, location)` of the packages in zips; the location is as Yarn wrote it, from the project's root."""
    text = ""
    for name in _FILES:
        file = root / name
        if file.is_file():
            text += file.read_text(encoding="utf-8", errors="replace")
    if not text:
        return
    for name in names:
        location = re.compile(rf'"packageLocation":\s*"([^"]+\.zip/node_modules/{re.escape(name)}/)"')
        for found in sorted(set(location.findall(text))):
            yield name, found
