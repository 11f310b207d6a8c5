"""`wasmfix ci`: is the project patched, does it run, is anything wrong? One run, one report, one exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from wasmfix.config.keys import FAIL_ON, VERIFY
from wasmfix.errors import INTERRUPTED, WasmfixError, os_reason

if TYPE_CHECKING:
    from wasmfix.ci.gate import Gate
    from wasmfix.ci.run import Result
    from wasmfix.config.settings import Settings
    from wasmfix.diagnostics.options import Options
    from wasmfix.engine import BuiltEngine

_SOURCE = "@rocicorp/zero-sqlite3"


@click.command(short_help="One step for CI: patched? does it run? anything wrong?")
@click.argument("project", type=click.Path(path_type=Path), default=".")
@click.option("--apply/--check", default=None, help="Patch what is not patched, or fail.  [default: --check]")
@click.option("--target", "targets", multiple=True, metavar="NAME", help="Only this package; may be given again.")
@click.option("--follow-links", is_flag=True, help="Also copies outside PROJECT, where they really are.")
@click.option("--verify", type=click.Choice(VERIFY), help="Which checks of what is patched.  [default: full]")
@subject_options
@click.option("--runtime", type=click.Choice(["wasmtime", "wasmer"]), help="What runs the engine.  [default: wasmtime]")
@click.option("--fetch", is_flag=True, help="Get zero-sqlite3's source from npm if no engine can be built without.")
@click.option("--node", metavar="FILE", help="The Node to run.  [default: WASMFIX_NODE, else node on PATH]")
@click.option(
    "--fail-on", type=click.Choice(FAIL_ON), help="The severity from which the exit code is 1.  [default: error]"
)
@click.option(
    "--report-dir",
    type=NamedFile(),
    metavar="DIR",
    help="Write the report there as JSON, SARIF, JUnit, HTML, Markdown and GitLab's code quality.",
)
@click.option(
    "--config",
    type=NamedFile(),
    metavar="FILE",
    help="The settings.  [default: wasmfix.toml, else pyproject.toml, in PROJECT]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error, also of a check.")
def command(project: Path, config: Path | None, as_json: bool, debug: bool, **given: Any) -> int:
    """Check that PROJECT is patched, that the patched packages work, and look for what `diagnose` finds.

    Options that are not given are taken from wasmfix.toml, or [tool.wasmfix] in pyproject.toml. On GitHub it writes
    annotations, the step summary and outputs, on GitLab a code quality report. Exit code 1 if something was found or
    is not patched, 2 if it could not be done.
    """
    # Imported late: `wasmfix -h` needs none of it.
    from wasmfix.ci import servers

    try:
        return _run(project, config, as_json=as_json, debug=debug, given=given)
    except WasmfixError as error:
        if servers.on_github(os.environ):
            click.echo(servers.stopped_annotation(error, annotated_from(project.resolve())), nl=False, err=as_json)
            _to_github("GITHUB_OUTPUT", lambda file: servers.append_outputs(file, servers.stopped_outputs()))
        raise


def _run(project: Path, config: Path | None, *, as_json: bool, debug: bool, given: dict[str, Any]) -> int:
    from wasmfix.ci.run import run_ci
    from wasmfix.commands._progress import shown_progress
    from wasmfix.config.read import read_settings
    from wasmfix.diagnostics.gather import gather
    from wasmfix.diagnostics.paste import for_shell_in
    from wasmfix.project import find_project

    database_url = given.pop("database_url")
    found = find_project(project)
    settings = _overridden(read_settings(found.root, config), given)
    asked = _asked(settings, database_url)
    if given["replica"] is None and settings.replica is not None and settings.file is not None:
        asked = replace(asked, replica_source=f"replica in {settings.file.name}")
    options = gather(project, asked, os.environ)
    if settings.queries is not None and options.replica is None:
        what = "there is no replica to project them on"
        raise WasmfixError(what, where="queries", remedy="name one with --replica, or replica in the settings")
    gate = _gate(settings, options)
    if settings.report_dir is not None:
        _make(settings.report_dir)
    check_outputs(_files(settings, annotated_from(found.root)), options)

    def look() -> Options:
        return gather(project, asked, os.environ) if gate.changed else options

    with shown_progress() as tell:
        result = run_ci(
            gate,
            settings,
            look,
            tell,
            root=annotated_from(found.root),
            subjects=looked_at(options),
            secrets=[database_url] if database_url else [],
            debug=debug,
        )
    result = replace(result, report=for_shell_in(Path.cwd(), result.report, found.root))
    _emit(result, settings, as_json=as_json)
    if result.exit_code == INTERRUPTED:
        click.echo("wasmfix: interrupted; the report has what was known by then", err=True)
    return result.exit_code


def _overridden(settings: Settings, given: dict[str, Any]) -> Settings:
    """What the command line says goes first."""
    given["heap_limit"] = size_option("--heap-limit", given["heap_limit"])
    # A flag that is not there says nothing; `--check` does.
    said = {name: value for name, value in given.items() if value not in (None, ()) and (value or name == "apply")}
    for name in ("replica", "report_dir", "queries"):
        if name in said:
            said[name] = said[name].absolute()
    return replace(settings, **said)


def _asked(settings: Settings, database_url: str | None) -> Options:
    from wasmfix.diagnostics.options import Options

    return Options(
        replica=settings.replica,
        database_url=database_url,
        database_source=database_source(),
        publications=settings.publications,
        heap_limit=settings.heap_limit,
        queries=settings.queries,
        runtime=settings.runtime,
        fetch=settings.fetch,
        node=settings.node,
        # `verify` has run the packages already, and what is not patched is a finding as it is.
        probe=False,
    )


def _gate(settings: Settings, options: Options) -> Gate:
    from wasmfix.ci.gate import Gate
    from wasmfix.patching.catalogue import load_catalogue
    from wasmfix.patching.run import Patcher
    from wasmfix.project import TARGETS, find_installation

    assert options.project is not None  # gather() raises without one
    for name in settings.targets:
        if name not in TARGETS:
            raise WasmfixError(f"unknown target {name!r}", remedy=f"--target takes one of: {', '.join(TARGETS)}")
    installation, problem = options.installation, options.installation_problem
    node_path = os.environ.get("NODE_PATH", "")
    if settings.follow_links or node_path:
        try:
            installation, problem = (
                find_installation(options.project, follow_links=settings.follow_links, node_path=node_path),
                None,
            )
        except WasmfixError as error:
            installation, problem = None, error
    packages = installation.packages if installation else ()
    built: dict[Path, BuiltEngine] = {}

    def build(folder: Path) -> BuiltEngine:
        if folder not in built:
            # Imported late: only --apply builds anything.
            from wasmfix.commands._engine import build_shown

            title = next((each.label for each in packages if each.folder == folder), folder.name)
            built[folder] = build_shown(folder, toolchain=settings.toolchain, title=title)
        return built[folder]

    sources = [each for each in packages if each.name == _SOURCE and each.amalgamation.problem is None]
    patcher = Patcher(
        load_catalogue(),
        settings.toolchain,
        build,
        orez=installation is not None and installation.orez is not None,
        engine=settings.engine,
        amalgamation=max(sources, key=lambda each: _numbers(each.amalgamation.version), default=None),
    )
    return Gate(
        project=options.project,
        installation=installation,
        problem=problem,
        patcher=patcher,
        targets=settings.targets,
        follow_links=settings.follow_links,
        apply=settings.apply,
        environment=os.environ,
    )


def _numbers(version: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in (version or "0").split("."))


def _make(folder: Path) -> None:
    """Before the run: what cannot be written shall not be found out after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WasmfixError(f"cannot be made ({os_reason(error)})", where=folder) from error


def _files(settings: Settings, root: Path) -> list[Path]:
    """What the run is going to write."""
    from wasmfix.ci import servers

    if settings.report_dir is not None:
        return [settings.report_dir / name for name in servers.REPORTS.values()]
    return [root / servers.GITLAB_FILE] if servers.on_gitlab(os.environ) else []


def _emit(result: Result, settings: Settings, *, as_json: bool) -> None:
    """The report on stdout, in files, and for the CI server that runs us."""
    from wasmfix.ci import servers
    from wasmfix.report import rendered

    report, folder = result.report, settings.report_dir
    github = servers.on_github(os.environ)
    if as_json:
        click.echo(rendered(report, "json"), nl=False)
    elif sys.stdout.isatty() and not github:
        from wasmfix.report.text import show_on_terminal

        show_on_terminal(report)
    else:
        text = rendered(report, "text").decode()
        click.echo(servers.without_commands(text) if github else text, nl=False)
    written = tuple(servers.REPORTS) if folder is not None else ()
    if folder is not None:
        for format_, name in servers.REPORTS.items():
            write_file(folder / name, rendered(report, format_))
    elif servers.on_gitlab(os.environ):
        write_file(Path(report.root, servers.GITLAB_FILE), rendered(report, "gitlab"))
    if github:
        # The runner reads them from either stream; JSON is to stay JSON.
        click.echo(servers.annotation_lines(report), nl=False, err=as_json)
        _to_github("GITHUB_STEP_SUMMARY", lambda file: servers.append_summary(file, report))
        _to_github("GITHUB_OUTPUT", lambda file: servers.append_outputs(file, servers.outputs(result, folder, written)))


def _to_github(variable: str, append: Callable[[Path], None]) -> None:
    """What cannot be told to GitHub is no reason to fail."""
    name = os.environ.get(variable)
    if name:
        try:
            append(Path(name))
        except OSError as error:
            click.echo(f"wasmfix: {name}: cannot be written ({os_reason(error)}); {variable}", err=True)
