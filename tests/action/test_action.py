"""action.yml: its steps are run one after the other, as the runner runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from action.runner import Runner, evaluated
from conftest import ROOT, NpmProject

ZERO = "@rocicorp/zero-sqlite3"
CONTENT = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))

MakeRunner = Callable[[Path], Runner]


@pytest.fixture
def workspace(npm_project: NpmProject, scratch: Path) -> Path:
    """A repository with the application in a folder `app`, installed and not patched."""
    workspace = scratch.resolve() / "workspace"
    workspace.mkdir()
    npm_project(ZERO, "1.1.4").rename(workspace / "app")
    return workspace


def test_an_unpatched_tree_fails_with_annotation_summary_outputs_and_sarif(runner: MakeRunner, workspace: Path) -> None:
    job = runner(workspace).run(project="app", upload_sarif="true")
    assert job.failed
    assert job.step("wasmfix ci").code == 1
    (kind, properties, message), *_ = job.annotations
    assert kind == "error"
    assert properties["title"].startswith("WF501 ")
    assert (workspace / properties["file"]).is_file()
    assert properties["file"].startswith("app/")
    assert "wasmfix patch" in message
    assert "WF501" in job.summary
    assert "wasmfix patch" in job.summary
    assert {name: job.outputs[name] for name in ("exit-code", "verdict", "patched", "verified")} == {
        "exit-code": "1",
        "verdict": "error",
        "patched": "false",
        "verified": "skipped",
    }
    assert int(job.outputs["errors"]) >= 1
    assert ZERO in job.outputs["headline"]
    # Uploaded although the step before has failed.
    upload = job.step("Upload the SARIF report")
    sarif = json.loads(Path(upload.given["sarif_file"]).read_text(encoding="utf-8"))
    assert "WF501" in [result["ruleId"] for result in sarif["runs"][0]["results"]]


def test_apply_patches_with_the_engine_that_was_kept_and_the_next_run_passes(
    runner: MakeRunner, workspace: Path
) -> None:
    job = runner(workspace).run(project="app", apply="true")
    assert not job.failed, job.step("wasmfix ci").log
    assert "compiling" not in job.step("wasmfix ci").log
    assert job.outputs["patched"] == job.outputs["verified"] == "true"
    assert job.outputs["exit-code"] == "0"
    again = runner(workspace).run(project="app", apply="false")
    assert not again.failed, again.step("wasmfix ci").log
    assert [kind for kind, _, _ in again.annotations if kind == "error"] == []
    # The wasmfix of the outputs is there for the steps that follow.
    assert Path(job.outputs["wasmfix"]).is_file()
    # Nothing is uploaded that nobody asked for.
    assert [step.uses.partition("@")[0] for step in job.steps if step.uses] == ["actions/cache"]


def test_the_key_of_the_cache_is_the_same_for_a_patched_tree_and_another_for_another_sqlite(
    runner: MakeRunner, workspace: Path, npm_project: NpmProject
) -> None:
    def key(project: str) -> str:
        return runner(workspace).run(project=project).step("Restore the engines").given["key"]

    npm_project(ZERO, "1.0.15").rename(workspace / "other")
    assert key("app").startswith("wasmfix-Linux-X64-")
    assert key("app") == key("./app")
    assert key("app") != key("other")


def test_reports_go_where_they_are_told_to_go(runner: MakeRunner, workspace: Path) -> None:
    job = runner(workspace).run(project="app", report_dir="reports of today", fail_on="never")
    assert not job.failed
    assert Path(job.outputs["report-dir"]) == workspace / "reports of today"
    assert Path(job.outputs["sarif"]).parent == workspace / "reports of today"


def test_a_workspace_without_a_project_stops_with_an_annotation(runner: MakeRunner, scratch: Path) -> None:
    job = runner(scratch).run()
    assert job.step("wasmfix ci").code == 2
    (kind, _, message), *_ = job.annotations
    assert kind == "error"
    assert "package.json" in message
    assert job.outputs["exit-code"] == "2"
    # There is nothing to keep, so no key, and no cache.
    assert [step.uses for step in job.steps if step.uses] == []


HOSTILE = (
    '"; touch owned; "',
    "$(touch owned)",
    "`touch owned`",
    "' || touch owned #",
    "a\ntouch owned",
    "x\n::set-output name=patched::true\npatched=true",
    "--apply",
    "-rf",
    "${{ inputs.project }}",
    "*",
    "~",
)


_AS_INPUTS = (
    *({"project": value} for value in HOSTILE),
    *({"project": "app", "replica": value, "database_url": value, "report_dir": value} for value in HOSTILE),
    *({"project": "app", name: value} for name in ("apply", "fail_on") for value in HOSTILE[:6]),
)


@pytest.mark.parametrize("inputs", _AS_INPUTS, ids=lambda inputs: "+".join(inputs))
def test_no_input_is_taken_for_code_or_for_an_option(
    runner: MakeRunner, workspace: Path, inputs: dict[str, str]
) -> None:
    before = _files(workspace)
    one = runner(workspace)
    job = one.run(**inputs)
    assert not list(workspace.rglob("owned"))
    assert not list(one.temp.glob("owned"))
    assert job.failed
    # Nothing was patched, whatever was said.
    assert job.outputs["patched"] in ("false", "")
    if "report_dir" not in inputs:
        assert _files(workspace) == before


def _files(folder: Path) -> dict[str, int]:
    return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in folder.rglob("*")}


def test_a_password_is_in_no_log_summary_or_report(runner: MakeRunner, workspace: Path) -> None:
    url = "postgresql://reader:hunter2@127.0.0.1:9/app"
    job = runner(workspace).run(project="app", database_url=url)
    assert job.failed
    told = [step.log for step in job.steps] + [job.summary, *job.outputs.values()]
    reports = [file.read_text(encoding="utf-8") for file in (runner(workspace).temp / "wasmfix-report").glob("*")]
    assert not any("hunter2" in text for text in [*told, *reports])


def test_an_annotation_that_a_file_name_would_make_is_none(runner: MakeRunner, workspace: Path) -> None:
    (workspace / "app" / "package.json").unlink()
    (workspace / "app").rename(workspace / "::error::owned")
    job = runner(workspace).run(project="::error::owned")
    assert all("owned" not in kind and properties for kind, properties, _ in job.annotations)


def test_the_action_uses_actions_by_major_version_and_documents_every_input() -> None:
    uses = [step["uses"] for step in CONTENT["runs"]["steps"] if "uses" in step]
    assert all(name.count("@v") == 1 and name.partition("@v")[2].isdigit() for name in uses), uses
    page = (ROOT / "docs/recipes/github.md").read_text(encoding="utf-8")
    for name in [*CONTENT["inputs"], *CONTENT["outputs"]]:
        assert f"`{name}`" in page, name


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("${{ inputs.a }}-${{ steps.none.outputs.x }}.", "A b-."),
        ("${{ inputs.a == 'a B' }}", "true"),
        ("${{ !cancelled() && inputs.empty != '' }}", "false"),
        ("${{ inputs.empty || 'it''s' }}", "it's"),
    ],
)
def test_the_evaluator_of_these_tests_evaluates(expression: str, meant: str) -> None:
    assert evaluated(expression, {"inputs": {"a": "A b", "empty": ""}, "steps": {}}) == meant
