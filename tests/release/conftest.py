"""sdist and wheel, and the wheel in use without the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import nodejs
from conftest import BUILD, ROOT


@dataclass(frozen=True)
class Made:
    sdist: Path
    wheel: Path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Both, built by `python -m build` (the wheel from the sdist), into the folder `WASMFIX_DIST` if it is set."""
    named = os.environ.get("WASMFIX_DIST")
    folder = Path(named) if named else tmp_path_factory.mktemp("dist")
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return Made(sdist, wheel)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Program:
    """A wasmfix that is run in `cwd`; `environment` is all that it has of ours."""

    command: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]

    def __call__(self, *arguments: str | Path, **variables: str) -> Ran:
        command = [*self.command, *map(str, arguments)]
        done = subprocess.run(
            command,
            cwd=self.cwd,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


def _environment(home: Path, **variables: str) -> dict[str, str]:
    """A user's environment: Node on PATH, none of this checkout's or this test run's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WASMFIX_", "PYTHON", "VIRTUAL"))}
    path = os.pathsep.join([str(Path(nodejs.node()).parent), os.environ["PATH"]])
    home.mkdir(exist_ok=True)
    # Engines that other tests have built are taken from there: their keys do not depend on who asks.
    cache = str((BUILD / "cache").resolve())
    return {**kept, "PATH": path, "HOME": str(home), "COLUMNS": "80", "WASMFIX_CACHE_DIR": cache, **variables}


@pytest.fixture(scope="session")
def unpacked(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The wheel, installed by pip into a folder of its own; what it depends on comes from this environment."""
    home = tmp_path_factory.mktemp("outside")
    target = home / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*command, str(made.wheel)], check=True)
    # -S: the editable install of the checkout, a path in a .pth file, is not seen.
    path = os.pathsep.join([str(target), sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]])
    environment = _environment(home, PYTHONPATH=path, PYTHONSAFEPATH="1")
    return Program((sys.executable, "-S", "-m", "wasmfix"), home, environment)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The checkout's own, for comparison."""
    home = tmp_path_factory.mktemp("inside")
    return Program((sys.executable, "-m", "wasmfix"), home, _environment(home, PYTHONPATH=str(ROOT / "cli")))


@pytest.fixture(scope="session")
def installed_wheel(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The wheel in an empty environment, with the dependencies that it names, as a user's pip installs it."""
    home = tmp_path_factory.mktemp("empty")
    folder = home / "venv"
    venv.create(folder, with_pip=True, symlinks=os.name != "nt")
    python = next(file for file in (folder / "bin" / "python", folder / "Scripts" / "python.exe") if file.exists())
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(made.wheel)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": ""}, cwd=home)
    program = next(file for file in (python.with_name("wasmfix"), python.with_name("wasmfix.exe")) if file.exists())
    # An engine of its own: it has to compile one with the compiler that it brought.
    return Program((str(program),), home, _environment(home, WASMFIX_CACHE_DIR=str(home / "cache")))
