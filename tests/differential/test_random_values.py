"""Any value, through binding, columns of any type, functions and every way of reading: the same on both drivers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from differential.drivers import Driver
from differential.programs import Both, Interpreter, Program, values

TYPES = ["", "INTEGER", "REAL", "TEXT", "BLOB", "NUMERIC", "TEXT COLLATE NOCASE", "INTEGER NOT NULL", "DATETIME"]


@pytest.fixture(scope="module")
def both(native: Driver, engine: Driver) -> Iterator[Both]:
    pair = Both(Interpreter(native), Interpreter(engine))
    yield pair
    pair.native.close()
    pair.engine.close()


@st.composite
def programs(draw: st.DrawFn) -> Program:
    columns = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=5))
    row = st.lists(values, min_size=len(columns), max_size=len(columns))
    return {"kind": "values", "columns": columns, "rows": draw(st.lists(row, min_size=1, max_size=6))}


@settings(deadline=None, max_examples=800, derandomize=True, suppress_health_check=list(HealthCheck))
@given(program=programs())
def test_values_come_back_as_from_native(both: Both, program: Program) -> None:
    both.agree(program)
