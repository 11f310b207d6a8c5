"""What the checks of the database share: one snapshot of it, and which publications count."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from wasmfix.diagnostics.facts import Item
from wasmfix.diagnostics.options import Options
from wasmfix.diagnostics.run import Check, Tell
from wasmfix.errors import WasmfixError
from wasmfix.postgres.connect import Database, has_password
from wasmfix.postgres.publications import (
    Chosen,
    Publication,
    Shard,
    choose,
    find_publications,
    find_shards,
    parse_names,
)
from wasmfix.postgres.server import Server, look_at_server

PUBLICATIONS = "ZERO_APP_PUBLICATIONS"
URL_VARIABLE = "WASMFIX_DATABASE_URL"
OLDEST = 150_000
"""The oldest PostgreSQL that Zero takes, as server_version_num; before it views lack columns that we read."""


@dataclass(frozen=True)
class DatabaseSubject:
    options: Options
    database: Database
    server: Server
    publications: dict[str, Publication]
    shards: tuple[Shard, ...]
    chosen: Chosen
    given: tuple[str, ...]
    """Named by the user or by the configuration; the rest of `chosen` is what the database itself says."""

    @property
    def name(self) -> str:
        return self.database.shown

    @property
    def used(self) -> list[Publication]:
        """The chosen publications that exist, without Zero's metadata."""
        return [self.publications[name] for name in self.chosen.names if name in self.publications]

    def triggers_command(self) -> str | None:
        """What drops the stale triggers when it is pasted; None where it would have to hold a password."""
        words = ["wasmfix", "triggers", "--drop"]
        for name in self.chosen.names:
            words += ["--publication", name]
        url = self.options.database_url
        if url is not None and self.options.environment.get(URL_VARIABLE) != url:
            if has_password(url):
                return None
            words += ["--database-url", url]
        return shlex.join(words)


def look_at(database: Database, options: Options) -> DatabaseSubject:
    """Raises WasmfixError if this user may not see what it takes."""
    server = look_at_server(database)
    publications = find_publications(database)
    shards = find_shards(database)
    given, chosen = choose_publications(options, shards)
    return DatabaseSubject(options, database, server, publications, shards, chosen, given)


def check(
    name: str, *ids: str
) -> Callable[[Callable[[DatabaseSubject, Tell], Iterator[Item]]], Check[DatabaseSubject]]:
    """A check whose queries may fail without harm to the checks after it, which share its transaction."""

    def decorate(run: Callable[[DatabaseSubject, Tell], Iterator[Item]]) -> Check[DatabaseSubject]:
        def guarded(subject: DatabaseSubject, tell: Tell) -> Iterator[Item]:
            with subject.database.savepoint():
                items = list(run(subject, tell))
            yield from items

        return Check(f"database.{name}", ids, guarded)

    return decorate


def choose_publications(options: Options, shards: Sequence[Shard]) -> tuple[tuple[str, ...], Chosen]:
    """The names that the user or the configuration gives, and all that count."""
    given, source = _given(options)
    return given, choose(given, source, shards, exact=bool(options.publications), own=_own_shard(options))


def _own_shard(options: Options) -> str:
    """The schema of the project's own shard: Zero's ZERO_APP_ID and ZERO_SHARD_NUM with their defaults."""
    app, number = options.setting("ZERO_APP_ID"), options.setting("ZERO_SHARD_NUM")
    return f"{app.value if app else 'zero'}_{number.value if number else 0}"


def _given(options: Options) -> tuple[tuple[str, ...], str]:
    if options.publications:
        return options.publications, "--publication"
    setting = options.setting(PUBLICATIONS)
    if setting is not None and (names := parse_names(setting.value)):
        root = options.project.root if options.project else None
        place = setting.place(root) if root else "the environment"
        return names, f"{PUBLICATIONS} in {place}"
    names = _of_replica(options)
    return names, "the replica" if names else ""


def _of_replica(options: Options) -> tuple[str, ...]:
    """The publications that the replica was made of; nothing if it cannot be read, which others say."""
    if options.replica is None:
        return ()
    from wasmfix import runtime

    try:
        with runtime.open(options.replica, runtime=options.runtime) as replica:
            [row] = replica.execute('SELECT publications FROM "_zero.replicationConfig"')
            content = json.loads(str(row[0]))
    except (WasmfixError, ValueError, runtime.SqlError, runtime.SnapshotError):
        return ()
    if not isinstance(content, list):
        return ()
    # Those that begin with _ are Zero's own, and in the upstream if they are anywhere.
    return tuple(name for name in content if isinstance(name, str) and not name.startswith("_"))
