"""The commands in docs/recipes: each block that says so is run, and says what stands below its commands."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import managers
import nodejs
from conftest import BUILD, ROOT, copy_tree, installed, own_environment

ZERO = "@rocicorp/zero-sqlite3"
RECIPES = ROOT / "docs" / "recipes"
_BLOCK = re.compile(r"<!-- run: (\w+) -->\n```console\n(.*?)```", re.DOTALL)
BLOCKS = [
    (page.name, kind, text) for page in sorted(RECIPES.glob("*.md")) for kind, text in _BLOCK.findall(page.read_text())
]


def _npm(folder: Path) -> Path:
    return copy_tree(installed(ZERO, "1.1.4"), folder / "npm")


def _with(manager: managers.Manager, folder: Path) -> Path:
    folder = folder / "app"
    folder.mkdir()
    manifest = {"name": "app", "private": True, "dependencies": {ZERO: "1.0.15"}}
    (folder / "package.json").write_text(json.dumps(manifest))
    manager.install(folder)
    return folder


def _bun(folder: Path) -> Path:
    try:
        return _with(managers.bun(), folder)
    except managers.NotHereError as error:
        pytest.skip(str(error))


def _monorepo(folder: Path) -> Path:
    (folder / "pnpm-workspace.yaml").write_text("packages:\n  - packages/*\n")
    (folder / "package.json").write_text('{"name": "root", "private": true}')
    for member, version in (("a", "1.0.15"), ("b", "1.1.4")):
        manifest = {"name": member, "private": True, "dependencies": {ZERO: version}}
        (folder / "packages" / member).mkdir(parents=True)
        (folder / "packages" / member / "package.json").write_text(json.dumps(manifest))
    managers.pnpm().install(folder)
    return folder


def _bump(folder: Path) -> Path:
    """1.1.2 is committed; the pull request has installed 1.1.4."""
    app = folder / "app"
    app.mkdir()
    for version in ("1.1.2", "1.1.4"):
        for file in ("package.json", "package-lock.json"):
            shutil.copyfile(installed(ZERO, version) / file, app / file)
        if version == "1.1.2":
            git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.invalid"]
            for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "1.1.2"]):
                subprocess.run([*git, *command], cwd=app, check=True)
    copy_tree(installed(ZERO, "1.1.4") / "node_modules", app / "node_modules")
    return app


PROJECTS: Mapping[str, Callable[[Path], Path]] = {
    "npm": _npm,
    "pnpm": lambda folder: _with(managers.pnpm(), folder),
    "bun": _bun,
    "monorepo": _monorepo,
    "bump": _bump,
}


@pytest.fixture
def environment(scratch: Path) -> dict[str, str]:
    """wasmfix, node and npm on PATH, as in a user's shell."""
    tools = scratch / "tools"
    tools.mkdir()
    for name, command in (("wasmfix", [sys.executable, "-m", "wasmfix"]), ("npm", nodejs.npm())):
        (tools / name).write_text("#!/bin/sh\nexec " + " ".join(f'"{part}"' for part in command) + ' "$@"\n')
        (tools / name).chmod(0o755)
    path = os.pathsep.join([str(tools), nodejs.environment()["PATH"]])
    return own_environment(**{**nodejs.environment(), "PATH": path, "WASMFIX_CACHE_DIR": str(BUILD / "cache")})


def test_there_are_blocks_of_every_kind() -> None:
    assert {kind for _, kind, _ in BLOCKS} == set(PROJECTS)


@pytest.mark.parametrize(("page", "kind", "text"), BLOCKS, ids=[f"{page}-{kind}" for page, kind, _ in BLOCKS])
def test_what_a_recipe_shows_is_what_happens(
    scratch: Path, environment: dict[str, str], page: str, kind: str, text: str
) -> None:
    home = scratch / "project"
    home.mkdir()
    project = PROJECTS[kind](home)
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=project,
            env={**environment, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=300,
        )
        # What a compiler or a child is doing is told on stderr.
        told = f"{page}: $ {command}\n{done.stdout}{done.stderr}"
        assert re.fullmatch(_pattern(shown), done.stdout.strip(), re.DOTALL), told


def _pattern(shown: str) -> str:
    """`…` is anything; a line of its own also nothing."""
    lines = re.escape(shown.strip()).replace("…", ".*")
    return lines.replace("\\\n.*\\\n", "\n.*").replace("\\\n.*", "(\n.*)?") if lines else ".*"


def test_links_in_the_recipes_lead_somewhere() -> None:
    for page in RECIPES.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
