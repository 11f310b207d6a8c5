"""The line of a mistake: found with TOML's own parser, for every way to write a key."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasmfix.config.mistakes import line_of

DOCUMENT = (
    '''\
# targets = ["a comment"]
title = """
[tool.wasmfix]
targets = []
"""

[tool.wasmfix]  # the real one
targets = [
  "one",  # ] not the end
  "two", "three",
]
fail-on = 'never'
heap-limit \\
'''.replace("heap-limit \\\n", '"heap-limit" = "8GB"\n')
    + """\
thresholds.rows = 5
severity = { WF106 = "off", WF114 = "note" }

[[tool.other]]
name = "first"
[[tool.other]]
name = "second"
"""
)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("tool", "wasmfix"), 7),
        (("tool", "wasmfix", "targets"), 8),
        (("tool", "wasmfix", "targets", 0), 9),
        (("tool", "wasmfix", "targets", 1), 10),
        (("tool", "wasmfix", "targets", 2), 10),
        (("tool", "wasmfix", "fail-on"), 12),
        (("tool", "wasmfix", "heap-limit"), 13),
        (("tool", "wasmfix", "thresholds", "rows"), 14),
        (("tool", "wasmfix", "severity", "WF114"), 15),
        (("tool", "other", 1, "name"), 20),
        (("tool", "nowhere"), 1),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_keys_line_is_the_one_where_its_statement_begins(path: Sequence[str | int], line: int, newline: str) -> None:
    assert line_of(DOCUMENT.replace("\n", newline), path) == line


values = st.sampled_from(
    ['"x"', "1", "true", "[\n1,\n2]", '"""\n# = [\n"""', "'''\n\"\"\"'''", "{ a = 1 }", "1979-05-27"]
)
keys = st.sampled_from(["a", "b-c", '"d e"', '"#"', '"x = ["', "'\"'", "ü".join("''")])
fillers = st.sampled_from(["", "\n", "# [t]\n", "# a = 1\n\n"])


@settings(deadline=None)
@given(st.lists(st.tuples(fillers, keys, values), min_size=1, max_size=7, unique_by=lambda each: each[1]))
def test_whatever_stands_around_it(statements: list[tuple[str, str, str]]) -> None:
    """Each line is counted while the document is written."""
    text, begins = "", {}
    for filler, key, value in statements:
        text += filler
        begins[key] = text.count("\n") + 1
        text += f"{key} = {value}\n"
    for key, line in begins.items():
        name = key[1:-1] if key[0] in "\"'" else key
        assert line_of(text, (name,)) == line
