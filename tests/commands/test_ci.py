"""`wasmfix ci` as CI runs it: real workspaces, in a process of its own, with the variables of GitHub and GitLab."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import managers
import nodejs
from commands.conftest import Ran, Wasmfix
from conftest import own_environment, patch
from diagnostics.projects import BETTER, SHIM, ZERO_DRIVER, add_package, project
from diagnostics.replicas import replica
from diagnostics.upstream import CHAT, INCIDENT, Upstream
from trees import snapshot
from zero_cache.postgres import Postgres

# What a CI server that runs these tests has set.
NOWHERE = dict.fromkeys(
    (
        *("GITHUB_ACTIONS", "GITHUB_WORKSPACE", "GITHUB_EVENT_PATH", "GITHUB_BASE_REF", "GITHUB_STEP_SUMMARY"),
        *("GITHUB_OUTPUT", "GITLAB_CI", "CI_PROJECT_DIR", "CI_COMMIT_BEFORE_SHA", "CI_MERGE_REQUEST_DIFF_BASE_SHA"),
        *("NODE_PATH", "WASMFIX_DATABASE_URL"),
    ),
    "",
)
REPORTS = ("wasmfix.json", "wasmfix.sarif", "wasmfix.junit.xml", "wasmfix.html", "wasmfix.md")
CODE_QUALITY = "gl-code-quality-report.json"

Ci = Callable[..., Ran]


@pytest.fixture
def ci(wasmfix) -> Ci:  # type: ignore[no-untyped-def]
    """`ci(folder, …, NAME=value)`: outside of any CI server, unless variables say otherwise."""

    def run(*arguments: str | Path, cwd: Path | None = None, **variables: str) -> Ran:
        ran: Ran = wasmfix("ci", *arguments, variables={**NOWHERE, **variables}, cwd=cwd)
        return ran

    return run


class GitHub:
    """A job of GitHub Actions: its variables, and what it was told."""

    def __init__(self, folder: Path, workspace: Path) -> None:
        folder.mkdir()
        self._output, self._summary = folder / "output", folder / "summary"
        self._output.touch()
        self._summary.touch()
        self.variables = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_OUTPUT": str(self._output),
            "GITHUB_STEP_SUMMARY": str(self._summary),
        }

    @property
    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self._output.read_text().splitlines())

    @property
    def summary(self) -> str:
        return self._summary.read_text()


def annotations(text: str) -> list[dict[str, str]]:
    """What the runner makes of the lines of a log."""
    found, stopped = [], ""
    for line in text.splitlines():
        if line.startswith("::stop-commands::"):
            stopped = f"::{line.removeprefix('::stop-commands::')}::"
        elif line == stopped:
            stopped = ""
        elif line.startswith("::") and not stopped:
            command, _, message = line.removeprefix("::").partition("::")
            kind, _, properties = command.partition(" ")
            pairs = dict(each.split("=", 1) for each in properties.split(","))
            found.append({"kind": kind, **pairs, "text": message.replace("%0A", "\n").replace("%25", "%")})
    assert not stopped
    return found


def ids(report: Path) -> list[str]:
    return [found["id"] for found in json.loads(report.read_text())["findings"]]


def suites(file: Path) -> dict[str, tuple[int, int]]:
    """Of each suite of a JUnit file, its cases and its failures."""
    root = ElementTree.parse(file).getroot()
    assert root.get("name") == "wasmfix ci"
    return {str(suite.get("name")): (int(suite.get("tests", 0)), int(suite.get("failures", 0))) for suite in root}


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=T", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
    # Nothing that goes on in .git after the command's end.
    who += ["-c", "maintenance.auto=false", "-c", "gc.auto=0"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write_json(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2) + "\n")


def set_version(workspace: Path, version: str) -> None:
    manifest = {"name": "api", "version": "1.0.0", "private": True, "dependencies": {ZERO_DRIVER: version}}
    write_json(workspace / "packages" / "api" / "package.json", manifest)


@pytest.fixture
def origin(scratch: Path) -> Path:
    """A repository with a pnpm workspace in the folder chat, whose member api wants zero-sqlite3 1.0.15."""
    root = scratch.resolve() / "origin"
    workspace = root / "chat"
    write_json(workspace / "package.json", {"name": "chat", "private": True})
    (workspace / "pnpm-workspace.yaml").write_text("packages:\n  - packages/*\n")
    (root / ".gitignore").write_text("node_modules\n")
    set_version(workspace, "1.0.15")
    managers.pnpm().install(workspace, "--lockfile-only")
    git(root, "init", "-q", "-b", "main")
    commit(root, "one")
    return root


def commit(root: Path, words: str) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", words)


def pushed(origin: Path, name: str, depth: int = 2) -> Path:
    """What a job begins with: a shallow checkout, in which pnpm has installed what the lock file says."""
    checkout = origin.parent / name
    git(origin.parent, "clone", "-q", "--depth", str(depth), f"file://{origin}", str(checkout))
    install = [*managers.pnpm().command, "install", "--frozen-lockfile", *managers.pnpm().options[:-1]]
    environment = {**nodejs.environment(), "CI": "1"}
    nodejs.download(install, checkout / "chat", environment)
    return checkout


@pytest.mark.skipif(shutil.which("git") is None, reason="no git")
def test_a_push_fails_unpatched_passes_patched_and_fails_after_a_version_bump(ci: Ci, origin: Path) -> None:
    checkout = pushed(origin, "first")
    lock = (checkout / "chat" / "pnpm-lock.yaml").read_text().splitlines()
    folder = "packages/api/node_modules/@rocicorp/zero-sqlite3"

    # As the install left it.
    job, reports = GitHub(origin.parent / "job-1", checkout), origin.parent / "reports-1"
    ran = ci("chat", "--report-dir", reports, cwd=checkout, **job.variables)
    assert (ran.code, ran.err) == (1, "")
    (said,) = annotations(ran.out)
    assert (said["kind"], said["file"]) == ("error", "chat/pnpm-lock.yaml")
    assert "'@rocicorp/zero-sqlite3@1.0.15':" in lock[int(said["line"]) - 1]
    assert said["title"] == "WF501 The package is not patched"
    assert said["text"].startswith(f"@rocicorp/zero-sqlite3 1.0.15: it is not patched\n{folder}\n")
    assert "no native binary" in said["text"]
    assert said["text"].endswith("\n$ wasmfix patch chat")
    assert sorted(file.name for file in reports.iterdir()) == sorted([*REPORTS, CODE_QUALITY])
    assert ids(reports / "wasmfix.json") == ["WF501"]
    assert suites(reports / "wasmfix.junit.xml")["wasmfix.patch"] == (2, 1)
    assert "wasmfix.verify" not in suites(reports / "wasmfix.junit.xml")
    (result,) = json.loads((reports / "wasmfix.sarif").read_text())["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "chat/pnpm-lock.yaml"
    assert place["region"]["startLine"] == int(said["line"])
    (entry,) = json.loads((reports / CODE_QUALITY).read_text())
    assert (entry["check_name"], entry["location"]["path"]) == ("WF501", "chat/pnpm-lock.yaml")
    assert job.summary == (reports / "wasmfix.md").read_text()
    assert job.summary.startswith("## wasmfix ci: 1 error\n\n`@rocicorp/zero-sqlite3 1.0.15`: **it is not patched**")
    outputs = job.outputs
    assert (outputs["exit-code"], outputs["verdict"], outputs["errors"]) == ("1", "error", "1")
    assert (outputs["patched"], outputs["verified"]) == ("false", "skipped")
    assert outputs["sarif"] == str(reports / "wasmfix.sarif")

    # The step that was missing.
    patch(checkout / "chat")
    job, reports = GitHub(origin.parent / "job-2", checkout), origin.parent / "reports-2"
    ran = ci("chat", "--report-dir", reports, cwd=checkout, **job.variables)
    assert ran.code == 0
    assert annotations(ran.out) == []
    assert set(ids(reports / "wasmfix.json")) == {"WF509", "WF512"}
    assert suites(reports / "wasmfix.junit.xml")["wasmfix.verify"] == (1, 0)
    assert json.loads((reports / CODE_QUALITY).read_text()) == []
    # Code scanning would show what is in order as an alert.
    assert json.loads((reports / "wasmfix.sarif").read_text())["runs"][0]["results"] == []
    assert (job.outputs["exit-code"], job.outputs["patched"], job.outputs["verified"]) == ("0", "true", "true")

    # Somebody's bot bumps the version.
    set_version(origin / "chat", "1.1.4")
    managers.pnpm().install(origin / "chat", "--lockfile-only")
    commit(origin, "two")
    checkout = pushed(origin, "second")
    job, reports = GitHub(origin.parent / "job-3", checkout), origin.parent / "reports-3"
    ran = ci("chat", "--report-dir", reports, cwd=checkout, **job.variables)
    assert ran.code == 1
    (said,) = annotations(ran.out)
    assert (said["kind"], said["file"]) == ("error", "chat/pnpm-lock.yaml")
    assert said["title"] == "WF502 The package changed its version%2C and the patch went with the old one"
    assert said["text"].startswith(
        f"@rocicorp/zero-sqlite3 1.1.4: it was 1.0.15 before, and 1.1.4 is not patched\n{folder}\n"
    )
    assert "\n1.0.15: pnpm-lock.yaml of HEAD^\n" in said["text"]
    assert "an engine is built from its SQLite 3.54.0" in said["text"]
    assert said["text"].endswith("\n$ wasmfix patch chat")
    assert ids(reports / "wasmfix.json") == ["WF502"]
    assert suites(reports / "wasmfix.junit.xml")["wasmfix.patch"] == (2, 1)

    # One step does it, too, with no network.
    closed = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    ran = ci(checkout / "chat", "--apply", "--verify", "quick", "--json", **closed)
    assert ran.code == 0
    assert [found["id"] for found in ran.json["findings"]] == ["WF509", "WF512"]
    assert ran.json["findings"][0]["what"] == "patched in this run: addon-loader"


def test_a_bump_where_pnpm_keeps_the_old_copy_tells_of_both_sqlites(ci: Ci, origin: Path) -> None:
    workspace = origin / "chat"
    shutil.rmtree(origin / ".git")
    managers.pnpm().install(workspace)
    patch(workspace)
    set_version(workspace, "1.1.4")
    managers.pnpm().install(workspace)
    ran = ci("--json", cwd=workspace)
    assert ran.code == 1
    found = ran.json["findings"][0]
    assert (found["id"], found["remedy"]["command"]) == ("WF502", "wasmfix patch")
    assert "1.0.15: the copy of it that is left, which is patched" in found["evidence"]
    assert "SQLite 3.50.0 is now 3.54.0" in found["evidence"]
    assert found["data"]["before"] == "1.0.15"
    assert found["location"]["file"] == str(workspace / "pnpm-lock.yaml")


@pytest.fixture
def app(scratch: Path) -> Path:
    """A project with zero-sqlite3, and its native binary."""
    return project(scratch.resolve() / "app", (ZERO_DRIVER, "1.1.4"))


def test_without_apply_nothing_is_changed(ci: Ci, app: Path) -> None:
    before = snapshot(app, times=True)
    ran = ci(cwd=app)
    assert ran.code == 1
    assert "\x1b" not in ran.out
    first, _remedy, command, *_ = ran.out.splitlines()
    assert (first, command) == ("✗ @rocicorp/zero-sqlite3 1.1.4: it is not patched", "  $ wasmfix patch")
    assert snapshot(app, times=True) == before


def test_apply_patches_once_and_verifies(ci: Ci, app: Path) -> None:
    first = ci(app, "--apply", "--verify", "quick")
    assert (first.code, "patched in this run: addon-loader" in first.out) == (0, True)
    assert "verify @rocicorp/zero-sqlite3 1.1.4" in first.out
    before = snapshot(app, times=True)
    again = ci(app, "--apply", "--verify", "quick", "--json")
    assert again.code == 0
    assert [found["what"].split(",")[0] for found in again.json["findings"]] == [
        "patched by wasmfix 0.1.0",
        "5 checks passed",
    ]
    assert snapshot(app, times=True) == before
    # The settings say so, the command line has the last word.
    (app / "wasmfix.toml").write_text("apply = true\n")
    restore(app)
    assert ci(app, "--check", "--verify", "off").code == 1
    assert ci(app, "--verify", "off").code == 0


def restore(folder: Path) -> None:
    run = [sys.executable, "-m", "wasmfix", "restore", str(folder)]
    subprocess.run(run, env=own_environment(), check=True, capture_output=True)


def test_a_file_that_was_changed_since_is_named_and_its_cure_is_in_words(ci: Ci, app: Path) -> None:
    patch(app)
    loader = app / "node_modules" / ZERO_DRIVER / "lib" / "database.js"
    loader.write_text(loader.read_text() + "// mine\n")
    ran = ci(app, "--verify", "off", "--json")
    (found,) = [found for found in ran.json["findings"] if found["severity"] == "error"]
    assert (ran.code, found["id"]) == (1, "WF504")
    assert found["evidence"] == [
        "node_modules/@rocicorp/zero-sqlite3/lib/database.js was changed by someone else since"
    ]
    assert found["remedy"]["command"] is None
    words = found["remedy"]["text"].split("`")[1].split()
    assert words == ["wasmfix", "patch", "--force"]
    subprocess.run([sys.executable, "-m", *words], cwd=app, env=own_environment(), check=True, capture_output=True)
    assert ci(app, "--verify", "off").code == 0


def test_what_another_wasmfix_patched_is_out_of_date_once(ci: Ci, app: Path) -> None:
    patch(app)
    record = app / "node_modules" / ZERO_DRIVER / ".wasmfix" / "record.json"
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "wasmfix": "0.0.9", "sources": "0" * 64}))
    ran = ci(app, "--verify", "quick", "--json")
    said = [(found["id"], found["what"]) for found in ran.json["findings"] if found["severity"] != "ok"]
    # It still runs, which is said, too.
    assert said == [("WF503", "patched by wasmfix 0.0.9, this one would make other files of it")]
    assert "WF512" in [found["id"] for found in ran.json["findings"]]
    assert ci(app, "--apply", "--verify", "off").code == 0


def test_a_package_that_cannot_be_patched_says_why(ci: Ci, app: Path) -> None:
    (app / "node_modules" / ZERO_DRIVER / "lib" / "database.js").write_text("module.exports = {};\n")
    ran = ci(app, "--json")
    (found,) = [found for found in ran.json["findings"] if found["severity"] != "ok"]
    assert (ran.code, found["id"]) == (1, "WF506")
    assert any("database.js" in line for line in found["evidence"])
    # With --apply it stops, as `wasmfix patch` does.
    applied = ci(app, "--apply", "--json")
    assert (applied.code, applied.json["findings"][0]["id"]) == (2, "WF002")


def test_a_missing_entry_point_is_evidence_of_one_finding(ci: Ci, app: Path) -> None:
    (app / "node_modules" / ZERO_DRIVER / "lib" / "index.js").unlink()
    (found,) = ci(app, "--json").json["findings"]
    assert (found["id"], found["what"]) == ("WF501", "it is not patched (missing-index)")
    assert "WF103: its entry point is missing" in found["evidence"]


def test_a_shim_is_evidence_of_one_finding(ci: Ci, app: Path) -> None:
    (app / "node_modules" / ZERO_DRIVER / "lib" / "index.js").write_text(SHIM)
    ran = ci(app, "--json")
    (found,) = ran.json["findings"]
    assert (found["id"], found["what"]) == ("WF501", "it is not patched (shim, generation 2)")
    assert any(line.startswith("WF104: orez's shim of generation 2 lies over it") for line in found["evidence"])


def test_a_check_that_fails_is_found_in_the_package_that_runs(ci: Ci, app: Path) -> None:
    patch(app)
    # A patch that is whole by its hashes, and does not run: the Node that it runs in is broken.
    node = app / "node"
    node.write_text(f'#!/bin/sh\nexec "{nodejs.node()}" --jitless --disallow-code-generation-from-strings "$@"\n')
    node.chmod(0o755)
    ran = ci(app, "--verify", "quick", "--node", node, "--json")
    errors = [found for found in ran.json["findings"] if found["severity"] == "error"]
    assert (ran.code, {found["id"] for found in errors}) == (1, {"WF511"})
    assert all(found["location"]["file"].endswith(".json") for found in errors)
    assert "WF512" not in [found["id"] for found in ran.json["findings"]]


def test_targets_are_what_has_to_be_patched(ci: Ci, app: Path) -> None:
    add_package(app / "node_modules" / BETTER, BETTER, "12.11.1")
    patch_only(app, ZERO_DRIVER)
    assert ci(app, "--verify", "off").code == 1
    (app / "pyproject.toml").write_text(f'[tool.wasmfix]\ntargets = ["{ZERO_DRIVER}"]\nfail-on = "error"\n')
    ran = ci(app, "--verify", "off", "--json")
    assert not [found for found in ran.json["findings"] if found["id"].startswith("WF5") and BETTER in found["subject"]]
    # The rest is diagnosed all the same, and stands beside a file of the repository.
    (native,) = [found for found in ran.json["findings"] if found["id"] == "WF102"]
    assert (native["subject"], native["location"]["file"]) == (f"{BETTER} 12.11.1", str(app / "package.json"))
    other = ci("--verify", "off", "--target", BETTER, "--json", cwd=app)
    (gate,) = [found for found in other.json["findings"] if found["id"] == "WF501"]
    assert (other.code, gate["remedy"]["command"]) == (1, "wasmfix patch --target better-sqlite3")


@pytest.mark.parametrize("format_", ["json", "markdown", "gitlab"])
def test_the_command_can_be_pasted_where_ci_was_run(ci: Ci, wasmfix: Wasmfix, app: Path, format_: str) -> None:
    there = app.parent / "it's: 100%, mine"
    app.rename(there)
    reports, lines = app.parent / "reports", []
    assert ci(there.name, "--verify", "off", "--report-dir", reports, cwd=app.parent).code == 1
    if format_ == "json":
        lines = [json.loads((reports / "wasmfix.json").read_text())["findings"][0]["remedy"]["command"]]
    elif format_ == "markdown":
        lines = re.findall(r"```sh\n(.*)\n```", (reports / "wasmfix.md").read_text())
    else:
        lines = re.findall(
            r"^\$ (.*)$", json.loads((reports / CODE_QUALITY).read_text())[0]["description"], re.MULTILINE
        )
    program, *arguments = shlex.split(lines[0])
    assert program == "wasmfix"
    assert wasmfix(*arguments, "--no-verify", cwd=app.parent).code == 0
    assert ci(there.name, "--verify", "off", cwd=app.parent).code == 0


def test_what_pnpm_notes_in_node_modules_stands_beside_the_lock_file(ci: Ci, origin: Path) -> None:
    # As users install: without --ignore-scripts pnpm 10 notes which scripts it did not run.
    pnpm = managers.pnpm()
    told = [option for option in pnpm.options if option != "--ignore-scripts"]
    pnpm.run(origin / "chat", "install", *told)
    job = GitHub(origin.parent / "job", origin)
    ran = ci("chat", cwd=origin, **job.variables)
    skipped = [said for said in annotations(ran.out) if said["title"].startswith("WF112")]
    assert {(said["file"], said.get("line") is not None) for said in skipped} == {("chat/pnpm-lock.yaml", True)}


def patch_only(folder: Path, name: str) -> None:
    run = [sys.executable, "-m", "wasmfix", "patch", str(folder), "--no-verify", "--target", name]
    subprocess.run(run, env=own_environment(), check=True, capture_output=True)


def test_a_target_that_is_not_installed_is_not_silently_fine(ci: Ci, app: Path) -> None:
    patch(app)
    ran = ci(app, "--verify", "off", "--target", ZERO_DRIVER, "--target", BETTER, "--json")
    assert (ran.code, ran.json["findings"][0]["id"], ran.json["findings"][0]["subject"]) == (1, "WF507", BETTER)


def test_nothing_installed_is_a_finding_with_the_command_that_cures(ci: Ci, scratch: Path) -> None:
    empty = scratch.resolve() / "empty"
    write_json(empty / "package.json", {"name": "x", "dependencies": {ZERO_DRIVER: "1.1.4"}})
    ran = ci("--json", cwd=empty)
    (found,) = ran.json["findings"]
    assert (ran.code, found["id"], found["remedy"]["command"]) == (1, "WF101", "npm install")


def test_a_linked_copy_outside_the_project_is_asked_for_its_own_state(ci: Ci, app: Path) -> None:
    outside = app.parent / "driver"
    (app / "node_modules" / ZERO_DRIVER).rename(outside)
    (app / "node_modules" / ZERO_DRIVER).symlink_to(outside)
    ran = ci(app, "--json")
    (found,) = [found for found in ran.json["findings"] if found["severity"] == "error"]
    assert (ran.code, found["id"]) == (1, "WF506")
    assert "with --follow-links" in found["remedy"]["text"]
    followed = ci("--follow-links", "--json", cwd=app)
    assert followed.json["findings"][0]["remedy"]["command"] == "wasmfix patch --follow-links"
    assert ci(app, "--follow-links", "--apply", "--verify", "off").code == 0
    ran = ci(app, "--verify", "quick", "--json")
    assert ran.code == 0
    about = {found["id"]: found["what"] for found in ran.json["findings"] if found["id"].startswith("WF5")}
    assert list(about) == ["WF509", "WF512"]
    assert about["WF509"] == "patched, outside the project"
    assert about["WF512"].startswith("5 checks passed")


def test_severities_and_fail_on_decide_what_fails(ci: Ci, app: Path) -> None:
    assert ci(app, "--fail-on", "never").code == 0
    (app / "wasmfix.toml").write_text('fail-on = "warning"\n[severity]\nWF501 = "note"\n')
    assert ci(app).code == 0
    (app / "wasmfix.toml").write_text('fail-on = "warning"\n[severity]\nWF501 = "warning"\n')
    assert ci(app).code == 1
    (app / "wasmfix.toml").write_text('[severity]\nWF501 = "off"\n')
    ran = ci(app, "--json")
    assert (ran.code, ran.json["findings"]) == (0, [])


def test_settings_in_two_places_are_told(ci: Ci, app: Path) -> None:
    (app / "pyproject.toml").write_text("[project]\nname = 'x'\n\n[tool.wasmfix]\nfail-on = 'never'\n")
    (app / "wasmfix.toml").write_text("verify = 'off'\n")
    ran = ci(app, "--json")
    (note,) = [found for found in ran.json["findings"] if found["id"] == "WF510"]
    assert (ran.code, note["severity"]) == (1, "note")
    assert note["location"] == {"file": str(app / "pyproject.toml"), "line": 4}
    assert {"section": "settings", "name": "settings", "value": "wasmfix.toml"} in ran.json["facts"]


def test_a_threshold_without_a_replica_is_a_note_beside_it(ci: Ci, app: Path) -> None:
    (app / "wasmfix.toml").write_text("fail-on = 'never'\n\n[thresholds]\nrows = 5\n")
    job = GitHub(app.parent / "job", app)
    notices = [said for said in annotations(ci(app, **job.variables).out) if said["kind"] == "notice"]
    assert [(said["file"], said["line"], said["title"][:5]) for said in notices] == [("wasmfix.toml", "4", "WF524")]


SETTINGS = """fail-on = "error"
replica = "data/replica.db"
verify = "off"

[thresholds]
rows = 400
table-size = "100KB"
row-size = "500B"
hydration = "33MB"
"""


def test_a_replica_that_has_grown_over_the_thresholds_fails_with_each_beside_its_line(ci: Ci, app: Path) -> None:
    patch(app)
    rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO message "
    many = replica(app / "data", f"{rows} SELECT 'k' || i, hex(zeroblob(400)), '01' FROM n")
    few = replica(app.parent / "few")
    (app / "wasmfix.toml").write_text(SETTINGS)
    before = snapshot(app / "data", times=True)

    job, reports = GitHub(app.parent / "job", app), app.parent / "reports"
    ran = ci(app, "--report-dir", reports, **job.variables)
    assert (ran.code, ran.err) == (1, "")
    report = json.loads((reports / "wasmfix.json").read_text())
    assert {"name": "replica", "value": f"{many} (replica in wasmfix.toml)"} in report["subjects"]
    assert {table["name"]: table["rows"] for table in report["tables"]}["message"] == 502
    over = [(each["id"], each["subject"]) for each in report["findings"] if each["severity"] == "error"]
    assert sorted(over) == [(f"WF52{n}", name) for n, name in enumerate(["message"] * 3 + ["table message"])]
    said = {each["title"][:5]: (each["kind"], each["file"], each["line"]) for each in annotations(ran.out)}
    assert said == {f"WF52{n}": ("error", "wasmfix.toml", str(6 + n)) for n in range(4)}
    cases = suites(reports / "wasmfix.junit.xml")
    assert cases["wasmfix.limits"] == (4, 4)
    assert {"wasmfix.patch", "wasmfix.project", "wasmfix.replica"} <= cases.keys()
    assert (job.outputs["exit-code"], job.outputs["errors"]) == ("1", "4")
    # `message: it has 502 rows`: in the page, and in the summary.
    for name in ("wasmfix.html", "wasmfix.md"):
        assert "502" in (reports / name).read_text()

    # The command line has the last word, from the folder where one stands.
    assert ci(app, "--replica", few).code == 0
    gone = ci(app, "--replica", app / "gone.db", "--json")
    notes = {each["id"]: each["remedy"]["text"] for each in gone.json["findings"] if each["severity"] != "ok"}
    assert (gone.code, set(notes)) == (1, {"WF201", "WF524"})
    assert "--replica" not in notes["WF524"]
    (app / "wasmfix.toml").write_text(SETTINGS + "[severity]\n" + "".join(f"WF52{n} = 'note'\n" for n in range(4)))
    assert ci(app).code == 0
    assert snapshot(app / "data", times=True) == before


def test_a_database_is_looked_at_and_its_password_is_nowhere(ci: Ci, app: Path, postgres_server: Postgres) -> None:
    patch(app)
    (app / "wasmfix.toml").write_text("verify = 'off'\npublications = ['zero_chat']\n")
    url = Upstream(postgres_server, INCIDENT).url
    secret = url + ("&" if "?" in url else "?") + "password=tops3cret"
    reports = app / "reports"
    ran = ci(app, "--report-dir", reports, WASMFIX_DATABASE_URL=secret)
    assert (ran.code, ran.err) == (1, "")
    assert suites(reports / "wasmfix.junit.xml")["wasmfix.database"][1] >= 1
    (found,) = [
        each for each in json.loads((reports / "wasmfix.json").read_text())["findings"] if each["id"] == "WF302"
    ]
    assert found["severity"] == "error"
    assert found["remedy"]["command"].startswith("wasmfix triggers")
    assert "(WASMFIX_DATABASE_URL)" in ran.out
    assert "tops3cret" not in ran.out + "".join(file.read_text() for file in reports.iterdir())

    # Where everything is published nothing is left over; and the option goes before the variable.
    healthy = Upstream(postgres_server, CHAT).url
    ran = ci(app, "--database-url", healthy, "--json", WASMFIX_DATABASE_URL="postgresql://127.0.0.1:9/nothing")
    assert "WF302" not in [each["id"] for each in ran.json["findings"]]
    assert ran.code == 0, ran.out

    # A server that is not there is a finding, too: a step that looks at nothing shall not pass.
    ran = ci(app, "--database-url", "postgresql://u:tops3cret@127.0.0.1:9/nothing", "--json")
    assert (ran.code, "tops3cret" in ran.out) == (1, False)


def test_a_mistake_in_the_settings_stops_and_stands_beside_its_line(ci: Ci, app: Path) -> None:
    (app / "wasmfix.toml").write_text("verify = 'off'\nfail-on = 'errors'\n")
    job = GitHub(app.parent / "job", app.parent)
    ran = ci(app, "--report-dir", app / "reports", **job.variables)
    line = "wasmfix.toml:2: fail-on: 'errors' is none of error, warning, never; correct it, or leave it out"
    assert (ran.code, ran.one_line()) == (2, f"wasmfix: {line}")
    (said,) = annotations(ran.out)
    assert said == {
        "kind": "error",
        "file": "app/wasmfix.toml",
        "line": "2",
        "title": "wasmfix ci could not run",
        "text": line,
    }
    assert job.outputs == {"exit-code": "2", "verdict": "stopped", "patched": "false", "verified": "skipped"}
    assert not (app / "reports").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["/nowhere"], "wasmfix: /nowhere: does not exist; name the folder that has the project's package.json"),
        (["--target", "sqlite3"], "wasmfix: unknown target 'sqlite3'; --target takes one of: "),
        (["--heap-limit", "much"], "wasmfix: --heap-limit: 'much' is not a size such as 8GB or 512MB"),
        (["--config", "/nowhere.toml"], "wasmfix: /nowhere.toml: is not there; --config takes a wasmfix.toml or "),
        (["--queries", "q.json"], "wasmfix: queries: there is no replica to project them on; name one with "),
        (["--report-dir", "/dev/null/x"], "wasmfix: /dev/null/x: cannot be made (Not a directory)"),
    ],
)
def test_what_stops_us_is_one_line(ci: Ci, app: Path, arguments: list[str], line: str) -> None:
    ran = ci(*([] if arguments[0].startswith("/") else [app]), *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.one_line().startswith(line)


def test_no_node_for_the_checks_is_no_pass_and_in_the_report(ci: Ci, app: Path) -> None:
    patch(app)
    job = GitHub(app.parent / "job", app)
    ran = ci(app, "--node", "no-such-node", "--report-dir", app / "out", **job.variables)
    assert ran.code == 2
    assert [said["title"][:5] for said in annotations(ran.out)] == ["WF002"]
    assert "Node was not found" in (app / "out" / "wasmfix.md").read_text()
    assert (job.outputs["exit-code"], job.outputs["patched"], job.outputs["verified"]) == ("2", "true", "false")


def test_gitlab_gets_its_report_where_the_job_can_name_it(ci: Ci, app: Path) -> None:
    gitlab = {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(app.parent)}
    ran = ci(app, **gitlab)
    assert (ran.code, annotations(ran.out)) == (1, [])
    (entry,) = json.loads((app.parent / CODE_QUALITY).read_text())
    assert (entry["check_name"], entry["location"]["path"], entry["severity"]) == (
        "WF501",
        "app/package.json",
        "critical",
    )
    # Where a folder was asked for it is there.
    (app.parent / CODE_QUALITY).unlink()
    ci(app, "--report-dir", app / "out", **gitlab)
    assert (app / "out" / CODE_QUALITY).is_file()
    assert not (app.parent / CODE_QUALITY).exists()


def test_json_stays_json_on_github(ci: Ci, app: Path) -> None:
    job = GitHub(app.parent / "job", app)
    ran = ci(app, "--json", **job.variables)
    assert ran.json["verdict"] == "error"
    assert [said["title"][:5] for said in annotations(ran.err)] == ["WF501"]


def test_what_github_cannot_be_told_does_not_fail_the_run(ci: Ci, app: Path) -> None:
    job = GitHub(app.parent / "job", app)
    ran = ci(app, "--fail-on", "never", **{**job.variables, "GITHUB_STEP_SUMMARY": "/nowhere/summary"})
    assert ran.code == 0
    assert "/nowhere/summary: cannot be written" in ran.err
    assert job.outputs["verdict"] == "error"


def test_an_interrupted_run_reports_what_it_knows(app: Path) -> None:
    patch(app)
    node, marker, out = app / "node", app / "started", app / "out"
    node.write_text(f'#!/bin/sh\ntouch "{marker}"\nexec sleep 60\n')
    node.chmod(0o755)
    command: list[Any] = [sys.executable, "-m", "wasmfix", "ci", app, "--node", node, "--report-dir", out]
    environment = own_environment(**NOWHERE, PATH=os.environ["PATH"])
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        until = time.monotonic() + 60
        while not marker.exists() and time.monotonic() < until:
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
    assert run.returncode == 130
    assert ids(out / "wasmfix.json") == ["WF509"]
    assert not json.loads((out / "wasmfix.json").read_text())["complete"]
    cases = ElementTree.parse(out / "wasmfix.junit.xml").getroot().findall("testsuite[@name='wasmfix.verify']/testcase")
    assert [case.find("skipped") is not None for case in cases] == [True]
