"""`wasmfix restore`: every file as it was before the first patch."""

from __future__ import annotations

import os
from pathlib import Path

import click

from wasmfix.commands._output import shown_path
from wasmfix.commands._packages import patched
from wasmfix.errors import STOPPED, WasmfixError
from wasmfix.jsonout import emit_json
from wasmfix.patching.run import Outcome, restore
from wasmfix.project import Installation, find_installation, find_project


@click.command(short_help="Put every patched package back as it was.")
@click.argument("project", type=click.Path(path_type=Path), default=".")
@click.option("--target", "targets", multiple=True, metavar="NAME", help="Only this package; may be given again.")
@click.option("--force", is_flag=True, help="Overwrite files that someone else changed since.")
@click.option("--follow-links", is_flag=True, help="Also copies outside PROJECT, where they really are.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(project: Path, targets: tuple[str, ...], force: bool, follow_links: bool, as_json: bool) -> int:
    """Put back every byte, mode and absent file of the patched packages in PROJECT."""
    node_path = os.environ.get("NODE_PATH", "")
    installation = find_installation(
        find_project(project), targets, follow_links=follow_links, node_path=node_path, left_over=True
    )
    outcomes: list[Outcome] = []
    failures: list[WasmfixError] = []
    for item in installation.unpatchable:
        if item.package and patched(item.package) and not installation.packages:
            failures.append(WasmfixError(f"{item.name} {item.reason}", where=item.where, remedy=item.remedy))
    for package in installation.packages:
        try:
            outcomes.append(restore(package, force=force))
        except WasmfixError as error:
            failures.append(error)
    if as_json:
        emit_json(
            {
                "project": str(installation.project.root),
                "packages": [outcome.to_json() for outcome in outcomes],
                "failures": [str(failure) for failure in failures],
            }
        )
    else:
        _show(installation, outcomes)
    for failure in failures:
        click.echo(f"wasmfix: {failure}", err=True)
    return STOPPED if failures else 0


def _show(installation: Installation, outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        finished = f" ({outcome.finished})" if outcome.finished else ""
        where = shown_path(outcome.package.logical[0], installation.project.root)
        click.echo(f"{outcome.package.label}: {outcome.result}{finished}  {where}")
        for note in outcome.notes:
            click.echo(f"  {note}")
