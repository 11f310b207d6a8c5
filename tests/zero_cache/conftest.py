"""PostgreSQL, and two projects with Zero 1.9.0: one as npm made it, the oracle, and one that wasmfix patched."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import BUILD, installed, patch
from zero_cache import postgres as server
from zero_cache.postgres import NoPostgresError, Postgres
from zero_cache.service import HERE

ZERO = ("@rocicorp/zero", "1.9.0")
TEMPLATE = "application"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server with a database TEMPLATE that has all rows; each run works on a copy."""
    with tempfile.TemporaryDirectory(prefix="wasmfix-postgres-") as folder:
        try:
            running = server.start(Path(folder))
        except NoPostgresError as error:
            # A warning is in pytest's summary; the reason of a skipped test is not.
            warnings.warn(f"zero-cache was NOT tested: {error}", stacklevel=1)
            pytest.skip(f"PostgreSQL does not run here: {error}")
        try:
            running.run("postgres", f"CREATE DATABASE {TEMPLATE}")
            running.run(TEMPLATE, (HERE / "seed.sql").read_text(encoding="utf-8"))
            yield running
        finally:
            running.stop()


@pytest.fixture(scope="session")
def native_project() -> Path:
    return installed(*ZERO)


@pytest.fixture(scope="session")
def engine_project(engine_cache: None, native_project: Path) -> Iterator[Path]:
    project = BUILD / "scratch" / f"zero-cache-{os.getpid()}"
    try:
        shutil.copytree(native_project, project, symlinks=True, copy_function=os.link)
        patch(project)
        _use_engine(os.environ.get("WASMFIX_TEST_ENGINE"), project)
        yield project
    finally:
        shutil.rmtree(project, ignore_errors=True)


def _use_engine(package: str | None, project: Path) -> None:
    """Put another patched package's engine in place of the project's."""
    if package:
        folder = project / "node_modules" / "@rocicorp" / "zero-sqlite3" / "wasmfix"
        shutil.rmtree(folder)
        shutil.copytree(Path(package) / "wasmfix", folder)
