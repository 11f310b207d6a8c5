"""`wasmfix patch`: put the engine in place of the native addon, in every installed copy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wasmfix.commands._catalogue import emit_catalogue, show_catalogue
from wasmfix.commands._output import shown_path
from wasmfix.errors import FINDINGS, STOPPED, WasmfixError
from wasmfix.jsonout import emit_json
from wasmfix.patching.assess import Assessment, State
from wasmfix.patching.catalogue import MODES, load_catalogue
from wasmfix.patching.run import HEALTHY, Outcome, Patcher
from wasmfix.project import DRIVERS, Installation, InstalledPackage, find_installation, find_project
from wasmfix.project.package import read_package

if TYPE_CHECKING:
    from wasmfix.engine import BuiltEngine
    from wasmfix.verification import VerifyReport

SOURCE = "@rocicorp/zero-sqlite3"


@dataclass
class _Run:
    """What has happened so far, for the output."""

    installation: Installation
    outcomes: list[Outcome] = field(default_factory=list)
    failures: list[WasmfixError] = field(default_factory=list)
    reports: list[VerifyReport] = field(default_factory=list)
    unpatched: bool = False
    """`--check` found something to do."""

    @property
    def exit_code(self) -> int:
        if self.failures:
            return STOPPED
        return FINDINGS if self.unpatched or not all(report.ok for report in self.reports) else 0


@click.command(short_help="Put SQLite in WebAssembly in place of the native addon.")
@click.argument("project", type=click.Path(path_type=Path), default=".")
@click.option("--target", "targets", multiple=True, metavar="NAME", help="Only this package; may be given again.")
@click.option(
    "--engine",
    "mode",
    type=click.Choice(MODES),
    help="For bedrock-sqlite: replace the whole engine, or only repair the JavaScript.  [default: as before, else "
    "rebuild]",
)
@click.option(
    "--amalgamation",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder of a zero-sqlite3 whose SQLite bedrock-sqlite gets (default: the project's).",
)
@click.option(
    "--toolchain",
    type=click.Choice(["zig", "emcc"]),
    default="zig",
    show_default=True,
    help="What compiles and links the engine.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be done; builds the engine, changes no package.")
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 if a package is not patched by this wasmfix.")
@click.option("--force", is_flag=True, help="Overwrite files that someone else changed since.")
@click.option("--follow-links", is_flag=True, help="Also patch copies outside PROJECT, where they really are.")
@click.option(
    "--export",
    "export_to",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Change no package: write each, as patched, into DIR as an npm tarball that can take its place.",
)
@click.option("--no-verify", is_flag=True, help="Do not run the patched packages in Node.")
@click.option(
    "--list", "list_them", is_flag=True, help="Show the catalogue of patches with their symptoms; do nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    project: Path,
    targets: tuple[str, ...],
    mode: str | None,
    amalgamation: Path | None,
    toolchain: str,
    dry_run: bool,
    check: bool,
    force: bool,
    follow_links: bool,
    export_to: Path | None,
    no_verify: bool,
    list_them: bool,
    as_json: bool,
) -> int:
    """Make PROJECT's zero-sqlite3 and better-sqlite3 run on WebAssembly. `wasmfix restore` undoes it.

    Every installed copy is patched, or named with the reason why not. A package is patched completely or left as it
    was, whatever happens.
    """
    catalogue = load_catalogue()
    if list_them:
        (emit_catalogue if as_json else show_catalogue)(catalogue)
        return 0
    node_path = os.environ.get("NODE_PATH", "")
    follow = follow_links or export_to is not None  # which only reads
    run = _Run(find_installation(find_project(project), targets, follow_links=follow, node_path=node_path))
    built: dict[Path, BuiltEngine] = {}

    def build(folder: Path) -> BuiltEngine:
        if folder not in built:
            # Imported late: neither --check nor a second patch builds anything.
            from wasmfix.commands._engine import build_shown

            title = next((each.label for each in run.installation.packages if each.folder == folder), folder.name)
            built[folder] = build_shown(folder, toolchain=toolchain, title=title)
        return built[folder]

    patcher = Patcher(
        catalogue,
        toolchain,
        build,
        orez=run.installation.orez is not None,
        force=force,
        engine=mode or "",
        amalgamation=_amalgamation(amalgamation, project),
        amalgamation_named=amalgamation is not None,
    )
    if export_to is not None:
        if check or dry_run:
            raise WasmfixError("--export changes no package, so it goes with neither --check nor --dry-run")
        from wasmfix.commands._export import export_packages

        return export_packages(run.installation, patcher, export_to, as_json=as_json)
    _note_unpatchable(run, patcher)
    for package in run.installation.packages:
        try:
            if check:
                run.outcomes.append(_checked(run, patcher, package))
            elif dry_run:
                run.outcomes.append(_planned(patcher, package))
            else:
                outcome = patcher.patch(package)
                run.outcomes.append(outcome)
                if not no_verify and outcome.result != "healthy" and package.name in DRIVERS:
                    run.reports.append(_verified(package))
        except WasmfixError as error:
            run.failures.append(error)
    if as_json:
        emit_json(_document(run))
    else:
        _show(run, dry_run)
    for failure in run.failures:
        click.echo(f"wasmfix: {failure}", err=True)
    return run.exit_code


def _amalgamation(named: Path | None, project: Path) -> InstalledPackage | None:
    """Whose SQLite a package gets that has none: the one that is named, or the project's newest zero-sqlite3."""
    if named is not None:
        package = read_package(named.resolve())
        # Another SQLite has no BEGIN CONCURRENT and no wal2, on which bedrock-sqlite's users count.
        problem = package.amalgamation.problem if package.name == SOURCE else f"is not {SOURCE}"
        if problem:
            raise WasmfixError(
                f"{package.label} {problem}",
                where=named,
                remedy="--amalgamation takes the folder of an installed @rocicorp/zero-sqlite3",
            )
        return package
    try:
        found = find_installation(find_project(project), [SOURCE]).packages
    except WasmfixError:
        return None
    usable = [package for package in found if package.amalgamation.problem is None]
    return max(usable, key=_sqlite_version, default=None)


def _sqlite_version(package: InstalledPackage) -> tuple[int, ...]:
    return tuple(int(part) for part in (package.amalgamation.version or "0").split("."))


def _note_unpatchable(run: _Run, patcher: Patcher) -> None:
    """Copies that the project would use, and a project that has no other, are failures; the rest is only named."""
    for item in run.installation.unpatchable:
        settled = _settled(patcher.assess(item.package)) if item.package else None
        if settled:
            run.outcomes.append(replace(settled, notes=(*settled.notes, f"outside the project: {item.where}")))
        elif item.blocks or not run.installation.packages:
            run.failures.append(WasmfixError(f"{item.name} {item.reason}", where=item.where, remedy=item.remedy))


def _settled(assessment: Assessment) -> Outcome | None:
    """The outcome for a package with which nothing is to be done."""
    if assessment.state is State.HEALTHY:
        return Outcome(assessment.package, "healthy", notes=(HEALTHY, *assessment.notes))
    return Outcome(assessment.package, "already patched") if assessment.state is State.PATCHED else None


def _checked(run: _Run, patcher: Patcher, package: InstalledPackage) -> Outcome:
    assessment = patcher.assess(package)
    if (settled := _settled(assessment)) is not None:
        return settled
    run.unpatched = True
    notes = (*assessment.problems, *(f"{path} {what.value}" for path, what in assessment.drift))
    result = "not patched" if assessment.state is State.UNPATCHED else f"not patched ({assessment.label})"
    return Outcome(package, result, notes=notes)


def _planned(patcher: Patcher, package: InstalledPackage) -> Outcome:
    assessment = patcher.assess(package)
    if (settled := _settled(assessment)) is not None:
        return settled
    return Outcome(package, "would be patched", patcher.plan(assessment), notes=assessment.remarks)


def _verified(package: InstalledPackage) -> VerifyReport:
    from wasmfix.verification import verify_package

    try:
        return verify_package(package.folder, quick=True)
    except WasmfixError as error:
        raise WasmfixError(
            f"{package.label} is patched, but was not verified: {error.what}",
            where=error.where,
            remedy="mend that and run: wasmfix verify (or patch with --no-verify)",
        ) from error


def _document(run: _Run) -> dict[str, object]:
    return {
        "project": str(run.installation.project.root),
        "packages": [outcome.to_json() for outcome in run.outcomes],
        "not_patchable": [
            {"name": item.name, "where": item.where, "reason": item.reason, "remedy": item.remedy}
            for item in run.installation.unpatchable
        ],
        "failures": [str(failure) for failure in run.failures],
        "verification": [report.to_json() for report in run.reports],
    }


def _show(run: _Run, with_plan: bool) -> None:
    root = run.installation.project.root
    for outcome in run.outcomes:
        finished = f" ({outcome.finished})" if outcome.finished else ""
        where = shown_path(outcome.package.logical[0], root)
        click.echo(f"{outcome.package.label}: {outcome.result}{finished}  {where}")
        for note in outcome.notes:
            click.echo(f"  {note}")
        if outcome.plan and with_plan:
            _show_operations(outcome.plan.operations())
        elif outcome.plan:
            outside = run.installation.outside(outcome.package)
            undo = f"wasmfix restore{' --follow-links' if outside else ''}"
            click.echo(f"  patches: {', '.join(outcome.plan.patches)}; undo with: {undo}")
            if outside:
                click.echo(f"  it is outside the project, and patched for all who use it: {outcome.package.folder}")
    for item in run.installation.unpatchable:
        if not item.blocks and run.outcomes and item.package not in [outcome.package for outcome in run.outcomes]:
            click.echo(f"{item.name}: left alone  {item.where}\n  {item.reason}; {item.remedy}")
    for report in run.reports:
        _show_report(report)


def _show_operations(operations: Sequence[dict[str, object]]) -> None:
    from wasmfix.commands._output import show_table

    def cells(row: dict[str, object]) -> list[str]:
        before, after = (str(row[side])[:10] if row[side] else "absent" for side in ("from", "to"))
        return [str(row["path"]), f"{before} → {after}", str(row["mode"] or ""), f"{row['patch']}: {row['why']}"]

    show_table(["file", "content", "mode", "why"], [cells(row) for row in operations])


def _show_report(report: VerifyReport) -> None:
    failed = [check for check in report.checks if check.status == "fail"]
    if not failed:
        click.echo(f"{report.package} {report.version}: verified, {len(report.checks)} checks")
        return
    click.echo(f"{report.package} {report.version}: {len(failed)} of {len(report.checks)} checks failed", err=True)
    for check in failed:
        click.echo(f"  {check.id} {check.title}: {check.detail}", err=True)
    click.echo("  the patch was left in place; `wasmfix restore` undoes it, `wasmfix verify` tells more", err=True)
