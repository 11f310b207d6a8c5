"""Sizes in bytes, as people write and read them."""

from __future__ import annotations

import re

_UNITS = ("B", "KB", "MB", "GB", "TB")
_WRITTEN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?\s*", re.IGNORECASE)

_LONGEST = 40
_LARGEST = 1 << 60
_SMALLEST_HEAP = 16 << 20


def parse_size(text: str) -> int:
    """`8GB`, `512 MiB`, `1.5g`, `1000000`, in bytes. A unit is a power of 1024, as Node and containers count.

    Raises:
        ValueError: it is none of these, or nothing.
    """
    match = _WRITTEN.fullmatch(text)
    # 400 digits are no number to multiply, and half a byte is nothing.
    size = (
        int(float(match[1]) * 1024 ** "bkmgt".index(match[2].lower() or "b")) if match and len(text) <= _LONGEST else 0
    )
    if not 0 < size <= _LARGEST:
        said = repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
        raise ValueError(f"{said} is not a size such as 8GB or 512MB")
    return size


def parse_heap_limit(text: str) -> int:
    """A size in which a Node can start.

    Raises:
        ValueError: it is none, or less; most likely a number as V8's own flag takes it, in MB.
    """
    size = parse_size(text)
    if size < _SMALLEST_HEAP:
        hint = f"; did you mean {text.strip()}MB?" if text.strip().isdecimal() else ""
        raise ValueError(f"{text!r} is less than any Node needs: {show_size(_SMALLEST_HEAP)} is the least{hint}")
    return size


def show_size(size: float) -> str:
    """`512 B`, `1.4 KB`, `8.0 GB`: units of 1024."""
    unit = 0
    while abs(size) >= 1024 and unit < len(_UNITS) - 1:
        size /= 1024
        unit += 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 or size >= 100 else f"{size:.1f} {_UNITS[unit]}"
