"""`wasmfix verify`: run the patched packages and see whether they do what wasmfix promises."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import click

from wasmfix.commands._packages import chosen_packages
from wasmfix.errors import FINDINGS
from wasmfix.jsonout import emit_json
from wasmfix.verification import VerifyReport, verify_package

_STYLES = {"ok": "green", "fail": "bold red", "skip": "yellow"}


@click.command(short_help="Run the patched packages: do they do what wasmfix promises?")
@click.argument("project", type=click.Path(path_type=Path), default=".")
@click.option("--node", metavar="FILE", help="The Node to run them in.  [default: WASMFIX_NODE, else node on PATH]")
@click.option("--quick", is_flag=True, help="Only the checks that take no time.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(project: Path, node: str | None, quick: bool, as_json: bool) -> int:
    """Run every SQLite package that PROJECT has installed in Node, and check the promises of wasmfix.

    Each runs in a process of its own with bounded memory and time; the project's files and databases are not
    touched. Exit code 1 if a check fails or a package is not patched.
    """
    reports = []
    packages = chosen_packages(project)
    sources = [package.folder for package in packages if package.amalgamation.problem is None]
    for package in packages:
        with _waiting(f"{package.label}: running the checks"):
            report = verify_package(package.folder, node=node, quick=quick, sources=sources)
        reports.append(report)
        if not as_json:
            _show(report)
    ok = all(report.ok for report in reports)
    if as_json:
        emit_json({"ok": ok, "packages": [report.to_json() for report in reports]})
    return 0 if ok else FINDINGS


def _waiting(what: str) -> AbstractContextManager[object]:
    if not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(what)


def _show(report: VerifyReport) -> None:
    # Imported late: --json needs none of it.
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    node = f", Node {report.node}" if report.node else ""
    header = f"{report.package} {report.version}{node}\n{report.folder}"
    failed = sum(check.status == "fail" for check in report.checks)
    passed = sum(check.status == "ok" for check in report.checks)
    skipped = len(report.checks) - failed - passed
    summary = f"{passed} ok, {failed} failed, {skipped} skipped"
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    console.print(escape(header))
    if sys.stdout.isatty():
        table = Table(box=None, pad_edge=False, show_header=False)
        for check in report.checks:
            style = _STYLES[check.status]
            table.add_row(check.id, f"[{style}]{check.status}[/]", escape(check.title), escape(check.detail))
        console.print(table)
    else:
        # One line a check, whatever its length: made for grep.
        for check in report.checks:
            console.print(escape(f"{check.id} {check.status:4} {check.title}: {check.detail}"))
    console.print(summary)
