"""What holds for every command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import own_environment

COMMANDS = ["build", "patch", "restore", "status", "verify"]
ORDER = ["diagnose", "patch", "verify", "status", "restore", "triggers", "ci", "build"]


def test_help_lists_the_commands(wasmfix) -> None:  # type: ignore[no-untyped-def]
    ran = wasmfix("-h")
    assert ran.code == 0
    listed = [line.split()[0] for line in ran.out.partition("\nCommands:\n")[2].splitlines() if line[2:3].strip()]
    assert listed == ORDER
    assert wasmfix("--help").out == ran.out
    assert all(len(line) <= 80 for line in ran.out.splitlines())


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_short_and_long_help_and_debug(wasmfix, command: str) -> None:  # type: ignore[no-untyped-def]
    ran = wasmfix(command, "-h")
    assert (ran.code, ran.err) == (0, "")
    assert "--debug" in ran.out
    assert "--json" in ran.out
    assert wasmfix(command, "--help").out == ran.out


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["patch", "--nonsense"], ["patch", "--toolchain", "gcc"], ["status", "a", "b"]]
)
def test_wrong_use_is_one_line_and_code_2(wasmfix, arguments: list[str]) -> None:  # type: ignore[no-untyped-def]
    ran = wasmfix(*arguments)
    assert ran.code == 2
    assert " -h)" in ran.one_line()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_is_no_project_is_one_line_and_code_2(wasmfix, tmp_path: Path, command: str) -> None:  # type: ignore[no-untyped-def]
    ran = wasmfix(command, tmp_path)
    assert ran.code == 2
    assert str(tmp_path) in ran.one_line()
    assert "package.json" in ran.err


def test_debug_shows_the_traceback(wasmfix, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert "Traceback" in wasmfix("status", tmp_path, "--debug").err
    assert "Traceback" in wasmfix("--debug", "status", tmp_path).err


@pytest.mark.parametrize("arguments", [["status"], ["diagnose", "--heap-limit", "x"], ["triggers", "--yes"]])
def test_debug_does_not_change_the_exit_code(wasmfix, tmp_path: Path, arguments: list[str]) -> None:  # type: ignore[no-untyped-def]
    assert wasmfix(*arguments, cwd=tmp_path).code == 2
    assert wasmfix(*arguments, "--debug", cwd=tmp_path).code == 2


@pytest.mark.parametrize(
    ("to", "said"), [(">&-", "is closed"), ("--json >&-", "is closed"), ("> /dev/full", "No space left on device")]
)
@pytest.mark.parametrize("arguments", ["-h", "diagnose --explain WF101", "build -h"])
def test_output_that_does_not_arrive_is_one_line_and_code_2(to: str, said: str, arguments: str) -> None:
    command = f"{sys.executable} -m wasmfix {arguments} {to}"
    done = subprocess.run(["bash", "-c", command], env=own_environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert said in done.stderr


def test_a_reader_that_goes_away_is_no_error_message(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "wasmfix", "-h"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=own_environment(), check=False)
    os.close(write)
    assert b"Traceback" not in done.stderr


WAITING = """
import time
import wasmfix.cli as cli

def wait(*arguments, **options):
    print('waiting', flush=True)
    time.sleep(60)

cli.group.main = wait
cli.main()
"""


def test_an_interrupt_is_code_130() -> None:
    command = [sys.executable, "-c", WAITING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=own_environment()) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.decode().strip() == "wasmfix: interrupted"
