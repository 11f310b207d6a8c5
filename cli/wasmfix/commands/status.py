"""`wasmfix status`: which copies are installed, and in what state. Changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import click

from wasmfix.commands._output import show_table, shown_path
from wasmfix.jsonout import emit_json
from wasmfix.patching.assess import Assessment, Drift, State, assess
from wasmfix.patching.catalogue import load_catalogue
from wasmfix.patching.sources import current_inputs
from wasmfix.patching.transaction import locked
from wasmfix.project import BACKUP_URL, Backup, Installation, configured_backups, find_installation, find_project

_DRIVER = "@rocicorp/zero-sqlite3"
_ENGINE_STATES = (State.PATCHED, State.STALE, State.PARTIAL)


@click.command(short_help="Show the installed copies and their state.")
@click.argument("project", type=click.Path(path_type=Path), default=".")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(project: Path, as_json: bool) -> int:
    """Show every installed copy of the packages that wasmfix knows, where it is, and its state. Changes nothing."""
    # It only looks: a copy outside the project is shown, too.
    node_path = os.environ.get("NODE_PATH", "")
    installation = find_installation(find_project(project), follow_links=True, node_path=node_path)
    catalogue, inputs = load_catalogue(), current_inputs("")
    found = []
    for package in installation.packages:
        # Not in the middle of another run's changes.
        with locked(package.folder):
            found.append(assess(package, catalogue, inputs, orez=installation.orez is not None))
    backups = configured_backups(installation.project, os.environ)
    if as_json:
        emit_json(_document(installation, found, backups))
    else:
        _show(installation, found, backups)
    return 0


def _on_engine(found: list[Assessment]) -> bool:
    """Whether zero-cache runs on the engine here."""
    return any(each.package.name == _DRIVER and each.state in _ENGINE_STATES for each in found)


def _document(installation: Installation, found: list[Assessment], backups: list[Backup]) -> dict[str, object]:
    return {
        "project": str(installation.project.root),
        "package_manager": installation.project.manager,
        "orez": str(installation.orez) if installation.orez else None,
        "packages": [
            {**assessment.to_json(), "outside_project": installation.outside(assessment.package)}
            for assessment in found
        ],
        "not_patchable": [
            {"name": item.name, "where": item.where, "reason": item.reason, "remedy": item.remedy}
            for item in installation.unpatchable
        ],
        "litestream": {
            "configured_in": [str(backup.file) if backup.file else "environment" for backup in backups],
            "conflict": bool(backups) and _on_engine(found),
        },
    }


def _show(installation: Installation, found: list[Assessment], backups: list[Backup]) -> None:
    project = installation.project
    click.echo(f"{project.root} ({project.manager})")
    rows = []
    for assessment in found:
        package = assessment.package
        rows.append(
            [
                package.label,
                assessment.label,
                package.amalgamation.version or "none",
                "yes" if package.native else "no",
                shown_path(package.logical[0], project.root),
            ]
        )
    if rows:
        show_table(["package", "state", "SQLite", "native", "where"], rows)
    for assessment in found:
        outside = ["outside the project: `wasmfix patch` changes it only with --follow-links"]
        for line in [*(outside if installation.outside(assessment.package) else []), *_remarks(assessment)]:
            click.echo(f"{shown_path(assessment.package.folder, project.root)}: {line}")
    for item in installation.unpatchable:
        click.echo(f"{item.where}: {item.name} {item.reason}; {item.remedy}")
    for backup in backups if _on_engine(found) else ():
        where = shown_path(backup.file, project.root) if backup.file else "environment"
        click.echo(
            f"{where}: {BACKUP_URL} is set, so zero-cache starts litestream, a native program; it and the engine do "
            "not see each other's locks, and the replica may be damaged; unset it, or take the driver back with "
            "`wasmfix restore`"
        )


def _remarks(assessment: Assessment) -> list[str]:
    lines = [*assessment.problems, *assessment.remarks]
    if assessment.record and assessment.record.exported:
        wrong = assessment.state is not State.PATCHED
        return [*lines, "export it again, and install that"] if wrong else lines
    lines += [f"{path} {what.value}" for path, what in assessment.drift]
    if assessment.record and assessment.state in (State.PATCHED, State.STALE):
        inputs = assessment.record.inputs
        source = f", with the SQLite of {inputs.amalgamation}" if inputs.amalgamation else ""
        lines.append(f"patched by wasmfix {inputs.wasmfix}: {', '.join(assessment.patches)}{source}")
    if assessment.state is State.INTERRUPTED:
        lines.append("a run was cut off; `wasmfix patch` or `wasmfix restore` finishes it")
    if assessment.state is State.PARTIAL and any(what is Drift.EDITED for _path, what in assessment.drift):
        lines.append("`wasmfix patch --force` overwrites the change, `wasmfix restore --force` puts the original back")
    elif assessment.state is State.STALE:
        lines.append("this wasmfix would make other files of it; run `wasmfix patch`")
    elif assessment.state in (State.PARTIAL, State.SHIM, State.MISSING_INDEX, State.MISSING_FILE):
        lines.append("run `wasmfix patch`")
    elif assessment.state is State.FOREIGN:
        lines.append("it is not patched like this; reinstall it, or install a version that wasmfix knows")
    return lines
