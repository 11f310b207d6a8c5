"""The package managers themselves, from the npm registry: npm, pnpm, Yarn 1, Yarn 4, bun.

Each installs without install scripts, into a folder that a test made, from a cache of its own under build/ that is warm
after the first run.
"""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nodejs
from conftest import BUILD, installed

# Resolved, because Yarn Plug'n'Play compares paths as texts.
CACHES = (BUILD / "managers").resolve()
PNPM_STORE = (BUILD / "pnpm-store").resolve()
BUN_CACHE = CACHES / "bun"


class NotHereError(Exception):
    """This machine has no such manager."""


@dataclass(frozen=True)
class Manager:
    """A package manager: `run` is its command, `install` installs what the folder's package.json says."""

    label: str
    command: tuple[str, ...]
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, folder: Path, *arguments: str, offline: bool = False) -> subprocess.CompletedProcess[str]:
        environment = {**nodejs.environment(), **self.environment}
        if offline:
            # No server listens on the port of "discard"; whoever asks a registry fails at once.
            nowhere = "http://127.0.0.1:9/"
            environment |= dict.fromkeys(_REGISTRY_VARIABLES, nowhere)
        done = subprocess.run(
            [*self.command, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{self.label} {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done

    def install(self, folder: Path, *arguments: str, offline: bool = False) -> None:
        if offline:
            self.run(folder, "install", *self.options, *arguments, offline=True)
        else:
            command = [*self.command, "install", *self.options, *arguments]
            nodejs.download(command, folder, {**nodejs.environment(), **self.environment})


_REGISTRY_VARIABLES = ("npm_config_registry", "YARN_REGISTRY", "YARN_NPM_REGISTRY_SERVER", "BUN_CONFIG_REGISTRY")


@functools.cache
def _registry() -> str:
    """Yarn asks a registry of its own, unless it is told npm's."""
    command = [*nodejs.npm(), "config", "get", "registry"]
    return subprocess.run(command, env=nodejs.environment(), capture_output=True, text=True, check=True).stdout.strip()


def npm() -> Manager:
    return Manager("npm 10", tuple(nodejs.npm()), ("--ignore-scripts", "--prefer-offline", "--loglevel=error"))


def pnpm() -> Manager:
    program = installed("pnpm", "10") / "node_modules" / "pnpm" / "bin" / "pnpm.cjs"
    options = (
        "--ignore-scripts",
        "--prefer-offline",
        f"--store-dir={PNPM_STORE}",
        "--config.package-import-method=hardlink",
    )
    return Manager("pnpm 10", (nodejs.node(), str(program)), (*options, "--no-frozen-lockfile"))


def yarn_classic() -> Manager:
    program = installed("yarn", "1") / "node_modules" / "yarn" / "bin" / "yarn.js"
    options = ("--ignore-scripts", "--prefer-offline", "--non-interactive", f"--cache-folder={CACHES / 'yarn-1'}")
    return Manager("Yarn 1", (nodejs.node(), str(program)), options, {"YARN_REGISTRY": _registry()})


def yarn() -> Manager:
    program = installed("@yarnpkg/cli-dist", "4") / "node_modules" / "@yarnpkg" / "cli-dist" / "bin" / "yarn.js"
    environment = {
        "YARN_NPM_REGISTRY_SERVER": _registry(),
        "YARN_GLOBAL_FOLDER": str(CACHES / "yarn-4"),
        "YARN_ENABLE_TELEMETRY": "0",
        "YARN_ENABLE_SCRIPTS": "0",
        # CI forbids to write a lock file; a test's project has none.
        "YARN_ENABLE_IMMUTABLE_INSTALLS": "0",
        "YARN_IGNORE_PATH": "1",
    }
    return Manager("Yarn 4", (nodejs.node(), str(program)), (), environment)


def bun() -> Manager:
    """Raises NotHereError: there is no binary for this platform."""
    folder = installed("bun", "1") / "node_modules" / "@oven"
    # npm chooses by platform; a second one is for processors without AVX2.
    found = [program for name in ("bun", "bun.exe") for program in sorted(folder.glob(f"bun-*/bin/{name}"))]
    for program in found:
        asked = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
        if asked.returncode == 0:
            environment = {"BUN_INSTALL_CACHE_DIR": str(BUN_CACHE), "BUN_CONFIG_REGISTRY": _registry()}
            return Manager("bun 1", (str(program),), ("--ignore-scripts", "--backend=hardlink"), environment)
    raise NotHereError("the npm package bun brings no program that runs here")
