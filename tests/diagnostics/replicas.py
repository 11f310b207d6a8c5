"""Replicas as zero-cache 1.9.0 leaves them, made by the native driver, and what `diagnose` says of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import nodejs
from conftest import installed
from wasmfix.diagnostics import Finding, Options, Report, Section, run
from wasmfix.diagnostics.checks.replica import sections
from wasmfix.diagnostics.checks.replica_subject import ReplicaSubject

DRIVER = "@rocicorp/zero-sqlite3"

STATE = """
CREATE TABLE "_zero.versionHistory" (dataVersion INTEGER NOT NULL, schemaVersion INTEGER NOT NULL,
  minSafeVersion INTEGER NOT NULL, lock INTEGER PRIMARY KEY DEFAULT 1 CHECK (lock = 1));
INSERT INTO "_zero.versionHistory" VALUES (8, 8, 1, 1);
CREATE TABLE "_zero.replicationConfig" (replicaVersion TEXT NOT NULL, publications TEXT NOT NULL,
  initialSyncContext TEXT DEFAULT '{}', lock INTEGER PRIMARY KEY DEFAULT 1 CHECK (lock = 1));
INSERT INTO "_zero.replicationConfig" (replicaVersion, publications) VALUES ('01', '["_zero_metadata_0","zero_chat"]');
CREATE TABLE "_zero.replicationState" (stateVersion TEXT NOT NULL, writeTimeMs INTEGER,
  lock INTEGER PRIMARY KEY DEFAULT 1 CHECK (lock = 1));
INSERT INTO "_zero.replicationState" (stateVersion, writeTimeMs) VALUES ('49zls0', unixepoch('subsec') * 1000);
CREATE TABLE "_zero.column_metadata" (table_name TEXT NOT NULL, column_name TEXT NOT NULL, upstream_type TEXT NOT NULL,
  is_not_null INTEGER NOT NULL, is_enum INTEGER NOT NULL, is_array INTEGER NOT NULL, character_max_length INTEGER,
  backfill TEXT, PRIMARY KEY (table_name, column_name));
CREATE TABLE "zero.permissions" ("permissions" "json", "hash" "text", "lock" "bool|NOT_NULL", PRIMARY KEY ("lock"));
CREATE TABLE "zero_0.clients" ("clientGroupID" "text|NOT_NULL", "clientID" "text|NOT_NULL");
CREATE UNIQUE INDEX clients_key ON "zero_0.clients" ("clientGroupID", "clientID");
"""

CHAT = """
CREATE TABLE message (id "text|NOT_NULL", body "text", _0_version "text|NOT_NULL");
CREATE UNIQUE INDEX message_pkey ON message (id);
CREATE TABLE "other.channel" (id "int4|NOT_NULL", name "text", _0_version "text|NOT_NULL", PRIMARY KEY (id));
INSERT INTO message VALUES ('m1', 'hello', '01'), ('m2', 'world', '01');
INSERT INTO "other.channel" VALUES (1, 'general', '01');
INSERT INTO "_zero.column_metadata" (table_name, column_name, upstream_type, is_not_null, is_enum, is_array)
  SELECT t.name, c.name, 'text', c.type LIKE '%|NOT_NULL', 0, 0 FROM sqlite_master t, pragma_table_info(t.name) c
  WHERE t.name IN ('message', 'other.channel', 'zero.permissions', 'zero_0.clients');
ANALYZE;
"""

_SCRIPT = """
const [, driver, file, text] = process.argv;
const { mode, sql, after, killed, pragmas } = JSON.parse(text);
const db = new (require(driver))(file);
for (const pragma of pragmas) db.pragma(pragma);
db.exec(sql);
db.pragma(`journal_mode = ${mode}`);
for (const statement of after) db.exec(statement);
if (killed) process.kill(process.pid, 'SIGKILL');
db.close();
"""


def driver() -> Path:
    return installed(DRIVER, "1.1.4") / "node_modules" / DRIVER


def replica(
    folder: Path,
    *sql: str,
    mode: str = "wal2",
    healthy: str = STATE + CHAT,
    after: tuple[str, ...] = (),
    killed: bool = False,
    pragmas: tuple[str, ...] = (),
    by: Path | None = None,
) -> Path:
    """`folder/replica.db`: a healthy replica, then `sql`.

    Args:
        mode: the journal mode that it is left in.
        after: transactions in that mode.
        killed: the process that made it dies, so that its logs stay.
        by: another package than the native one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "replica.db"
    job = {"mode": mode, "sql": healthy + "\n".join(sql), "after": after, "killed": killed, "pragmas": pragmas}
    command = [nodejs.node(), "-e", _SCRIPT, str(by or driver()), str(file), json.dumps(job)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == (-9 if killed else 0), done.stderr
    return file


def copied(source: Path, folder: Path) -> Path:
    """A copy of a replica with all that lies beside it."""
    folder.mkdir(parents=True)
    for file in source.parent.glob(f"{source.name}*"):
        shutil.copy2(file, folder / file.name)
    return folder / source.name


def diagnosed(file: Path, environment: Mapping[str, str] | None = None, **options: object) -> Report:
    """The report of the replica's section, without hydration (which has tests of its own)."""
    asked = Options(replica=file, environment=environment or {}, **options)  # type: ignore[arg-type]
    return run(replica_sections(asked), lambda *_: None)


def replica_sections(options: Options) -> Iterator[Section[ReplicaSubject]]:
    for section in sections(options):
        yield replace(section, checks=[check for check in section.checks if check.name != "replica.hydration"])


def found(report: Report, id_: str) -> list[Finding]:
    return [each for each in report.findings if each.id == id_]


def ids(report: Report) -> list[str]:
    return [each.id for each in report.findings]


def fact(report: Report, name: str) -> str:
    return next(each.value for each in report.facts if each.name == name)
