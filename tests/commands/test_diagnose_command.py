from __future__ import annotations

import json
import os
import pty
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import own_environment
from diagnostics.projects import BETTER, ZERO_DRIVER, add_zero, project
from wasmfix.report import FORMATS


@pytest.fixture
def healthy(scratch: Path) -> Path:
    return project(scratch / "app", (ZERO_DRIVER, "1.1.4"))


@pytest.fixture
def bare(scratch: Path) -> Path:
    """No native binary: an error."""
    return project(scratch / "bare", (BETTER, "12.11.1"), native=False)


def test_exit_codes_tell_what_was_found(wasmfix, healthy: Path, bare: Path) -> None:  # type: ignore[no-untyped-def]
    assert wasmfix("diagnose", healthy).code == 0
    assert wasmfix("diagnose", bare).code == 1
    assert wasmfix("diagnose", bare, "--fail-on", "never").code == 0


def test_warnings_count_where_they_are_asked_to(wasmfix, healthy: Path) -> None:  # type: ignore[no-untyped-def]
    many = {"ZERO_NUM_SYNC_WORKERS": "1000"}
    assert wasmfix("diagnose", healthy, variables=many).code == 0
    ran = wasmfix("diagnose", healthy, "--fail-on", "warning", variables=many)
    assert ran.code == 1
    assert ran.out.startswith("! ZERO_NUM_SYNC_WORKERS: 1000 sync workers")


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_comes_out_the_same_way(wasmfix, bare: Path, tmp_path: Path, format_: str) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "report"
    printed = wasmfix("diagnose", bare, "--format", format_)
    written = wasmfix("diagnose", bare, "--format", format_, "--output", file)
    assert (printed.code, written.code, printed.err, written.err, written.out) == (1, 1, "", "", "")
    assert without_times(file.read_text()) == without_times(printed.out)
    assert "WF102" in printed.out


def without_times(text: str) -> str:
    """All but figures; a fraction of a second may be missing."""
    return re.sub(r"[\d.,:]+", "0", text)


def test_nothing_is_changed_in_the_project(wasmfix, bare: Path) -> None:  # type: ignore[no-untyped-def]
    from trees import snapshot

    before = snapshot(bare, times=True)
    wasmfix("diagnose", bare)
    assert snapshot(bare, times=True) == before


def test_an_output_file_is_replaced_as_a_whole_and_keeps_its_mode(wasmfix, bare: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file, link = tmp_path / "report.html", tmp_path / "link.html"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    held = file.open()
    assert wasmfix("diagnose", bare, "--format", "html", "--output", link).code == 1
    assert link.is_symlink()
    assert file.read_text().startswith("<!doctype html>")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert held.read() == "old"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.html", "report.html"]


def test_an_output_that_is_no_file_is_written_to(wasmfix, bare: Path) -> None:  # type: ignore[no-untyped-def]
    assert wasmfix("diagnose", bare, "--format", "json", "--output", "/dev/stdout").json["verdict"] == "error"
    assert wasmfix("diagnose", bare, "--output", "-").out.startswith("✗ better-sqlite3")
    assert wasmfix("diagnose", bare, "--output", "/dev/null").code == 1
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["/nowhere"], "wasmfix: /nowhere: does not exist; name the folder that has the project's package.json"),
        (["--heap-limit", "much"], "wasmfix: --heap-limit: 'much' is not a size such as 8GB or 512MB"),
        (
            ["--queries", "q.json"],
            "wasmfix: --queries: there is no replica to project them on; name one with --replica",
        ),
        (["--output", "/nowhere/report"], "wasmfix: /nowhere/report: cannot be written (No such file or directory)"),
    ],
)
def test_what_stops_us_is_one_line(wasmfix, bare: Path, arguments: list[str], line: str) -> None:  # type: ignore[no-untyped-def]
    ran = wasmfix("diagnose", *([] if arguments[0].startswith("/") else [bare]), *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.one_line() == line


def test_an_id_is_explained_without_a_project(wasmfix) -> None:  # type: ignore[no-untyped-def]
    ran = wasmfix("diagnose", "--explain", "wf102")
    assert ran.code == 0
    assert ran.out.startswith(
        "# WF102: The driver has no native binary for this platform\n\n**Symptom:** `Could not locate"
    )
    assert "## What to do\n\n`wasmfix patch` puts SQLite" in ran.out
    unknown = wasmfix("diagnose", "--explain", "WF999")
    assert unknown.code == 2
    assert unknown.one_line() == "wasmfix: WF999: no finding has this id; the report names ids such as WF102"


def test_a_monorepos_member_will_do(wasmfix, scratch: Path) -> None:  # type: ignore[no-untyped-def]
    root = project(scratch / "mono", (BETTER, "12.11.1"), native=False)
    manifest = json.loads((root / "package.json").read_text())
    (root / "package.json").write_text(json.dumps({**manifest, "workspaces": ["apps/*"]}))
    member = root / "apps" / "web"
    member.mkdir(parents=True)
    (member / "package.json").write_text("{}")
    (member / ".env").write_text("ZERO_NUM_SYNC_WORKERS=1000\n")
    told = wasmfix("diagnose", member, "--format", "json").json
    assert [found["id"] for found in told["findings"]] == ["WF102", "WF131"]
    assert told["findings"][1]["evidence"] == ["apps/web/.env, line 1: ZERO_NUM_SYNC_WORKERS=1000"]


@pytest.mark.parametrize("name", ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"])
def test_annotations_are_relative_to_the_checkout(wasmfix, bare: Path, name: str) -> None:  # type: ignore[no-untyped-def]
    file = f"file=node_modules/{BETTER}/package.json,"
    assert file in wasmfix("diagnose", bare, "--format", "github").out
    ran = wasmfix("diagnose", bare, "--format", "github", variables={name: str(bare.parent)})
    assert file.replace("=", "=bare/") in ran.out
    assert file in wasmfix("diagnose", bare, "--format", "github", variables={name: "/nowhere"}).out


def test_a_file_that_is_not_in_unicode_is_shown_all_the_same(wasmfix, bare: Path, scratch: Path) -> None:  # type: ignore[no-untyped-def]
    odd = Path(os.fsdecode(os.fsencode(scratch) + b"/caf\xe9"))
    bare.rename(odd)
    for format_ in FORMATS:
        assert wasmfix("diagnose", odd, "--format", format_).code == 1, format_


def test_ctrl_c_gives_what_is_known_so_far(scratch: Path, healthy: Path) -> None:
    """While a Node that does not answer is asked for its version."""
    add_zero(healthy)
    (healthy / "node_modules" / ZERO_DRIVER / "lib" / "index.js").unlink()
    slow, asked = scratch / "node", scratch / "asked"
    slow.write_text(f"#!/bin/sh\ntouch '{asked}'\nexec sleep 60\n")
    slow.chmod(0o755)
    command = [sys.executable, "-m", "wasmfix", "diagnose", str(healthy), "--node", str(slow), "--format", "json"]
    process = subprocess.Popen(
        command, env=own_environment(WASMFIX_PROGRESS="0"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not asked.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "wasmfix: interrupted; the report has what was known by then\n"
    report = json.loads(out)
    assert report["complete"] is False
    assert [found["id"] for found in report["findings"]] == ["WF103"]
    statuses = {check["name"]: check["status"] for check in report["checks"]}
    assert statuses["project.state"] == "done"
    assert statuses["project.node"] == "interrupted"
    assert statuses["project.sync-workers"] == "interrupted"


def on_a_terminal(folder: Path, **variables: str) -> str:
    """What a terminal of 60 columns gets."""
    leader, follower = pty.openpty()
    environment = own_environment(COLUMNS="60", TERM="xterm-256color", **variables)
    command = [sys.executable, "-m", "wasmfix", "diagnose", str(folder)]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=follower, stderr=follower, stdin=follower)
    os.close(follower)
    read = b""
    try:
        while chunk := os.read(leader, 65536):
            read += chunk
    except OSError:  # the other end is closed
        pass
    process.wait()
    os.close(leader)
    return read.decode()


def test_a_terminal_has_colours_and_a_width(bare: Path) -> None:
    text = on_a_terminal(bare)
    assert "\x1b[1;31m" in text
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r", "\n")
    assert max(map(len, shown.split("\n"))) <= 60
    assert "$ wasmfix patch" in shown
    # Bold is no colour.
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", on_a_terminal(bare, NO_COLOR="1"))


def test_the_report_says_where_the_database_was_named(wasmfix, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "package.json").write_text("{}")
    url = "postgres://zero@127.0.0.1:1/chat"
    by_variable = wasmfix("diagnose", str(tmp_path), "--no-probe", variables={"WASMFIX_DATABASE_URL": url})
    assert "127.0.0.1:1/chat (WASMFIX_DATABASE_URL)" in by_variable.out
    by_option = wasmfix("diagnose", str(tmp_path), "--no-probe", "--database-url", url)
    assert "127.0.0.1:1/chat (--database-url)" in by_option.out
