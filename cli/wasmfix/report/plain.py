"""Text from elsewhere (names of tables, words of a server) that must not steer what shows it."""

from __future__ import annotations

import unicodedata

_STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")


def plain(text: str) -> str:
    """One line without control characters: no escape sequences for a terminal, no text that runs backwards."""
    return "".join(_visible(char) if unicodedata.category(char) in _STEERING else char for char in text)


def _visible(char: str) -> str:
    return " " if char in "\n\r\t" else f"\\u{ord(char):04x}"
