"""What the checks of the project look at: read once, before they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from wasmfix.diagnostics.checks.project_node import NodeProgram, ask_node
from wasmfix.diagnostics.machine import Machine
from wasmfix.diagnostics.options import Options
from wasmfix.errors import WasmfixError
from wasmfix.patching.assess import Assessment, Edit, State
from wasmfix.project import Installation, Project

ZERO_DRIVER = "@rocicorp/zero-sqlite3"
_ENGINE_STATES = (State.PATCHED, State.STALE, State.PARTIAL)


@dataclass(frozen=True)
class Zero:
    """An installed `@rocicorp/zero`."""

    version: str
    folder: Path
    wants: str | None
    """The range of zero-sqlite3 that it depends on."""
    node: str | None
    """The range of Node that it asks for."""


@dataclass(frozen=True)
class ProjectSubject:
    options: Options
    project: Project
    installation: Installation | None
    assessments: tuple[Assessment, ...]
    repairs: Mapping[Path, Assessment]
    """By folder: a package whose engine would be replaced as a whole, as its JavaScript alone would be repaired. That
    tells what is wrong with it, one by one."""
    problems: tuple[WasmfixError, ...]
    """Why a package could not be looked at."""
    zeros: tuple[Zero, ...]
    machine: Machine

    @cached_property
    def node(self) -> NodeProgram | None:
        """Asked when a check first wants to know."""
        return ask_node(self.options.node)

    def shown(self, path: Path) -> str:
        """A path as a person in the project's folder would name it."""
        root = self.project.root
        return path.relative_to(root).as_posix() if path.is_relative_to(root) and path != root else str(path)

    @property
    def on_engine(self) -> bool:
        """Whether zero-cache runs on the engine here."""
        return any(each.package.name == ZERO_DRIVER and each.state in _ENGINE_STATES for each in self.assessments)


def needed_patches(*assessments: Assessment) -> dict[str, Edit]:
    """The patches of the catalogue that have something to do, each with the first file that it changes."""
    needed: dict[str, Edit] = {}
    for assessment in assessments:
        for edit in assessment.edits:
            for patch in edit.patches:
                needed.setdefault(patch, edit)
    return needed
