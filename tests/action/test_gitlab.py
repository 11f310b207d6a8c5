"""ci/gitlab.yml: its script is run as GitLab's runner does it, line after line in one shell."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

import nodejs
from action.conftest import ci_environment, restore_engines
from action.runner import Runner
from conftest import ROOT, NpmProject

JOB = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8"))["wasmfix"]
ZERO = "@rocicorp/zero-sqlite3"


def test_the_job_is_one_that_gitlab_knows() -> None:
    assert set(JOB) <= {"stage", "variables", "cache", "script", "artifacts"}
    assert all(isinstance(value, str) for value in JOB["variables"].values())
    # More than two files make no key.
    assert len(JOB["cache"]["key"]["files"]) <= 2
    # Both take only what lies in the checkout.
    kept = [*JOB["cache"]["paths"], *JOB["artifacts"]["paths"], *JOB["artifacts"]["reports"].values()]
    assert not any(Path(path).is_absolute() for path in kept)
    # The report has to come from a job that failed, too.
    assert JOB["artifacts"]["when"] == "always"


@pytest.mark.release
def test_the_script_reports_an_unpatched_tree_and_passes_a_patched_one(
    sources: Path, first: Runner, npm_project: NpmProject, tmp_path: Path
) -> None:
    project = npm_project(ZERO, "1.1.4")
    # What the action has installed; pip puts the sources there once more.
    shutil.copytree(first.temp / "wasmfix", project / ".wasmfix-venv", symlinks=True)  # venv refuses a link
    restore_engines(project / ".wasmfix-cache")
    code, log = _run(project, sources, tmp_path)
    assert code == 1, log
    reports = JOB["artifacts"]["reports"]
    quality = json.loads((project / reports["codequality"]).read_text(encoding="utf-8"))
    assert "WF501" in [entry["check_name"] for entry in quality]
    assert all((project / entry["location"]["path"]).is_file() for entry in quality)
    assert ElementTree.parse(project / reports["junit"]).getroot().iter("failure")
    script = JOB["script"][-1]
    JOB["script"][-1] = script.replace("wasmfix ci ", "wasmfix ci --apply ")
    try:
        code, log = _run(project, sources, tmp_path)
    finally:
        JOB["script"][-1] = script
    assert code == 0, log
    code, log = _run(project, sources, tmp_path, WASMFIX_INSTALL="true")
    assert code == 0, log


def _run(project: Path, sources: Path, tmp_path: Path, **variables: str) -> tuple[int, str]:
    environment = {**ci_environment(tmp_path / "home"), "CI": "true", "GITLAB_CI": "true"}
    environment["CI_PROJECT_DIR"] = str(project.resolve())
    # A wheel holds no links: the `npm` beside its node is a copy that does not run.
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir(exist_ok=True)
    npm.write_text(f'#!/bin/sh\nexec {shlex.join(nodejs.npm())} "$@"\n')
    npm.chmod(0o755)
    environment["PATH"] = f"{npm.parent}{os.pathsep}{environment['PATH']}"
    given = {**JOB["variables"], "WASMFIX_SOURCE": str(sources), **variables}
    for name, value in given.items():
        # GitLab fills in variables in variables.
        environment[name] = re.sub(r"\$(\w+)", lambda found: environment[found[1]], value)
    script = "set -eo pipefail\n" + "\n".join(JOB["script"])
    done = subprocess.run(
        ["bash", "-c", script], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr
