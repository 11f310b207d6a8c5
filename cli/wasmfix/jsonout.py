"""`--json`: one document a run, with the version of its schema first."""

from __future__ import annotations

import json
from collections.abc import Mapping

import click

SCHEMA_VERSION = 1


def emit_error(line: str) -> None:
    """Print the document of a command that was stopped as a whole."""
    emit_json({"error": line})


def emit_json(content: Mapping[str, object]) -> None:
    """Print `content` with `schema_version` in front."""
    click.echo(json.dumps({"schema_version": SCHEMA_VERSION, **content}, indent=2, ensure_ascii=False))
