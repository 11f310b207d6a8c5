"""The tables of zero-sqlite3's Unicode ``lower()`` and ``upper()``, for the version that was published without them.

``src/util/unicode_case.cpp`` includes ``unicode_case_data.h``, which lies beside it; in zero-sqlite3 1.1.2 it does not.
What it must declare can be read off the code that uses it: sorted mappings of one code point to one, two or three, and
ranges of the properties Cased and Case_Ignorable (Unicode 3.13, D135 and D136), by which a capital sigma becomes one
of the two small ones. The mappings are those of Python's ``str``, which are JavaScript's, for the version of Unicode
that this Python knows.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

HEADER = "unicode_case_data.h"

_SIGMA = "\u03a3"
_SMALL, _FINAL = "\u03c3", "\u03c2"


def lacks_its_tables(unicode_case: Path) -> bool:
    """True if the C++ file includes the tables and they are not beside it."""
    if unicode_case.with_name(HEADER).exists():
        return False
    return f'#include "{HEADER}"'.encode() in unicode_case.read_bytes()


def tables() -> str:
    """The content of the missing header, from this Python's Unicode database."""
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
    lines = [
        f"/* Unicode {unicodedata.unidata_version}, made by wasmfix. */",
        "typedef struct ZeroCaseMap { unsigned int from; unsigned int to[3]; unsigned char n; } ZeroCaseMap;",
        "typedef struct ZeroRange { unsigned int lo; unsigned int hi; } ZeroRange;",
        *_mapping("kZeroLowerMap", ((each, each.lower()) for each in characters)),
        *_mapping("kZeroUpperMap", ((each, each.upper()) for each in characters)),
        *_ranges("kZeroCased", (ord(each) for each in characters if _is_cased(each))),
        *_ranges("kZeroCaseIgnorable", (ord(each) for each in characters if _is_case_ignorable(each))),
    ]
    return "\n".join(lines) + "\n"


# Python has no names for the two properties, but follows them where it lowers a sigma: it becomes the final one after a
# cased letter, unless another follows; what is ignorable in between does not count.


def _is_case_ignorable(character: str) -> bool:
    alone, followed = f"A{_SIGMA}{character}".lower()[1], f"A{_SIGMA}{character}A".lower()[1]
    return (alone, followed) == (_FINAL, _SMALL)


def _is_cased(character: str) -> bool:
    return f"A{_SIGMA}{character}".lower()[1] == _SMALL


def _mapping(name: str, pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    rows = [(ord(one), [ord(each) for each in other]) for one, other in pairs if one != other]
    yield f"static const ZeroCaseMap {name}[] = {{"
    for one, others in rows:
        yield f"{{{one}u, {{{', '.join(f'{each}u' for each in others)}}}, {len(others)}}},"
    yield "};"
    yield f"static const int {name}Len = {len(rows)};"


def _ranges(name: str, codes: Iterable[int]) -> Iterator[str]:
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    yield f"static const ZeroRange {name}[] = {{"
    yield from (f"{{{low}u, {high}u}}," for low, high in ranges)
    yield "};"
    yield f"static const int {name}Len = {len(ranges)};"
