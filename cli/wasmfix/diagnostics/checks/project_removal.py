"""The command that takes a variable out of where it is set, for a shell in the project's root."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from wasmfix.project.settings import Setting

_KEPT = ".wasmfix-old"
"""`sed -i` without the name of a copy is GNU's alone; the copy is gone when the command has ended."""
_BEFORE = r"""(?:^\s*"|[;&|(]\s*|(?<![\w-])(?:cross-)?env |(?<![\w-])[A-Za-z_]\w*=[^\s"\\]* )"""
"""In a script: the begin of a command, `env`, or another assignment."""


def removal(setting: Setting, root: Path) -> str | None:
    """`unset` for the environment; for a line of a `.env`, or in front of a script's command, `sed`.

    None where no short command is certain to take out exactly that: other files, quoted values in scripts, a file that
    is a symlink (`sed -i` would replace it), and on Windows, which has no `sed`.
    """
    if setting.file is None:
        return f"unset {setting.name}"
    file = setting.file
    if os.name == "nt" or file.is_symlink() or not file.is_relative_to(root):
        return None
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
        line = lines[(setting.line or 0) - 1]
    except (OSError, UnicodeDecodeError, IndexError):
        return None
    if setting.script is not None:
        expression = _in_script(setting, line)
    elif file.name == ".env":
        expression = _in_dotenv(setting, line)
    else:
        return None
    path = shlex.quote(file.relative_to(root).as_posix())
    copy = shlex.quote(f"{file.relative_to(root).as_posix()}{_KEPT}")
    return f"sed -i{_KEPT} {shlex.quote(expression)} {path} && rm {copy}" if expression else None


def _in_dotenv(setting: Setting, line: str) -> str | None:
    head = re.match(rf"[ \t]*(?:export[ \t]+)?{re.escape(setting.name)}[ \t]*[=:]", line)
    # A value over several lines: only its first line has the name.
    return f"/^{_pattern(head[0])}/d" if head is not None and "\n" not in setting.value else None


def _in_script(setting: Setting, line: str) -> str | None:
    key, _separator, command = line.partition(":")
    words = f"{setting.name}={setting.value} "
    # Nothing in it that `sed` takes for more than itself.
    simple = re.fullmatch(r"\w+", setting.value) and re.fullmatch(r'\s*"[\w-]+"\s*', key)
    # In front of a command: not what `export`, `docker run -e` or Windows' `set` is given, nor a command by itself.
    in_front = re.search(rf"{_BEFORE}{words}(?![;&|#()<>])", command) if simple else None
    return f"/^{_pattern(key)}:/s/{words}//" if in_front and line.count(words) == 1 else None


def _pattern(head: str) -> str:
    """A tab that is pasted completes words."""
    return re.sub(r"^\s+|\t\s*", "[[:space:]]*", head)
