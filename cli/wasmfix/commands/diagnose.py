"""`wasmfix diagnose`: what is wrong here, and what to do. Changes nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wasmfix.commands._reports import (
    NamedFile,
    annotated_from,
    check_outputs,
    database_source,
    looked_at,
    size_option,
    subject_options,
    write_file,
)
from wasmfix.errors import FINDINGS, INTERRUPTED, WasmfixError
from wasmfix.report import FORMATS, rendered

if TYPE_CHECKING:
    from wasmfix.diagnostics.run import Report

_FAIL_ON = ("error", "warning", "never")


@click.command(short_help="Say what is wrong with a project, a replica, a database, and what to do.")
@click.argument("project", type=click.Path(path_type=Path), required=False)
@subject_options
@click.option("--show-values", is_flag=True, help="Show the content of large values, too.")
@click.option(
    "--runtime",
    type=click.Choice(["wasmtime", "wasmer"]),
    default="wasmtime",
    show_default=True,
    help="What runs the engine that reads the replica.",
)
@click.option("--fetch", is_flag=True, help="Get zero-sqlite3's source from npm if no engine can be built without.")
@click.option("--no-probe", is_flag=True, help="Do not run the installed drivers.")
@click.option("--node", metavar="FILE", help="The Node to ask.  [default: WASMFIX_NODE, else node on PATH]")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--output", type=NamedFile(), metavar="FILE", help="Write the report there.")
@click.option(
    "--fail-on",
    type=click.Choice(_FAIL_ON),
    default="error",
    show_default=True,
    help="The severity from which the exit code is 1.",
)
@click.option("--explain", metavar="ID", help="Say what a finding means, how it is found, what to do; nothing else.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error, also of a check.")
def command(
    project: Path | None,
    replica: Path | None,
    database_url: str | None,
    publications: tuple[str, ...],
    heap_limit: str | None,
    queries: Path | None,
    show_values: bool,
    runtime: str,
    fetch: bool,
    no_probe: bool,
    node: str | None,
    format_: str,
    output: Path | None,
    fail_on: str,
    explain: str | None,
    debug: bool,
) -> int:
    """Look at PROJECT, a replica, a database, and say what is wrong and what to do. Changes nothing.

    Without --replica the file that ZERO_REPLICA_FILE names is read, in the environment or in what the project sets.
    Without PROJECT the current folder is meant, if it is one. Exit code 1 if something was found (see --fail-on).
    """
    if explain is not None:
        _explain(explain)
        return 0
    # Imported late: `wasmfix -h` needs none of it.
    from wasmfix.commands._progress import shown_progress
    from wasmfix.diagnostics.gather import gather
    from wasmfix.diagnostics.options import Options
    from wasmfix.diagnostics.paste import for_shell_in
    from wasmfix.diagnostics.run import run
    from wasmfix.diagnostics.sections import sections

    asked = Options(
        replica=replica.absolute() if replica else None,
        database_url=database_url,
        database_source=database_source(),
        publications=publications,
        heap_limit=size_option("--heap-limit", heap_limit),
        queries=queries,
        show_values=show_values,
        runtime=runtime,
        fetch=fetch,
        node=node,
        probe=not no_probe,
    )
    options = gather(project, asked, os.environ)
    if queries is not None and options.replica is None:
        what = "there is no replica to project them on"
        raise WasmfixError(what, where="--queries", remedy="name one with --replica")
    if output is not None and str(output) != "-":
        check_outputs([output], options)
    root = options.project.root if options.project else Path.cwd()
    with shown_progress() as tell:
        report = run(
            sections(options),
            tell,
            subjects=looked_at(options),
            root=str(annotated_from(root)),
            secrets=[database_url] if database_url else [],
            debug=debug,
        )
    if options.project is not None:
        report = for_shell_in(Path.cwd(), report, options.project.root)
    _emit(report, format_, output)
    if not report.complete:
        click.echo("wasmfix: interrupted; the report has what was known by then", err=True)
        return INTERRUPTED
    return FINDINGS if _fails(report, fail_on) else 0


def _explain(id_: str) -> None:
    from wasmfix.diagnostics.pages import page
    from wasmfix.diagnostics.registry import REGISTRY
    from wasmfix.report.prose import without_links

    kind = REGISTRY.get(id_.upper())
    if kind is None:
        raise WasmfixError("no finding has this id", where=id_, remedy="the report names ids such as WF102")
    click.echo(without_links(page(kind)), nl=False)


def _fails(report: Report, fail_on: str) -> bool:
    from wasmfix.diagnostics.finding import Severity

    return fail_on != "never" and report.worst.rank <= Severity(fail_on).rank


def _emit(report: Report, format_: str, output: Path | None) -> None:
    if output is None or str(output) == "-":
        if format_ == "text" and sys.stdout.isatty():
            from wasmfix.report.text import show_on_terminal

            show_on_terminal(report)
        else:
            click.echo(rendered(report, format_), nl=False)
        return
    write_file(output, rendered(report, format_))
