"""`wasmfix patch --export`: tarballs, and what to write into package.json so that they are installed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from wasmfix.commands._output import shown_path
from wasmfix.errors import STOPPED, WasmfixError
from wasmfix.jsonout import emit_json
from wasmfix.patching.export import Exported, export
from wasmfix.patching.run import Patcher
from wasmfix.project import DRIVERS, Installation, InstalledPackage
from wasmfix.project.overrides import Entries, Tarball, override_entries

_PNPM_WORKSPACE = "or `overrides` with the same in pnpm-workspace.yaml"


def export_packages(installation: Installation, patcher: Patcher, target: Path, *, as_json: bool) -> int:
    """Export every driver that the project has installed; the exit code."""
    done: list[Exported] = []
    healthy: list[InstalledPackage] = []
    failures: list[WasmfixError] = []
    for item in installation.unpatchable:
        if item.blocks or not installation.packages:
            failures.append(WasmfixError(f"{item.name} {item.reason}", where=item.where, remedy=item.remedy))
    seen: set[tuple[str, str]] = set()
    for package in installation.packages:
        # Copies of one version are the same package.
        if package.name not in DRIVERS or (package.name, package.version) in seen:
            continue
        seen.add((package.name, package.version))
        try:
            exported = export(package, patcher, target)
        except WasmfixError as error:
            failures.append(error)
            continue
        if exported is None:
            healthy.append(package)
        else:
            done.append(exported)
    entries = override_entries(installation, [Tarball(each.package, each.file) for each in done]) if done else {}
    if as_json:
        emit_json(
            {
                "project": str(installation.project.root),
                "package_manager": installation.project.manager,
                "exported": [each.to_json() for each in done],
                "healthy": [package.label for package in healthy],
                "entries": entries,
                "failures": [str(failure) for failure in failures],
            }
        )
    else:
        for package in healthy:
            click.echo(f"{package.label}: healthy, there is nothing to export")
        _show(installation, done, entries)
    for failure in failures:
        click.echo(f"wasmfix: {failure}", err=True)
    return STOPPED if failures else 0


def _show(installation: Installation, done: Sequence[Exported], entries: Mapping[str, Entries]) -> None:
    for each in done:
        where = shown_path(each.file.resolve(), installation.project.root)
        click.echo(f"{each.package.label}: exported  {where}  ({each.size / 1e6:.1f} MB, {each.integrity[:19]}…)")
        left_out = []
        if each.native_files:
            count = len(each.native_files)
            left_out.append("a native file" if count == 1 else f"{count} native files")
        left_out += [f"the script {name}" for name in each.scripts]
        left_out += [f"the dependency {name}" for name in each.dependencies]
        if left_out:
            click.echo(f"  left out: {', '.join(left_out)}")
        if each.replaced:
            click.echo("  it replaces another of this name, which package managers may have kept: see that what they")
            click.echo("  install is the new one, or export into another folder")
    if not done:
        return
    click.echo(f"The project is as it was. To install {'these' if len(done) > 1 else 'this'}, commit it, and merge")
    own = installation.project.manager
    for manager in sorted(entries, key=lambda name: name != own):
        for file, fields in entries[manager].items():
            note = f" ({_PNPM_WORKSPACE})" if "pnpm" in fields else ""
            click.echo(f"\n{manager}: into {file}{note}\n{json.dumps(fields, indent=2)}")
