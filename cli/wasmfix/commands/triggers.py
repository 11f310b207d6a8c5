"""`wasmfix triggers`: change-tracking triggers on tables that Zero does not know, and how to be rid of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wasmfix.commands._output import show_table
from wasmfix.errors import FINDINGS, WasmfixError
from wasmfix.jsonout import emit_json

if TYPE_CHECKING:
    from wasmfix.diagnostics.options import Options
    from wasmfix.postgres.connect import Database
    from wasmfix.postgres.publications import Chosen
    from wasmfix.postgres.triggers import Found


@click.command(short_help="Find, and drop, change-tracking triggers on unpublished tables.")
@click.option(
    "--database-url",
    metavar="URL",
    envvar="WASMFIX_DATABASE_URL",
    help="The PostgreSQL, or PGlite, that Zero replicates from.  [default: WASMFIX_DATABASE_URL]",
)
@click.option(
    "--publication",
    "publications",
    multiple=True,
    metavar="NAME",
    help="A publication that Zero uses; may be given again.  [default: ZERO_APP_PUBLICATIONS, or what Zero set up]",
)
@click.option("--drop", is_flag=True, help="Show the statements, ask, and drop the triggers in one transaction.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(database_url: str | None, publications: tuple[str, ...], drop: bool, yes: bool, as_json: bool) -> int:
    """Find change-tracking triggers on tables that are in none of Zero's publications ("Unknown table").

    Looks, and changes nothing without --drop. Exit code 1 if there are such triggers, 0 if there are none (any more).
    """
    if not database_url:
        remedy = "give --database-url, or set WASMFIX_DATABASE_URL, which no list of processes shows"
        raise WasmfixError("no database is named", remedy=remedy)
    if yes and not drop:
        raise click.UsageError("--yes goes with --drop")
    if drop and not yes and not sys.stdin.isatty():
        raise WasmfixError("there is no terminal to ask on", where="--drop", remedy="add --yes, and nothing is asked")
    # Imported late: `wasmfix -h` needs none of it.
    from wasmfix.postgres.connect import connected
    from wasmfix.postgres.publications import find_unreadable_shards

    options = _options(database_url, publications)
    with connected(database_url) as database:
        chosen, found = _look(database, options)
        name, unreadable = database.shown, find_unreadable_shards(database)
        if drop and found.stale:
            _refuse_without_tables(database, chosen)
            _refuse_others(found, unreadable, name, named=bool(publications), yes=yes)
    dropped = False
    if not as_json:
        _show(found, chosen, name, unreadable)
    if drop and found.stale:
        _show_statements(found, err=as_json)
        if unreadable and as_json:
            click.echo(_not_read(unreadable), err=True)
        if yes or click.confirm(f"Drop {_count(found)} in {name}?", err=True):
            _drop(database_url, options, found)
            dropped = True
    if as_json:
        emit_json(_document(name, chosen, found, dropped, unreadable))
    elif dropped:
        click.echo(f"dropped {_count(found)}")
    elif found.stale and not drop:
        click.echo("`wasmfix triggers --drop` drops them")
    return FINDINGS if found.stale and not dropped else 0


def _options(url: str, publications: tuple[str, ...]) -> Options:
    """What the project in the current folder, if it is one, says of publications."""
    from wasmfix.diagnostics.checks.project_environment import READ
    from wasmfix.diagnostics.options import Options
    from wasmfix.project import find_project
    from wasmfix.project.settings import Setting, read_settings

    options = Options(database_url=url, publications=publications, environment=os.environ)
    try:
        project = find_project(Path())
    except WasmfixError:
        settings = tuple(Setting(name, os.environ[name]) for name in READ if name in os.environ)
        return replace(options, settings=settings)
    return replace(options, project=project, settings=read_settings(project, READ, os.environ))


def _look(database: Database, options: Options) -> tuple[Chosen, Found]:
    from wasmfix.diagnostics.checks.database_subject import choose_publications
    from wasmfix.postgres.publications import find_publications, find_shards
    from wasmfix.postgres.triggers import find_triggers

    publications = find_publications(database)
    _given, chosen = choose_publications(options, find_shards(database))
    if not chosen.names:
        remedy = "name them with --publication, or set ZERO_APP_PUBLICATIONS"
        raise WasmfixError("it is not known which publications Zero uses", where=database.shown, remedy=remedy)
    missing = [name for name in chosen.names if name not in publications]
    if missing:
        # A name with a slip in it would make every trigger a stale one.
        there = ", ".join(name for name in publications if not name.startswith("_")) or "none"
        what = f"there is no publication {', '.join(missing)}, as {chosen.source} says"
        raise WasmfixError(what, where=database.shown, remedy=f"correct the name; there are: {there}")
    return chosen, find_triggers(database, publications, chosen)


def _refuse_without_tables(database: Database, chosen: Chosen) -> None:
    from wasmfix.postgres.publications import find_publications

    publications = find_publications(database)
    if not any(publications[name].tables for name in chosen.names):
        what = f"{', '.join(chosen.names)} has no tables, so all change tracking would be dropped"
        raise WasmfixError(what, where=database.shown, remedy="add the tables of your Zero schema to it first")


def _refuse_others(found: Found, unreadable: Sequence[str], name: str, *, named: bool, yes: bool) -> None:
    """Unless the user names the publications, what others may count on is not dropped.

    Args:
        named: by --publication, not by the settings or the database.
    """
    if named:
        return
    remedy = "name all publications that Zero uses with --publication, one each"
    others = sorted({each for trigger in found.stale for each in trigger.published_by})
    if others:
        tables = len({trigger.table for trigger in found.stale if trigger.published_by})
        what = f"{tables} of the tables with triggers to drop are published by {', '.join(others)}; nothing was dropped"
        raise WasmfixError(what, where=name, remedy=remedy)
    if unreadable and yes:
        raise WasmfixError(f"{_not_read(unreadable)}; nothing was dropped", where=name, remedy=remedy)


def _not_read(unreadable: Sequence[str]) -> str:
    from wasmfix.report.plain import plain

    return plain(f"this user may not read which publications Zero uses in {', '.join(unreadable)}")


def _drop(url: str, options: Options, shown: Found) -> None:
    from wasmfix.postgres.connect import connected
    from wasmfix.postgres.triggers import drop_triggers, lock_tables

    with connected(url, write=True) as database:
        lock_tables(database, shown.stale)
        # Read behind the locks: what is true now stays true until the triggers are gone.
        chosen, found = _look(database, options)
        _refuse_without_tables(database, chosen)
        _refuse_others(found, (), database.shown, named=bool(options.publications), yes=True)
        drop_triggers(database, shown.stale, found.stale)


def _show(found: Found, chosen: Chosen, name: str, unreadable: Sequence[str]) -> None:
    from wasmfix.report.plain import plain

    click.echo(plain(f"{name}, published by {', '.join(chosen.names)} ({chosen.source})"))
    if unreadable:
        click.echo(_not_read(unreadable))
    if found.stale:
        rows = []
        for trigger in found.stale:
            note = "" if trigger.enabled else "disabled"
            if trigger.published_by:
                note = ", ".join(filter(None, [note, f"also in {', '.join(trigger.published_by)}"]))
            cells = [trigger.table.schema, trigger.table.name, trigger.name, trigger.function.shown, note]
            rows.append([plain(cell) for cell in cells])
        show_table(["schema", "table", "trigger", "function", ""], rows)
        click.echo(f"{_count(found)} on tables that are not published")
    else:
        click.echo("no change-tracking triggers on tables that are not published")
    for trigger in found.doubtful:
        click.echo(plain(f"left alone: {trigger.name} on {trigger.table.shown}, {trigger.doubt}"))


def _show_statements(found: Found, *, err: bool) -> None:
    from wasmfix.report.plain import plain

    for trigger in found.stale:
        click.echo(plain(trigger.statement), err=err)


def _count(found: Found) -> str:
    number = len(found.stale)
    return f"{number} trigger{'' if number == 1 else 's'}"


def _document(name: str, chosen: Chosen, found: Found, dropped: bool, unreadable: Sequence[str]) -> dict[str, object]:
    return {
        "database": name,
        "publications": list(chosen.names),
        "publications_from": chosen.source,
        "unreadable_shards": list(unreadable),
        "triggers": [{**trigger.to_json(), "statement": trigger.statement} for trigger in found.stale],
        "dropped": dropped,
        "published": [trigger.to_json() for trigger in found.wanted],
        "left_alone": [{**trigger.to_json(), "reason": trigger.doubt} for trigger in found.doubtful],
    }
