"""The incident, symptom by symptom (FIELD: a zero-cache that runs out of memory and says nothing): what comes first,
what to paste, and that it cures.

Single defects of bedrock-sqlite are here as shims that do the same; all of them at once as packages of its shape.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedrock.package import EARLIER, LATEST, write_bedrock
from diagnostics.projects import SHIM, ZERO_DRIVER, add_zero, project
from diagnostics.test_probe import APART, ENDLESS, ENTRY, LOST, NONE, SHORT
from diagnostics.test_project_cures import Shell
from diagnostics.upstream import INCIDENT, Upstream
from zero_cache.postgres import Postgres

DIAGNOSE = "wasmfix diagnose --format json --fail-on warning"
PATCH = "wasmfix patch"
ANEW = f"rm -rf node_modules/{ZERO_DRIVER} && npm install"

# The first generation: rewritten in place, without a backup, and taken for "already patched" ever after.
FIRST_SHIM = """// patched by orez
'use strict';
const { Database: OrigDatabase, SqliteError } = require('bedrock-sqlite');
class Database extends OrigDatabase {}
module.exports = Database;
module.exports.SqliteError = SqliteError;
"""


def app(home: Path, entry: str | None = None, **variables: str) -> Shell:
    folder = home / "app"
    add_zero(project(folder, (ZERO_DRIVER, "1.1.4")))
    if entry is not None:
        (folder / "node_modules" / ZERO_DRIVER / "lib" / "index.js").write_text(entry)
    # npm is asked for the driver alone.
    return Shell(folder, home / "home", **variables)


def endless(home: Path) -> Shell:
    return app(home, SHIM)


def endless_in_an_unknown_shim(home: Path) -> Shell:
    return app(home, ENTRY + ENDLESS)


def no_loops(home: Path) -> Shell:
    return app(home, SHIM.replace("return [];", "return undefined;"))


def no_loops_in_an_unknown_shim(home: Path) -> Shell:
    return app(home, ENTRY + NONE)


def never_updated(home: Path) -> Shell:
    return app(home, FIRST_SHIM)


def missing(home: Path) -> Shell:
    shell = app(home)
    (shell.folder / "node_modules" / ZERO_DRIVER / "lib" / "index.js").unlink()
    return shell


def codes_lost(home: Path) -> Shell:
    return app(home, ENTRY + LOST)


def offsets(home: Path) -> Shell:
    return app(home, ENTRY + SHORT)


def codes_lost_in_an_edited_file(home: Path) -> Shell:
    """No patch touches this file, so none would cure it."""
    shell = app(home)
    file = shell.folder / "node_modules" / ZERO_DRIVER / "lib" / "sqlite-error.js"
    text = file.read_text()
    assert text.count("this.code = code;") == 1
    file.write_text(text.replace("this.code = code;", "this.code = 'SQLITE_ERROR';"))
    return shell


def memory_of_one_process(home: Path) -> Shell:
    return app(home, ENTRY + APART)


def over_bedrock(home: Path, generation: str = LATEST) -> Shell:
    """What the incident had: the shim, and behind it the real thing."""
    shell = app(home, SHIM)
    write_bedrock(shell.folder / "node_modules" / "bedrock-sqlite", generation)
    return shell


def over_an_earlier_bedrock(home: Path) -> Shell:
    return over_bedrock(home, EARLIER)


def single_process(home: Path) -> Shell:
    return app(home, SINGLE_PROCESS="1")


def workers(home: Path) -> Shell:
    return app(home, ZERO_NUM_SYNC_WORKERS="1400")


def first(shell: Shell, *options: str) -> dict[str, Any]:
    done = shell.run(" ".join([DIAGNOSE, *options]))
    assert done.returncode == 1, done.stdout + done.stderr
    finding: dict[str, Any] = json.loads(done.stdout)["findings"][0]
    return finding


@pytest.mark.parametrize("generation", [EARLIER, LATEST])
def test_bedrock_sqlite_alone_gets_the_sqlite_that_its_engine_is_built_from(generation: str, scratch: Path) -> None:
    folder = scratch / "app"
    write_bedrock(folder / "node_modules" / "bedrock-sqlite", generation)
    (folder / "package.json").write_text(json.dumps({"name": "app", "dependencies": {"bedrock-sqlite": generation}}))
    shell = Shell(folder, scratch / "home")
    fetch = f"npm install --ignore-scripts --no-save {ZERO_DRIVER} && "
    if generation == LATEST:
        # What the catalogue repairs in its JavaScript leaves its locks as they are.
        assert shell.run("wasmfix patch --engine shim").returncode == 0
        expected = ("WF405", f"{fetch}wasmfix patch --engine rebuild")
    else:
        expected = ("WF121", f"{fetch}wasmfix patch")
    found = first(shell)
    assert (found["id"], found["remedy"]["command"]) == expected
    after = shell.run("set -e", f"({expected[1]}) > out.txt", DIAGNOSE)
    assert after.returncode == 0, after.stdout + after.stderr


@pytest.mark.parametrize(
    ("state", "id_", "command"),
    [
        # Memory grows silently to the limit; Invalid array length in getScanstatusLoops.
        (endless, "WF104", PATCH),
        (endless_in_an_unknown_shim, "WF402", ANEW),
        (over_bedrock, "WF104", PATCH),
        (over_an_earlier_bedrock, "WF104", PATCH),
        # Expected scanstatus to return at least one loop for query.
        (no_loops, "WF104", PATCH),
        (no_loops_in_an_unknown_shim, "WF403", ANEW),
        # A corrected shim has no effect.
        (never_updated, "WF104", PATCH),
        # Cannot find package '…/lib/index.js'.
        (missing, "WF103", PATCH),
        # Errors always carry SQLITE_ERROR.
        (codes_lost, "WF404", ANEW),
        (codes_lost_in_an_edited_file, "WF404", ANEW),
        # ERR_INVALID_ARG_TYPE in a read.
        (offsets, "WF408", ANEW),
        # _zero.replicationState cannot be seen; SQLITE_PROTOCOL; pokes without rowsPatch.
        (memory_of_one_process, "WF405", ANEW),
        # zero-cache exits at once without a word.
        (single_process, "WF130", "unset SINGLE_PROCESS"),
        # A consumer's own ZERO_NUM_SYNC_WORKERS.
        (workers, "WF131", "unset ZERO_NUM_SYNC_WORKERS"),
    ],
)
def test_the_cause_comes_first_and_its_command_cures(
    state: Callable[[Path], Shell], id_: str, command: str, scratch: Path
) -> None:
    shell = state(scratch)
    found = first(shell)
    assert (found["id"], found["remedy"]["command"]) == (id_, command)
    if command == ANEW:
        # What stands for Zero in these tests is nothing that npm could install.
        shutil.rmtree(shell.folder / "node_modules" / "@rocicorp" / "zero")
        (shell.folder / "package-lock.json").unlink()
    after = shell.run("set -e", f"{command} > out.txt", DIAGNOSE)
    assert after.returncode == 0, after.stdout + after.stderr


def test_unknown_table_when_a_user_logs_in(scratch: Path, postgres_server: Postgres) -> None:
    upstream = Upstream(postgres_server, INCIDENT)
    shell = app(scratch, WASMFIX_DATABASE_URL=upstream.url)
    found = first(shell, "--publication zero_chat")
    assert found["id"] == "WF302"
    assert found["remedy"]["command"].startswith("wasmfix triggers")
    assert "--drop" in found["remedy"]["command"]


def test_of_everything_at_once_the_shim_comes_first(scratch: Path, postgres_server: Postgres) -> None:
    upstream = Upstream(postgres_server, INCIDENT)
    shell = app(scratch, SHIM, ZERO_NUM_SYNC_WORKERS="1400", WASMFIX_DATABASE_URL=upstream.url)
    done = shell.run(f"{DIAGNOSE} --publication zero_chat")
    ids = [each["id"] for each in json.loads(done.stdout)["findings"]]
    assert ids[0] == "WF104"
    assert {"WF131", "WF302"} <= set(ids)
