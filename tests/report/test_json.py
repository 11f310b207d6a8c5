from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from made_reports import of_every_report, sample
from wasmfix.diagnostics import Report
from wasmfix.diagnostics.run import Report as Empty
from wasmfix.report.json import SCHEMA, render

VALIDATOR = Draft202012Validator(
    json.loads(SCHEMA.read_text(encoding="utf-8")), format_checker=Draft202012Validator.FORMAT_CHECKER
)


def test_the_published_schema_is_one() -> None:
    Draft202012Validator.check_schema(VALIDATOR.schema)


@of_every_report
def test_every_report_is_valid(report: Report) -> None:
    VALIDATOR.validate(json.loads(render(report)))


@pytest.mark.parametrize("report", [sample(), Empty()], ids=["trouble", "empty"])
def test_the_schema_names_every_field_that_is_written(report: Report) -> None:
    """So that a field that is added is published, too: nothing passes that the schema does not describe."""
    strict = json.loads(json.dumps(VALIDATOR.schema), object_hook=_closed)
    strict["properties"]["started"] = {}
    Draft202012Validator(strict).validate(json.loads(render(report)))


def _closed(schema: dict[str, object]) -> dict[str, object]:
    return {**schema, "additionalProperties": False} if "required" in schema and "properties" in schema else schema


@pytest.mark.parametrize(
    "damage",
    [
        lambda document: document.pop("complete"),
        lambda document: document.update(schema_version=2),
        lambda document: document["findings"][0].update(id="WF9"),
        lambda document: document["findings"][0].update(severity="fatal"),
        lambda document: document["tables"][0].update(rows=-1),
        lambda document: document["checks"][0].update(status="maybe"),
    ],
)
def test_the_schema_refuses_what_is_not_a_report(damage) -> None:  # type: ignore[no-untyped-def]
    document = json.loads(render(sample()))
    damage(document)
    assert not VALIDATOR.is_valid(document)


def test_programs_get_the_same_as_people() -> None:
    document = json.loads(render(sample()))
    assert document["verdict"] == "error"
    assert [found["id"] for found in document["findings"]] == ["WF104", "WF131", "WF119"]
    assert document["findings"][0]["remedy"]["command"] == "wasmfix patch"
    assert document["findings"][1]["location"] == {"file": "/srv/chat app/.env", "line": 7}
    assert document["tables"][1] == {
        "name": "comment",
        "rows": 12_345_678,
        "exact": False,
        "size": 3 * 1024**3,
        "index_size": 1024**3,
        "average": 260.9,
        "largest": 1_200_000,
        "published": True,
    }
