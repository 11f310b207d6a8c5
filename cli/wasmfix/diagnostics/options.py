"""What a run of `diagnose` was asked to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wasmfix.errors import WasmfixError
from wasmfix.project import Installation, Project
from wasmfix.project.settings import Setting


@dataclass(frozen=True)
class Options:
    """The options of the command line, and what they were filled up with from the project."""

    project: Project | None = None
    """None: run outside of a project, with a replica or a database alone."""
    installation: Installation | None = None
    installation_problem: WasmfixError | None = None
    """Why there is no installation, if there is a project."""
    replica: Path | None = None
    replica_source: str = "--replica"
    """Who named it, for people; without a replica, why there is none."""
    database_url: str | None = field(default=None, repr=False)
    """May hold a password: never put it into a finding, see `redact`."""
    database_source: str = "--database-url"
    publications: tuple[str, ...] = ()
    heap_limit: int | None = None
    """Bytes, as given on the command line."""
    queries: Path | None = None
    show_values: bool = False
    runtime: str = "wasmtime"
    fetch: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    settings: tuple[Setting, ...] = field(default=(), repr=False)
    """Variables that the project sets for its processes, with the place of each; the environment goes first."""
    node: str | None = None
    """The Node that runs probes; None: WASMFIX_NODE, else `node` on PATH."""
    probe: bool = True
    """Run the installed drivers, to see what they do."""

    def setting(self, name: str) -> Setting | None:
        """The value that a process of the project would see, as far as we can tell: the first that is set."""
        return next((setting for setting in self.settings if setting.name == name), None)
