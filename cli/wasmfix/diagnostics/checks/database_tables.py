"""Publications and the tables in them: what Zero refuses, and what makes PostgreSQL refuse updates."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wasmfix.diagnostics.checks.database_subject import OLDEST, DatabaseSubject, check
from wasmfix.diagnostics.facts import Fact, Item
from wasmfix.diagnostics.finding import Severity
from wasmfix.diagnostics.registry import finding
from wasmfix.diagnostics.run import Tell
from wasmfix.postgres.publications import quoted
from wasmfix.postgres.server import PublishedTable, different_columns, look_at_tables

# What Zero 1.9.0 accepts: change-source/pg/schema/shard.js.
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")


@check("publications", "WF303", "WF304", "WF307", "WF318")
def publications(subject: DatabaseSubject, _tell: Tell) -> Iterator[Item]:
    chosen = subject.chosen
    if not chosen.names:
        yield Fact("database", "publications", "not known which Zero uses")
        return
    yield Fact("database", "publications", f"{', '.join(chosen.names)} ({chosen.source})")
    for name in chosen.names:
        publication = subject.publications.get(name)
        if publication is None:
            yield _missing(subject, name)
            continue
        if not publication.tables:
            yield finding(
                "WF304",
                name,
                "the publication has no tables, so nothing is replicated",
                evidence=[chosen.source],
                remedy=f"Add the tables of your Zero schema: ALTER PUBLICATION {quoted(name)} ADD TABLE ….",
            )
        if publication.missing:
            left_out = ", ".join(publication.missing)
            yield finding(
                "WF307",
                name,
                f"the publication leaves out {left_out}, and Zero does not take that",
                remedy=f"Run ALTER PUBLICATION {quoted(name)} SET (publish = 'insert, update, delete, truncate').",
                data={"missing": list(publication.missing)},
            )
    for name in subject.given:
        if not _NAME.fullmatch(name):
            yield finding(
                "WF318",
                name,
                "Zero does not take this name for a publication",
                evidence=[chosen.source],
                remedy="Give it one of letters, digits and _ that begins with a letter: ALTER PUBLICATION "
                f"{quoted(name)} RENAME TO ….",
            )


def _missing(subject: DatabaseSubject, name: str) -> Item:
    there = [other for other in subject.publications if not other.startswith("_")]
    return finding(
        "WF303",
        name,
        "there is no such publication in the database, and zero-cache does not start",
        evidence=[subject.chosen.source, f"there are: {', '.join(there) or 'none'}"],
        remedy=f"Correct the name, or run CREATE PUBLICATION {quoted(name)} FOR TABLE … with your tables.",
        data={"publications": there},
    )


@check("tables", "WF305", "WF306", "WF308")
def tables(subject: DatabaseSubject, _tell: Tell) -> Iterator[Item]:
    if subject.server.version < OLDEST:
        return
    names = [publication.name for publication in subject.used]
    found = look_at_tables(subject.database, names)
    if names:
        yield Fact("database", "published tables", str(len(found)))
    for each in found:
        yield from _refused(each)
        yield from _without_key(each)
    for table, columns in different_columns(subject.database, names).items():
        yield finding(
            "WF308",
            table.shown,
            "the publications have different columns of the table, and Zero does not take that",
            evidence=[f"{name}: {', '.join(of)}" for name, of in columns.items()],
            remedy="Give it the same columns in each of them, or leave it in one.",
        )


def _refused(table: PublishedTable) -> Iterator[Item]:
    reasons = list(table.refused)
    if table.identity == "n":
        reasons.append("its REPLICA IDENTITY is NOTHING")
    if table.identity == "i" and not table.identity_index:
        reasons.append("the index that was its REPLICA IDENTITY is gone")
    if reasons:
        by_identity = len(reasons) > len(table.refused)
        yield finding(
            "WF306",
            table.table.shown,
            f"Zero does not replicate the table: {'; '.join(reasons)}",
            remedy=f"Run ALTER TABLE {table.table.sql} REPLICA IDENTITY DEFAULT."
            if by_identity
            else "Rename it, or take it out of the publication.",
            data={"reasons": reasons},
        )


def _without_key(table: PublishedTable) -> Iterator[Item]:
    if table.primary_key or table.identity in "ni":
        return
    name = table.table.sql
    if table.identity == "f":
        if table.unique_index is None:
            yield finding(
                "WF305",
                table.table.shown,
                "the table has no key, so Zero does not sync it to clients",
                severity=Severity.WARNING,
                remedy=f"Give it one: ALTER TABLE {name} ADD PRIMARY KEY (…).",
                data={"replica_identity": "full"},
            )
        return
    remedy = f"Give it a key: ALTER TABLE {name} ADD PRIMARY KEY (…)."
    if table.unique_index is not None:
        remedy = f"Run ALTER TABLE {name} REPLICA IDENTITY USING INDEX {quoted(table.unique_index)}."
    yield finding(
        "WF305",
        table.table.shown,
        "the table has neither a primary key nor a replica identity: PostgreSQL refuses to update and delete its rows",
        remedy=remedy,
        data={"replica_identity": "default", "unique_index": table.unique_index},
    )


@check("schema-changes", "WF317")
def schema_changes(subject: DatabaseSubject, _tell: Tell) -> Iterator[Item]:
    for shard in subject.shards:
        yield Fact("database", f"shard {shard.schema}", ", ".join(shard.publications))
        if not shard.ddl_detection and not subject.server.pglite:
            yield finding(
                "WF317",
                shard.schema,
                "zero-cache could not install its event triggers: a change of the schema stops replication",
                evidence=[f'{shard.schema}."shardConfig": ddlDetection is false'],
                remedy="Let zero-cache log in as a superuser once, or reset the replica after each migration.",
            )


CHECKS = (publications, tables, schema_changes)
