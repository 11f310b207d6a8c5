"""Packages of bedrock-sqlite in projects, and what their probes say."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nodejs
from bedrock.package import write_bedrock
from conftest import own_environment
from wasmfix.patching.catalogue import Patch, load_catalogue
from wasmfix.paths import data_folder


def shim_patches() -> tuple[Patch, ...]:
    """The repairs of bedrock-sqlite's JavaScript."""
    catalogue = load_catalogue(data_folder("patches"))
    repairs = (patch for patch in catalogue if any(file.kind != "keep" for file in patch.files))
    return tuple(patch for patch in repairs if patch.target("bedrock-sqlite") and patch.modes == ("shim",))


@dataclass(frozen=True)
class Project:
    """A project with bedrock-sqlite."""

    folder: Path

    @property
    def package(self) -> Path:
        return self.folder / "node_modules" / "bedrock-sqlite"

    def wasmfix(self, *arguments: str, ok: bool = True) -> str:
        command = [sys.executable, "-m", "wasmfix", *arguments, str(self.folder)]
        environment = own_environment()
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False, timeout=300
        )
        assert (done.returncode == 0) == ok, done.stdout + done.stderr
        return done.stdout

    def patch(self) -> str:
        return self.wasmfix("patch", "--engine", "shim", "--no-verify")

    def needed(self) -> list[str]:
        """The patches that have something to do."""
        return list(json.loads(self.wasmfix("status", "--json"))["packages"][0]["needs"])


def bedrock_project(folder: Path, generation: str, *, sources: bool = False) -> Project:
    project = Project(folder)
    write_bedrock(project.package, generation, sources=sources)
    manifest = {"name": "test-project", "private": True, "dependencies": {"bedrock-sqlite": generation}}
    (folder / "package.json").write_text(json.dumps(manifest))
    return project


def failing(package: Path, patches: Sequence[Patch]) -> dict[str, str]:
    """The patches whose probe fails on a package, each with what it says."""
    words = {}
    for patch in patches:
        assert patch.probe is not None, patch.id
        command = [*nodejs.ending_node(), str(patch.probe), str(package)]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=60)
        assert done.returncode in (0, 1), done.stderr
        if done.returncode:
            words[patch.id] = done.stdout + done.stderr
    return words
