"""The JSON schema of a wasmfix.toml, for editors; written from the keys into the package.

python -m wasmfix.config.schema [--check]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from wasmfix.config.keys import ID_PATTERN, LONGEST_SIZE, SEVERITIES, TABLES, Key

SCHEMA = Path(__file__).parent / "schemas" / "wasmfix-1.schema.json"
# As wasmfix.diagnostics.sizes reads it: a number above 0, with or without a unit.
_SIZE = r"^\s*(?=[0-9.]*[1-9])[0-9]+(\.[0-9]+)?\s*[kKmMgGtT]?([iI]?[bB])?\s*$"


def schema() -> dict[str, object]:
    """The schema as a document. For a table `[tool.wasmfix]` it holds just the same."""
    severity = {
        "description": "by the id of a finding: how bad it is here; off takes it out of the report",
        "type": "object",
        "propertyNames": {"pattern": ID_PATTERN},
        "additionalProperties": {"enum": list(SEVERITIES)},
    }
    tables = {name: _table(keys) for name, keys in TABLES.items() if name}
    content = _table(TABLES[""], {**tables, "severity": severity})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "wasmfix.toml, and [tool.wasmfix] in pyproject.toml",
        **content,
    }


def _table(keys: Iterable[Key], further: dict[str, object] | None = None) -> dict[str, object]:
    properties: dict[str, object] = {key.name: {"description": key.meaning, **_value(key)} for key in keys}
    return {"type": "object", "properties": {**properties, **(further or {})}, "additionalProperties": False}


def _value(key: Key) -> dict[str, object]:
    word: dict[str, object] = {"enum": list(key.choices)} if key.choices else {"type": "string", "minLength": 1}
    values: dict[str, dict[str, object]] = {
        "text": word,
        "path": word,
        "choice": word,
        "flag": {"type": "boolean"},
        "list": {"type": "array", "items": word},
        "size": {"type": "string", "pattern": _SIZE, "maxLength": LONGEST_SIZE},
        "count": {"type": "integer", "minimum": 1},
    }
    return values[key.kind]


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if the file is not as it would be written.")
def main(check: bool) -> None:
    wanted = json.dumps(schema(), indent=2) + "\n"
    if not check:
        SCHEMA.write_text(wanted, encoding="utf-8")
    elif not SCHEMA.is_file() or SCHEMA.read_text(encoding="utf-8") != wanted:
        click.echo(f"{SCHEMA} is not what the keys say", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
