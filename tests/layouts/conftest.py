"""A project as a package manager lays it out, and what is done with each."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nodejs
from commands.conftest import Wasmfix

wasmfix = Wasmfix()

PROBE = Path(__file__).with_name("probe.cjs")
ZERO = "@rocicorp/zero-sqlite3"
BETTER = "better-sqlite3"

# SQLite's version in each package: that an answer comes from the right one of several.
SQLITE = {(ZERO, "1.1.4"): "3.54.0", (ZERO, "1.0.15"): "3.50.0", (BETTER, "12.11.1"): "3.53.2"}


@dataclass(frozen=True)
class Ask:
    """A program in `folder` that requires the package `name`, and has to get `version`."""

    folder: Path
    name: str = ZERO
    version: str = "1.1.4"
    options: tuple[str, ...] = ()
    """For Node."""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def program(self) -> Path:
        return self.folder / "probe.cjs"

    def answer(self) -> dict[str, Any]:
        command = [nodejs.node(), *self.options, str(self.program), self.name]
        environment = {**os.environ, **self.environment}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        assert answer["sum"] == 42
        assert (answer["version"], answer["sqlite"]) == (self.version, SQLITE[self.name, self.version])
        return answer

    def assert_on_webassembly(self) -> None:
        answer = self.answer()
        assert answer["wasm"]
        assert answer["native"] == []

    def assert_native(self) -> None:
        assert not self.answer()["wasm"]


@dataclass(frozen=True)
class Installed:
    """A project with everything installed."""

    project: Path
    asks: tuple[Ask, ...]
    store: Path | None = None
    """The manager's store, of which the packages' files may be hard links."""

    def __post_init__(self) -> None:
        for ask in self.asks:
            shutil.copyfile(PROBE, ask.program)

    @property
    def packages(self) -> int:
        return len({(ask.name, ask.version) for ask in self.asks})

    def assert_on_webassembly(self) -> None:
        for ask in self.asks:
            ask.assert_on_webassembly()


def write_json(file: Path, content: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2) + "\n")
    return file.parent


def stored_files(store: Path, packages: Iterable[Path]) -> list[Path]:
    """The files of a store that are, by hard links, also files of the packages."""
    inodes = {file.stat().st_ino for package in packages for file in package.rglob("*") if file.is_file()}
    return [file for file in store.rglob("*") if file.is_file() and file.stat().st_ino in inodes]


def contents(files: Iterable[Path]) -> dict[Path, tuple[str, int]]:
    """Hash and mode of each file."""
    return {file: (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mode) for file in files}
