"""Two projects with Zero 1.9.0: one as npm made it, the oracle, and one that wasmfix patched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import BUILD, installed
from zero.drivers import Zero

ZERO = ("@rocicorp/zero", "1.9.0")


def _linked_copy(source: Path, target: Path) -> Path:
    # As pnpm lays out a store: every file is a hard link, so a patch that wrote through one would damage the oracle.
    shutil.copytree(source, target, symlinks=True, copy_function=os.link)
    return target


@pytest.fixture(scope="session")
def native(engine_cache: None, tmp_path_factory: pytest.TempPathFactory) -> Zero:
    return Zero(installed(*ZERO), tmp_path_factory.mktemp("native"))


@pytest.fixture(scope="session")
def engine(native: Zero, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zero]:
    project = BUILD / "scratch" / f"zero-{os.getpid()}"
    try:
        _linked_copy(native.project, project)
        patch = [sys.executable, "-m", "wasmfix", "patch", "--no-verify", str(project)]
        done = subprocess.run(patch, capture_output=True, text=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        yield Zero(project, tmp_path_factory.mktemp("engine"))
    finally:
        shutil.rmtree(project, ignore_errors=True)
