"""From what the user named to what there is to look at: the project's own settings fill in the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from wasmfix.diagnostics.checks.project_environment import READ
from wasmfix.diagnostics.options import Options
from wasmfix.errors import WasmfixError
from wasmfix.project import Project, find_installation, find_project
from wasmfix.project.settings import Setting, read_settings

REPLICA = "ZERO_REPLICA_FILE"


def gather(named: Path | None, asked: Options, environment: Mapping[str, str]) -> Options:
    """The options with project, installation, settings and replica filled in.

    Args:
        named: the project; None for the current folder, which need not be a project where a replica or a database
            was named.

    Raises:
        WasmfixError: there is nothing to look at.
    """
    try:
        project = find_project(named or Path())
    except WasmfixError:
        if named is not None or (asked.replica is None and asked.database_url is None):
            raise
        settings = tuple(Setting(name, environment[name]) for name in READ if name in environment)
        return replace(asked, environment=environment, settings=settings)
    options = replace(
        asked, project=project, environment=environment, settings=read_settings(project, READ, environment)
    )
    try:
        options = replace(options, installation=find_installation(project))
    except WasmfixError as error:
        options = replace(options, installation_problem=error)
    return options if options.replica is not None else _with_configured_replica(options, project)


def _with_configured_replica(options: Options, project: Project) -> Options:
    for setting in options.settings:
        if setting.name == REPLICA and setting.value and setting.here:
            # zero-cache resolves it from the folder that it is started in.
            folder = setting.file.parent if setting.file else Path()
            replica = (folder / setting.value).absolute()
            source = f"{REPLICA} in {setting.place(project.root)}"
            if replica.exists():
                return replace(options, replica=replica, replica_source=source)
            # No zero-cache has run here yet, or it runs elsewhere.
            return replace(options, replica_source=f"none: {source} names {setting.value}, which is not there")
    return options
