"""Sizes in bytes, as people write and read them."""

from __future__ import annotations

import re

_UNITS = ("B", "KB", "MB", "GB", "TB")
_WRITTEN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?\s*", re.IGNORECASE)


def parse_size(text: str) -> int:
    """`8GB`, `512 MiB`, `1.5g`, `1000000`, in bytes. A unit is a power of 1024, as Node and containers count.

    Raises:
        ValueError: it is none of these, or nothing.
    """
    match = _WRITTEN.fullmatch(text)
    if match is None or float(match[1]) == 0:
        raise ValueError(f"{text!r} is not a size such as 8GB or 512MB")
    return int(float(match[1]) * 1024 ** "bkmgt".index(match[2].lower() or "b"))


def show_size(size: float) -> str:
    """`512 B`, `1.4 KB`, `8.0 GB`: units of 1024."""
    unit = 0
    while abs(size) >= 1024 and unit < len(_UNITS) - 1:
        size /= 1024
        unit += 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 or size >= 100 else f"{size:.1f} {_UNITS[unit]}"
