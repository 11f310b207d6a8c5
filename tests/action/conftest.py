"""The checkout as others get it, and the action's own installation of it, made once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

import nodejs
from action.runner import Runner
from conftest import BUILD, ROOT, installed


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a clone of this checkout has, without what git ignores."""
    folder = tmp_path_factory.mktemp("clone")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git, or no checkout")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def ci_environment(home: Path) -> dict[str, str]:
    """A CI job's environment, without anything of this checkout's or this test run's."""
    foreign = ("WASMFIX_", "PYTHON", "VIRTUAL", "GITHUB_", "RUNNER_", "CI_", "GITLAB_")
    kept = {name: value for name, value in nodejs.environment().items() if not name.startswith(foreign)}
    home.mkdir(parents=True, exist_ok=True)
    return {**kept, "HOME": str(home)}


def restore_engines(cache: Path) -> None:
    """As actions/cache does: engines that were built before are there again."""
    for entry in (BUILD / "cache" / "engine").iterdir():
        target = cache / "engine" / entry.name
        if entry.is_dir() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(entry.resolve(), target_is_directory=True)


def _use(uses: str, given: Mapping[str, str]) -> None:
    if uses.startswith("actions/cache@"):
        folders = [Path(line) for line in given["path"].split()]
        assert [folder.name for folder in folders] == ["engine", "compiled"]
        restore_engines(folders[0].parent)


@pytest.fixture(scope="session")
def built_engine(engine_cache: None) -> None:
    """build/cache has the engine of zero-sqlite3 1.1.4."""
    command = [sys.executable, "-m", "wasmfix", "build", str(installed("@rocicorp/zero-sqlite3", "1.1.4"))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "cli")}
    subprocess.run(command, env=environment, check=True, capture_output=True)


@pytest.fixture(scope="session")
def first(sources: Path, built_engine: None, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A runner on which the action has run: it has installed wasmfix."""
    folder = tmp_path_factory.mktemp("runner")
    (folder / "empty").mkdir()
    runner = Runner(sources, folder / "empty", folder / "temp", ci_environment(folder / "home"), _use)
    # From PyPI: networks have moments.
    for pause in (10, 30, 0):
        install = runner.run().step("Install wasmfix")
        if install.code == 0:
            break
        time.sleep(pause)
    assert install.code == 0, install.log
    runner.done = {"install": install.outputs}
    return runner


@pytest.fixture
def runner(first: Runner) -> Iterator[Callable[[Path], Runner]]:
    """`runner(workspace)`: a runner that has wasmfix installed, and the project in its workspace."""

    def make(workspace: Path) -> Runner:
        return Runner(first.action, workspace, first.temp, first.environment, first.use, first.done)

    yield make
    shutil.rmtree(first.temp / "wasmfix-report", ignore_errors=True)
    shutil.rmtree(first.temp / "wasmfix-cache", ignore_errors=True)
