"""Diagnose, paste the command of the first finding into a shell, diagnose again: it is clean.

The shell is a real one, in the project's folder, with `wasmfix` on PATH as a user has it.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import nodejs
from conftest import own_environment
from diagnostics.projects import BETTER, SHIM, ZERO_DRIVER, add_zero, project
from trees import write_package

URL = "ZERO_LITESTREAM_BACKUP_URL"


class Shell:
    """A shell in the project's folder, which keeps its environment from line to line."""

    def __init__(self, folder: Path, home: Path, **variables: str) -> None:
        self.folder = folder
        programs = home / "bin"
        programs.mkdir(parents=True)
        for name, command in (("wasmfix", [sys.executable, "-m", "wasmfix"]), ("npm", nodejs.npm())):
            program = programs / name
            program.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
            program.chmod(0o755)
        node = Path(nodejs.node()).parent
        path = os.pathsep.join([str(programs), str(node), os.environ["PATH"]])
        # What these tests are about, and what would change them.
        kept = {name: value for name, value in own_environment().items() if not name.startswith(("ZERO_", "NODE_OPT"))}
        self.environment = {**kept, **nodejs.environment(), "PATH": path, "HOME": str(home), **variables}

    def run(self, *lines: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", "\n".join(lines)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


DIAGNOSE = "wasmfix diagnose --format json --fail-on warning"


def bare(folder: Path, home: Path) -> Shell:
    """No install script ran: there is no native binary."""
    return Shell(project(folder, (BETTER, "12.11.1"), native=False), home)


def without_index(folder: Path, home: Path) -> Shell:
    project(folder, (ZERO_DRIVER, "1.1.4"))
    (folder / "node_modules" / ZERO_DRIVER / "lib" / "index.js").unlink()
    return Shell(folder, home)


def with_shim(folder: Path, home: Path) -> Shell:
    project(folder, (ZERO_DRIVER, "1.1.4"))
    (folder / "node_modules" / ZERO_DRIVER / "lib" / "index.js").write_text(SHIM)
    return Shell(folder, home)


def with_orez(folder: Path, home: Path) -> Shell:
    project(folder, (ZERO_DRIVER, "1.1.4"))
    write_package(folder / "node_modules" / "orez", "orez", "0.16.4")
    return Shell(folder, home)


def patched(folder: Path, home: Path, **variables: str) -> Shell:
    project(folder, (ZERO_DRIVER, "1.1.4"))
    shell = Shell(folder, home, **variables)
    done = shell.run("wasmfix patch --no-verify")
    assert done.returncode == 0, done.stderr
    return shell


def reverted(folder: Path, home: Path) -> Shell:
    """A package manager put the original loader back."""
    shell = patched(folder, home)
    package = folder / "node_modules" / ZERO_DRIVER
    original = package / ".wasmfix" / "originals" / "lib%2Fdatabase.js"
    shutil.copy(original, package / "lib" / "new.js")
    (package / "lib" / "new.js").replace(package / "lib" / "database.js")
    (package / "wasmfix" / "addon.cjs").unlink()
    return shell


def edited(folder: Path, home: Path) -> Shell:
    shell = patched(folder, home)
    with (folder / "node_modules" / ZERO_DRIVER / "lib" / "database.js").open("a") as file:
        file.write("// edited\n")
    return shell


def stale(folder: Path, home: Path) -> Shell:
    """Patched by another version of wasmfix."""
    shell = patched(folder, home)
    record = folder / "node_modules" / ZERO_DRIVER / ".wasmfix" / "record.json"
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "wasmfix": "0.0.9", "sources": "0" * 64}))
    return shell


def interrupted(folder: Path, home: Path) -> Shell:
    """Killed among its changes."""
    project(folder, (ZERO_DRIVER, "1.1.4"))
    shell = Shell(folder, home)
    package = folder / "node_modules" / ZERO_DRIVER
    for operation in range(60, 400, 20):
        shell.run(f"WASMFIX_FAULT_AT={operation} wasmfix patch --no-verify")
        if (package / ".wasmfix" / "journal.json").exists():
            return shell
        shell.run("wasmfix restore")
    raise AssertionError("never caught with a journal")


def single_process(folder: Path, home: Path) -> Shell:
    add_zero(project(folder, (ZERO_DRIVER, "1.1.4")))
    return Shell(folder, home, SINGLE_PROCESS="1")


def many_workers(folder: Path, home: Path) -> Shell:
    project(folder, (ZERO_DRIVER, "1.1.4"))
    return Shell(folder, home, ZERO_NUM_SYNC_WORKERS="1000")


def with_litestream(folder: Path, home: Path) -> Shell:
    return patched(folder, home, **{URL: "s3://bucket/backup"})


def not_installed(folder: Path, home: Path) -> Shell:
    project(folder, (ZERO_DRIVER, "1.1.4"))
    shutil.rmtree(folder / "node_modules")
    (folder / "package-lock.json").unlink()
    return Shell(folder, home)


@pytest.mark.parametrize(
    ("state", "id_", "command"),
    [
        (not_installed, "WF101", "npm install"),
        (bare, "WF102", "wasmfix patch"),
        (without_index, "WF103", "wasmfix patch"),
        (with_shim, "WF104", "wasmfix patch"),
        (reverted, "WF105", "wasmfix patch"),
        (stale, "WF106", "wasmfix patch"),
        (interrupted, "WF107", "wasmfix patch"),
        (with_orez, "WF113", "wasmfix patch"),
        (single_process, "WF130", "unset SINGLE_PROCESS"),
        (many_workers, "WF131", "unset ZERO_NUM_SYNC_WORKERS"),
        (with_litestream, "WF133", "wasmfix restore"),
    ],
)
def test_the_command_of_the_first_finding_cures(
    scratch: Path, state: Callable[[Path, Path], Shell], id_: str, command: str
) -> None:
    shell = state(scratch / "my app", scratch / "home")
    before = shell.run(DIAGNOSE)
    assert before.returncode == 1, before.stderr
    first = json.loads(before.stdout)["findings"][0]
    assert first["id"] == id_
    assert first["remedy"]["command"] == command
    # One shell: what a pasted `unset` changes holds for the next line.
    after = shell.run("set -e", f"{first['remedy']['command']} > out.txt", DIAGNOSE)
    assert after.returncode == 0, after.stdout + after.stderr
    assert json.loads(after.stdout)["verdict"] in ("note", "ok")


@pytest.mark.skipif(sys.platform == "win32", reason="it has no sed")
def test_what_a_file_of_the_project_sets_is_taken_out_of_it_and_nothing_else(scratch: Path) -> None:
    shell = single_process(scratch / "my app", scratch / "home")
    del shell.environment["SINGLE_PROCESS"]
    member = shell.folder / "apps" / "its zero"
    member.mkdir(parents=True)
    manifest = json.loads((shell.folder / "package.json").read_text()) | {"workspaces": ["apps/*"]}
    manifest["scripts"] = {
        "dev": "tsc && cross-env PORT=1 SINGLE_PROCESS=1 zero-cache-dev",
        "other": "SINGLE_PROCESS=1 x",
    }
    (shell.folder / "package.json").write_text(json.dumps(manifest, indent="\t"))
    (member / "package.json").write_text('{"name": "its-zero"}')
    (member / ".env").write_text("A=1\r\n\texport ZERO_NUM_SYNC_WORKERS = 1400\r\nexport SINGLE_PROCESS='1' # why\nB=2")
    seen = []
    for _ in range(4):
        done = shell.run(DIAGNOSE)
        if done.returncode == 0:
            break
        first = json.loads(done.stdout)["findings"][0]
        seen.append(first["id"])
        assert "\t" not in first["remedy"]["command"]
        assert shell.run(first["remedy"]["command"]).returncode == 0
    assert (done.returncode, seen) == (0, ["WF130", "WF130", "WF131"])
    assert (member / ".env").read_bytes() == b"A=1\r\nB=2"
    scripts = {"dev": "tsc && cross-env PORT=1 zero-cache-dev", "other": "SINGLE_PROCESS=1 x"}
    assert json.loads((shell.folder / "package.json").read_text()) == {**manifest, "scripts": scripts}
    assert sorted(path.name for path in member.iterdir()) == [".env", "package.json"]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("docker-compose.yml", "services:\n  zero:\n    environment:\n      - SINGLE_PROCESS=1\n"),
        (".env", 'SINGLE_PROCESS="\n1"\n'),
        ("package.json", '{"scripts": {"dev": "SINGLE_PROCESS=1 zero-cache"}}\n'),
        *(
            ("package.json", json.dumps({"scripts": {"dev": script}}, indent=2))
            for script in (
                "export SINGLE_PROCESS=1 && zero-cache",
                "SINGLE_PROCESS=1 && zero-cache",
                "set SINGLE_PROCESS=1 && zero-cache",
                "docker run -e SINGLE_PROCESS=1 rocicorp/zero zero-cache",
                "docker run --env SINGLE_PROCESS=1 rocicorp/zero zero-cache",
            )
        ),
    ],
)
def test_there_is_no_command_where_none_would_be_certain_to_take_out_exactly_that(
    file: str, content: str, scratch: Path
) -> None:
    shell = single_process(scratch / "my app", scratch / "home")
    del shell.environment["SINGLE_PROCESS"]
    (shell.folder / file).write_text(content)
    found = json.loads(shell.run(f"{DIAGNOSE} --no-probe").stdout)["findings"][0]
    assert (found["id"], found["remedy"]["command"]) == ("WF130", None)
    assert file in found["remedy"]["text"]


def test_the_top_of_the_report_offers_nothing_to_paste_that_takes_an_edit_away(scratch: Path) -> None:
    shell = edited(scratch / "app", scratch / "home")
    head = shell.run("wasmfix diagnose").stdout.split("\n\n")[0]
    assert "files of the patch were changed since: 1 edited" in head
    assert "Look at the edited files first" in head
    assert "$ " not in head


def test_a_command_cures_from_the_folder_that_the_user_stands_in(scratch: Path) -> None:
    shell = bare(scratch / "my app", scratch / "home")
    (scratch / "else where").mkdir()
    before = shell.run("cd '../else where'", "wasmfix diagnose '../my app' --no-probe --format json")
    first = json.loads(before.stdout)["findings"][0]
    assert first["remedy"]["command"] == "wasmfix patch '../my app'"
    after = shell.run(
        "set -e", "cd '../else where'", f"{first['remedy']['command']} > out.txt", f"cd ..; {DIAGNOSE} 'my app'"
    )
    assert json.loads(after.stdout)["verdict"] in ("note", "ok")


def test_an_install_is_pasted_for_the_project_that_was_named(scratch: Path) -> None:
    shell = not_installed(scratch / "my app", scratch / "home")
    found = json.loads(shell.run("cd ..", "wasmfix diagnose 'my app' --no-probe --format json").stdout)["findings"][0]
    assert found["remedy"]["command"] == f"(cd '{(scratch / 'my app').resolve()}' && npm install)"
