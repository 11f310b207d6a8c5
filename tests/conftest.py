"""Real packages from npm, installed once under build/npm/ and copied for each test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

import nodejs
from zero_cache import postgres
from zero_cache.postgres import NoPostgresError, Postgres

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"

# Files of this size are hard links to the install under build/npm/, as in a pnpm store: a test that wants to damage
# one replaces it (`unlink`, then write). Smaller files are copies.
LINK_FROM = 256 * 1024

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a shell; what the tests interrupt would ignore it as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is the machine's affair.
settings.register_profile("wasmfix", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wasmfix")

NpmProject = Callable[[str, str], Path]
PnpmProject = Callable[[Mapping[str, str]], Path]


@pytest.fixture(scope="session", autouse=True)
def engine_cache() -> None:
    """Engines that tests build are kept in build/cache, unless the environment names another folder."""
    os.environ.setdefault("WASMFIX_CACHE_DIR", str(BUILD / "cache"))


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node, for subprocess."""
    return nodejs.node()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL on a port of the loopback device, with an empty database `postgres`."""
    with tempfile.TemporaryDirectory(prefix="wasmfix-postgres-") as folder:
        try:
            running = postgres.start(Path(folder))
        except NoPostgresError as error:
            # A warning is in pytest's summary; the reason of a skipped test is not.
            warnings.warn(f"what needs PostgreSQL was NOT tested: {error}", stacklevel=1)
            pytest.skip(f"PostgreSQL does not run here: {error}")
        try:
            yield running
        finally:
            running.stop()


def own_environment(**variables: str) -> dict[str, str]:
    """The environment for a Python that shall import this checkout's wasmfix."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "cli"), **variables}


def patch(project: Path) -> None:
    """Run `wasmfix patch` on a project, as a user does."""
    command = [sys.executable, "-m", "wasmfix", "patch", str(project), "--no-verify"]
    done = subprocess.run(command, env=own_environment(), capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def installed(name: str, version: str) -> Path:
    """`build/npm/NAME@VERSION`, a project with that one dependency; installed on first use, never changed after."""
    return installed_project(f"{name.replace('/', '+')}@{version}", {name: version})


def installed_project(label: str, dependencies: Mapping[str, str]) -> Path:
    """`build/npm/LABEL`, a project with these dependencies; installed on first use, never changed after."""
    folder = BUILD / "npm" / label
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            growing = folder.with_name(f"{folder.name}.tmp")
            shutil.rmtree(growing, ignore_errors=True)
            growing.mkdir()
            manifest = {"name": "test-project", "private": True, "dependencies": dict(dependencies)}
            (growing / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")
            command = [*nodejs.npm(), "install", "--ignore-scripts", "--loglevel=error"]
            nodejs.download(command, growing, nodejs.environment())
            growing.rename(folder)
    return folder


def _link_or_copy(source: str, target: str) -> str:
    if Path(source).stat().st_size >= LINK_FROM:
        os.link(source, target)
        return target
    return str(shutil.copy2(source, target))


def copy_tree(source: Path, target: Path) -> Path:
    """Copy a project; symlinks stay symlinks, large files become hard links."""
    shutil.copytree(source, target, symlinks=True, copy_function=_link_or_copy)
    return target


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A fresh folder under build/, on the file system of build/npm/ (hard links), removed after the test."""
    home = BUILD / "scratch"
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def npm_project(scratch: Path) -> NpmProject:
    """`npm_project(name, version)`: a fresh project folder in which npm installed that package (no install scripts).

    The package itself is in `node_modules/NAME`.
    """

    def make(name: str, version: str) -> Path:
        return copy_tree(installed(name, version), scratch / f"{name.replace('/', '+')}@{version}")

    return make


@pytest.fixture
def pnpm_project(scratch: Path) -> PnpmProject:
    """`pnpm_project({name: version})`: a fresh project that pnpm installed with hard links to build/pnpm-store."""

    def make(dependencies: Mapping[str, str]) -> Path:
        folder = scratch / "pnpm-project"
        folder.mkdir()
        manifest = {"name": "test-project", "private": True, "dependencies": dict(dependencies)}
        (folder / "package.json").write_text(json.dumps(manifest))
        pnpm = installed("pnpm", "10") / "node_modules" / "pnpm" / "bin" / "pnpm.cjs"
        options = ["--ignore-scripts", "--prefer-offline", "--config.package-import-method=hardlink"]
        command = [nodejs.node(), str(pnpm), "install", *options, f"--store-dir={BUILD / 'pnpm-store'}"]
        # CI: pnpm asks nothing.
        nodejs.download(command, folder, {**nodejs.environment(), "CI": "1"})
        return folder

    return make
