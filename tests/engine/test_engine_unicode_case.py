"""The tables that are made where a package lacks them, against those that another version brings."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from conftest import installed
from wasmfix.engine.unicode_case import HEADER, lacks_its_tables, tables

ZERO = "@rocicorp/zero-sqlite3"


def source(version: str) -> Path:
    return installed(ZERO, version) / "node_modules" / ZERO / "src" / "util" / "unicode_case.cpp"


def rows(header: str, name: str) -> list[list[int]]:
    """The numbers of each row of a table in a C header; of a mapping the last is how many count."""
    body = header.split(f"{name}[] = {{", 1)[1].split("};", 1)[0]
    lines = [line for line in body.splitlines() if line.strip()]
    return [[int(number, 0) for number in re.findall(r"0x[0-9a-f]+|\d+", line)] for line in lines]


def mapping(header: str, name: str) -> dict[int, list[int]]:
    return {row[0]: row[1 : 1 + row[-1]] for row in rows(header, name)}


def members(header: str, name: str) -> set[int]:
    return {code for low, high in rows(header, name) for code in range(low, high + 1)}


def known(code: int) -> bool:
    """Whether this Python's Unicode has the character."""
    return unicodedata.category(chr(code)) != "Cn"


def test_only_the_version_that_was_published_without_its_tables_lacks_them() -> None:
    assert lacks_its_tables(source("1.1.2"))
    assert not lacks_its_tables(source("1.1.4"))


def test_the_mappings_are_those_of_javascript_for_every_character_that_this_python_knows() -> None:
    made, published = tables(), source("1.1.4").with_name(HEADER).read_text()
    for name in ("kZeroLowerMap", "kZeroUpperMap"):
        ours, theirs = mapping(made, name), mapping(published, name)
        assert len(ours) > 1300
        assert list(ours) == sorted(ours)
        differing = [code for code in ours.keys() | theirs.keys() if ours.get(code) != theirs.get(code)]
        # A later Unicode may give a letter that was there the counterpart that it lacked.
        assert [hex(code) for code in differing if all(map(known, [code, *theirs.get(code, ())]))] == []


def test_what_a_final_sigma_looks_at_is_what_unicode_says() -> None:
    made, published = tables(), source("1.1.4").with_name(HEADER).read_text()
    ignorable = members(published, "kZeroCaseIgnorable")
    # The code asks first whether a character is ignorable, so only then does it matter whether it is cased.
    cased = members(published, "kZeroCased") - ignorable
    assert members(made, "kZeroCaseIgnorable").isdisjoint(members(made, "kZeroCased"))
    for name, theirs in (("kZeroCaseIgnorable", ignorable), ("kZeroCased", cased)):
        differing = {code for code in members(made, name) ^ theirs if known(code)}
        # From Unicode 14 to 17, one character of each property changed its category.
        assert len(differing) <= 2, sorted(map(hex, differing))
