"""PostgreSQL, and two projects with Zero 1.9.0: one as npm made it, the oracle, and one that wasmfix patched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import BUILD, installed, own_environment
from zero_cache.postgres import Postgres
from zero_cache.service import HERE

ZERO = ("@rocicorp/zero", "1.9.0")
TEMPLATE = "application"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server with a database TEMPLATE that has all rows; each run works on a copy."""
    with tempfile.TemporaryDirectory(prefix="wasmfix-postgres-") as folder:
        server = Postgres(Path(folder))
        try:
            server.run("postgres", f"CREATE DATABASE {TEMPLATE}")
            server.run(TEMPLATE, (HERE / "seed.sql").read_text(encoding="utf-8"))
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def native_project() -> Path:
    return installed(*ZERO)


@pytest.fixture(scope="session")
def engine_project(engine_cache: None, native_project: Path) -> Iterator[Path]:
    project = BUILD / "scratch" / f"zero-cache-{os.getpid()}"
    try:
        shutil.copytree(native_project, project, symlinks=True, copy_function=os.link)
        patch = [sys.executable, "-m", "wasmfix", "patch", "--no-verify", str(project)]
        done = subprocess.run(
            patch, env=own_environment(), capture_output=True, text=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield project
    finally:
        shutil.rmtree(project, ignore_errors=True)
