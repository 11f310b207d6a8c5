"""Commands to paste: checks write them for the project's root, the user may stand elsewhere."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path

from wasmfix.diagnostics.finding import Finding, Remedy
from wasmfix.diagnostics.run import Report

_TAKES_PROJECT = ("patch", "restore", "verify", "status")
"""Commands of ours with PROJECT as their argument."""
_ANYWHERE = ("unset", "export", "wasmfix")
"""First words of commands that have nothing to do with the folder."""


def for_shell_in(folder: Path, report: Report, root: Path) -> Report:
    """The report with commands that do in `folder` what they would do in the project's root."""
    if folder.resolve() == root.resolve():
        return report
    return replace(report, findings=tuple(_placed(found, folder, root) for found in report.findings))


def _placed(found: Finding, folder: Path, root: Path) -> Finding:
    if found.remedy is None or found.remedy.command is None:
        return found
    return replace(found, remedy=Remedy(found.remedy.text, command_for(folder, found.remedy.command, root)))


def command_for(folder: Path, command: str, root: Path) -> str:
    """A command for a shell in the project's root, for one in `folder`."""
    words = command.split()
    if words[:1] == ["wasmfix"] and words[1:2] and words[1] in _TAKES_PROJECT and "&&" not in words:
        return f"{command} {shlex.quote(_shown(folder, root))}"
    if words[0] in _ANYWHERE:
        return command
    # Absolute: a shell's `cd ..` goes by the links that it came through. In parentheses: it comes back.
    return f"(cd {shlex.quote(str(root.resolve()))} && {command})"


def _shown(folder: Path, root: Path) -> str:
    """The shorter way to name it, and never as an option."""
    whole = str(root.resolve())
    relative = os.path.relpath(whole, folder.resolve())
    if relative.startswith("-"):
        relative = f"./{relative}"
    return min(relative, whole, key=len)
