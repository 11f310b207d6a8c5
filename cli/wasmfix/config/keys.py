"""Every setting as data: what the file is checked by, and what the published schema is written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "path", "flag", "choice", "list", "size", "count"]


@dataclass(frozen=True)
class Key:
    name: str
    kind: Kind
    meaning: str
    """A clause without a final dot: the description in the schema."""
    choices: tuple[str, ...] = ()
    """Of a choice, or of the entries of a list; empty for a list of any names."""


# As in wasmfix.project.find.TARGETS, which is not imported: that would load half of the program for `wasmfix ci -h`.
_TARGETS = ("@rocicorp/zero-sqlite3", "better-sqlite3", "bedrock-sqlite", "orez")

FAIL_ON = ("error", "warning", "never")
VERIFY = ("full", "quick", "off")

KEYS = (
    Key("targets", "list", "the packages that have to be patched; every one that is known, if not said", _TARGETS),
    Key("follow-links", "flag", "copies outside of the project have to be patched, too"),
    Key("engine", "choice", "for bedrock-sqlite: the whole engine, or only its JavaScript", ("rebuild", "shim")),
    Key("toolchain", "choice", "what compiles the engine where `ci --apply` has to build one", ("zig", "emcc")),
    Key("apply", "flag", "patch what is not patched, instead of failing"),
    Key("verify", "choice", "which checks of `wasmfix verify` are made", VERIFY),
    Key("node", "text", "the Node that the checks run in: a name on PATH, or a file"),
    Key("fail-on", "choice", "the severity from which the exit code is 1", FAIL_ON),
    Key("replica", "path", "the replica to read"),
    Key("publications", "list", "the publications to compare the replica or the database with"),
    Key("heap-limit", "size", "the heap that hydration may take"),
    Key("queries", "path", "a file of queries to project, as Zero ASTs"),
    Key("runtime", "choice", "what runs the engine that reads the replica", ("wasmtime", "wasmer")),
    Key("fetch", "flag", "get zero-sqlite3's source from npm if no engine can be built without"),
    Key("report-dir", "path", "the folder that the reports are written to"),
)

THRESHOLDS = (
    Key("rows", "count", "the rows that a table of the replica may have"),
    Key("table-size", "size", "the bytes that a table of the replica may have, without its indexes"),
    Key("row-size", "size", "the bytes that a row may have"),
    Key("hydration", "size", "the JavaScript heap that hydrating one table or query may take"),
)

SEVERITIES = ("error", "warning", "note", "off")
ID_PATTERN = "^WF[0-5][0-9]{2}$"

LONGEST_SIZE = 40
"""Characters."""

TABLES: Mapping[str, tuple[Key, ...]] = {"": KEYS, "thresholds": THRESHOLDS}
"""By the name of the table; `severity` is not here, its keys are the ids of findings."""

SECRETS = {
    "database-url": "WASMFIX_DATABASE_URL",
    "database_url": "WASMFIX_DATABASE_URL",
}
"""Settings that are not written into a file, with the variable of the environment that takes them."""
