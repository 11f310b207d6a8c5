"""Which sections a run has: each subject's module decides by the options."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from wasmfix.diagnostics.options import Options
from wasmfix.diagnostics.run import Section

SUBJECTS = ("project", "probe", "replica", "database")
"""Modules of `checks`, in the order in which they run. Each has `sections(options) -> Iterable[Section]`."""


def sections(options: Options) -> Iterator[Section[Any]]:
    """What there is to look at; a module is imported when its turn has come."""
    for name in SUBJECTS:
        yield from importlib.import_module(f"wasmfix.diagnostics.checks.{name}").sections(options)
