"""Shell completion: click's, for bash, zsh and fish. Each shell completes, where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import own_environment

SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A user's, with a program wasmfix on PATH."""
    program = tmp_path / "bin" / "wasmfix"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m wasmfix "$@"\n')
    program.chmod(0o755)
    variables = {"PATH": os.pathsep.join([str(program.parent), os.environ["PATH"]]), "HOME": str(tmp_path)}
    return own_environment(**variables, XDG_CONFIG_HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path), TERM="dumb")


def _run(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _script(environment: dict[str, str], shell: str) -> Path:
    """The completion script, as a user writes it into a file."""
    script = Path(environment["HOME"]) / f"wasmfix.{shell}"
    script.write_text(_run({**environment, "_WASMFIX_COMPLETE": f"{shell}_source"}, "wasmfix"))
    return script


def _shell(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"no {shell} here")
    return found


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_parses(environment: dict[str, str], shell: str) -> None:
    _run(environment, _shell(shell), "-n", str(_script(environment, shell)))


def test_the_command_line_answers_every_shell(environment: dict[str, str]) -> None:
    for shell, words in (("bash", "wasmfix pa"), ("zsh", "wasmfix pa"), ("fish", "wasmfix pa")):
        asked = {"_WASMFIX_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": "1"}
        if shell == "fish":
            asked["COMP_CWORD"] = "pa"
        answer = _run({**environment, **asked}, "wasmfix")
        assert "patch" in answer
        assert "restore" not in answer


def test_bash_completes(environment: dict[str, str]) -> None:
    script = _script(environment, "bash")
    # As bash calls it for TAB at the end of the line.
    program = f"""
. "{script}"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_wasmfix_completion "$1" "${{@: -1}}"
echo "${{COMPREPLY[@]}}"
"""

    def completed(*words: str) -> list[str]:
        return _run(environment, _shell("bash"), "-c", program, "bash", *words).split()

    assert completed("wasmfix", "pa") == ["patch"]
    assert completed("wasmfix", "diagnose", "--format", "mark") == ["markdown"]
    assert "--heap-limit" in completed("wasmfix", "diagnose", "--h")


def test_fish_completes(environment: dict[str, str]) -> None:
    script = _script(environment, "fish")
    out = _run(environment, _shell("fish"), "-c", f'source "{script}"; complete --do-complete "wasmfix pa"')
    assert out.startswith("patch\t")


def test_zsh_completes(environment: dict[str, str]) -> None:
    """In a terminal: zsh completes only where somebody types."""
    zsh = _shell("zsh")
    script = _script(environment, "zsh")
    driver = f"""
zmodload zsh/zpty
zpty -b typed {zsh} -f -i
wait_for() {{
  local seen="" chunk
  repeat 300; do
    if zpty -rt typed chunk; then seen+="$chunk"; else sleep 0.1; fi
    if [[ "$seen" == *"$1"* ]]; then return 0; fi
  done
  print -r -- "$seen"
  exit 1
}}
zpty -w typed 'PS1=""; autoload -Uz compinit; compinit -D -u; source {script}; echo rea""dy'
wait_for ready
zpty -wn typed $'wasmfix pat\\t-h\\n'
wait_for 'Usage: wasmfix patch'
zpty -d typed
"""
    _run(environment, zsh, "-f", "-c", driver)
