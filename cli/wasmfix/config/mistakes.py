"""A mistake in a settings file, and the line that it is in.

tomllib tells no positions of values. But where a line ends a statement, the text up to there is a valid document by
itself, and where it does not (inside of an array, of a string of several lines) it is none. So the statement that
brings a key is found by reading the file line by line longer, with TOML's own parser, until the key is there.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from wasmfix.errors import WasmfixError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class ConfigError(WasmfixError):
    """A WasmfixError with the place, so that CI can show it beside the line."""

    def __init__(self, what: str, *, file: Path, line: int, shown: str, remedy: str | None = None) -> None:
        self.file = file
        self.line = line
        super().__init__(what, where=f"{shown}:{line}", remedy=remedy)


def line_of(text: str, path: Sequence[str | int]) -> int:
    """The line, from 1, in which a value begins; 1 if it is not there.

    Args:
        text: a valid TOML document.
        path: keys and, in arrays, places: `("tool", "wasmfix", "targets", 0)`.
    """
    lines, begin = text.split("\n"), 0
    for end in range(1, len(lines) + 1):
        if (document := _parsed(lines[:end])) is None:
            continue
        if _has(document, path):
            return _in_statement(lines, begin, end, path)
        begin = end
    return 1


def _in_statement(lines: Sequence[str], begin: int, end: int, path: Sequence[str | int]) -> int:
    """Where the statement begins; for an entry of an array, where the entry ends, which may be further down."""
    if not isinstance(path[-1], int):
        return begin + 1
    for line in range(begin + 1, end):
        # An array that is closed early has the entries so far.
        document = _parsed([*lines[:line], "]"])
        if document is not None and _has(document, path):
            return line
    return end


def _parsed(lines: Sequence[str]) -> dict[str, object] | None:
    try:
        content: dict[str, object] = tomllib.loads("\n".join(lines) + "\n")
    except ValueError:
        return None
    return content


def _has(document: object, path: Sequence[str | int]) -> bool:
    for step in path:
        in_table = isinstance(document, dict) and step in document
        in_array = isinstance(document, list) and isinstance(step, int) and step < len(document)
        if not in_table and not in_array:
            return False
        document = document[step]  # type: ignore[index]
    return True
