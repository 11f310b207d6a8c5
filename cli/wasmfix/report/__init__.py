"""How a report of `diagnose` looks: a renderer a file, each a function from a `Report` to text."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from wasmfix.diagnostics.run import Report

FORMATS = ("text", "json", "sarif", "junit", "markdown", "github", "gitlab", "html")
"""Each is a module of this package with `render(report) -> str`."""


def rendered(report: Report, format_: str) -> bytes:
    """The report in one of the formats, in UTF-8."""
    # Names that are not Unicode (a file's on Linux) have lone surrogates; written so, they are right in JSON, too.
    return renderer(format_)(report).encode("utf-8", "backslashreplace")


def renderer(format_: str) -> Callable[[Report], str]:
    """The function that renders one format; its module is loaded only now."""
    return cast("Callable[[Report], str]", importlib.import_module(f"wasmfix.report.{format_}").render)
