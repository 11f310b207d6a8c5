"""Against the official schema of SARIF 2.1.0, as Microsoft's package for Jest carries it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from conftest import installed
from made_reports import of_every_report, sample
from wasmfix.diagnostics import Location, Report, Severity
from wasmfix.report.sarif import render

PACKAGE = "@microsoft/jest-sarif"


@pytest.fixture(scope="session")
def validator() -> Draft4Validator:
    folder = installed(PACKAGE, "1.0.0-beta.0") / "node_modules" / PACKAGE / "lib" / "schemas"
    schema = json.loads((folder / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
    return Draft4Validator(schema, format_checker=Draft4Validator.FORMAT_CHECKER)


def run_of(report: Report) -> dict[str, Any]:
    (run,) = json.loads(render(report))["runs"]
    return dict(run)


@of_every_report
def test_every_report_is_valid(validator: Draft4Validator, report: Report) -> None:
    validator.validate(json.loads(render(report)))


def test_the_schema_is_one_that_refuses(validator: Draft4Validator) -> None:
    document = json.loads(render(sample()))
    document["runs"][0]["results"][0]["level"] = "fatal"
    assert not validator.is_valid(document)


@of_every_report
def test_each_result_has_its_rule(report: Report) -> None:
    run = run_of(report)
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [
        each.id for each in report.findings if each.severity is not Severity.OK
    ]


@of_every_report
def test_each_result_is_one_that_code_scanning_takes(report: Report) -> None:
    """It refuses a file in which one result has no file and line, and takes what has passed for an alert."""
    for result in run_of(report)["results"]:
        (place,) = result["locations"]
        uri = place["physicalLocation"]["artifactLocation"]["uri"]
        assert uri
        assert not uri.startswith(("/", "file:"))
        assert place["physicalLocation"]["region"]["startLine"] >= 1
        assert (result["kind"], result["level"] in ("error", "warning", "note")) == ("fail", True)


def test_places_are_relative_to_the_project_with_their_lines() -> None:
    run = run_of(sample())
    first, second = (result["locations"][0] for result in run["results"])
    assert first["physicalLocation"]["artifactLocation"] == {
        "uri": "node_modules/%40rocicorp/zero-sqlite3/lib/index.js",
        "uriBaseId": "PROJECT",
    }
    assert second["physicalLocation"]["region"] == {"startLine": 7}
    assert second["logicalLocations"] == [{"name": "ZERO_NUM_SYNC_WORKERS"}]
    assert run["originalUriBaseIds"] == {"PROJECT": {"uri": "file:///srv/chat%20app/"}}


def test_what_is_about_no_file_of_the_project_stands_beside_its_manifest() -> None:
    report = sample()
    places = (None, Location(Path("/elsewhere/zero.db"), 7))
    findings = tuple(replace(report.findings[1], location=place) for place in places)
    for result in run_of(replace(report, findings=findings))["results"]:
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "package.json", "uriBaseId": "PROJECT"}
        assert place["region"] == {"startLine": 1}


def test_what_is_in_order_is_no_alert() -> None:
    assert [result["level"] for result in run_of(sample())["results"]] == ["error", "warning"]


def test_the_same_finding_keeps_its_fingerprint_when_its_numbers_change() -> None:
    report = sample()
    found = replace(report.findings[1], what="15 sync workers", location=Location(Path("/elsewhere/.env"), 9))
    other = replace(report, root="/elsewhere", findings=(found,))
    prints = [result["partialFingerprints"] for result in (*run_of(report)["results"], *run_of(other)["results"])]
    assert prints[1] == prints[2]
    assert prints[0] != prints[1]
