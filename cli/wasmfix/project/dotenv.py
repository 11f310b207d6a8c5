"""Reading a `.env` as dotenv does."""

from __future__ import annotations

import re
from pathlib import Path

# `export` and quotes are optional, and what follows # in a value without quotes is a comment.
_LINE = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(?P<name>[\w.-]+)[ \t]*[=:][ \t]*"""
    r"""(?:'(?P<one>[^']*)'|"(?P<two>[^"]*)"|`(?P<back>[^`]*)`|(?P<bare>[^#\r\n]*))""",
    re.MULTILINE,
)


def read_dotenv(file: Path) -> dict[str, tuple[str, int]]:
    """The variables of a `.env`, each with the number of its line; none if it is not there or not ours to read."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    found: dict[str, tuple[str, int]] = {}
    for match in _LINE.finditer(text):
        quoted = [match[kind] for kind in ("one", "two", "back") if match[kind] is not None]
        value = quoted[0] if quoted else (match["bare"] or "").strip()
        found[match["name"]] = (value, text.count("\n", 0, match.start("name")) + 1)
    return found
