"""The hooks, run by pre-commit itself in a scratch repository, with a clone of this checkout as their source."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from action.conftest import ci_environment, restore_engines
from conftest import ROOT, NpmProject

ZERO = "@rocicorp/zero-sqlite3"
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}


def _git(folder: Path, *arguments: str, **environment: str) -> str:
    command = ["git", "-c", "user.name=test", "-c", "user.email=test@example.invalid", *arguments]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_pre_commit_accepts_the_manifest() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(HOOKS) == {"wasmfix-check", "wasmfix-patch"}


@pytest.mark.release
def test_a_commit_is_refused_until_the_tree_is_patched(
    sources: Path, built_engine: None, npm_project: NpmProject, tmp_path: Path
) -> None:
    _git(sources, "init", "-q", ".")
    _git(sources, "add", "-A")
    _git(sources, "commit", "-q", "-m", "the hooks")
    project = npm_project(ZERO, "1.1.4")
    config = {"repo": str(sources), "rev": _git(sources, "rev-parse", "HEAD").strip()}
    config["hooks"] = [{"id": hook} for hook in HOOKS]  # type: ignore[assignment]
    (project / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [config]}))
    (project / ".gitignore").write_text("node_modules/\n")
    _git(project, "init", "-q", ".")
    _git(project, "add", ".")
    _git(project, "commit", "-q", "-m", "first")
    restore_engines(tmp_path / "cache")
    environment = {
        **ci_environment(tmp_path / "home"),
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
        "WASMFIX_CACHE_DIR": str(tmp_path / "cache"),
    }

    def pre_commit(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pre_commit", *arguments]
        return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)

    refused = pre_commit("run", "--all-files")
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert f"{ZERO} 1.1.4: not patched" in refused.stdout
    patched = pre_commit("run", "wasmfix-patch", "--hook-stage", "manual")
    assert patched.returncode == 0, patched.stdout + patched.stderr
    # As git does it: hooks that are installed, and a commit.
    assert pre_commit("install").returncode == 0
    _git(project, "commit", "-q", "--allow-empty", "-m", "second", **environment)
    assert _git(project, "log", "--format=%s").split() == ["second", "first"]
