"""The variables that a project sets for its processes, each with the place where that is written.

Looked at: the environment that we run in; scripts in the package.json of root and members that run zero-cache
(`NAME=value zero-cache`, `cross-env`); `.env` beside these (zero-cache reads it); `environment` of compose files,
`[env]` of fly.toml, `ENV` of a Dockerfile. Files are read line by line, for the wanted names only: a value that refers
to another variable, or comes from a secret store, is not known.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from wasmfix.project.dotenv import read_dotenv
from wasmfix.project.manifest import FILE_NAME
from wasmfix.project.root import Project

_DEPLOYMENT = (
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yml",
    "compose.yaml",
    "fly.toml",
    "Dockerfile",
)
# `NAME: value`, `- NAME=value`, `NAME = "value"`, `ENV NAME=value`, `ENV NAME value`
_LINE = r"""^[ \t]*(?:-[ \t]*|ENV[ \t]+)?["']?(?P<name>{names})(?:["']?[ \t]*[:=]|[ \t])[ \t]*(?P<value>[^\r\n]*)"""
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)
_PROGRAM = "zero-cache"
_LARGEST = 1024 * 1024
"""Bytes: a file that is longer is not one of these."""


@dataclass(frozen=True)
class Setting:
    """A variable and where it is set. `file` is None for the environment of the process that wasmfix runs in."""

    name: str
    value: str
    file: Path | None = None
    line: int | None = None
    script: str | None = None
    """The script of a package.json that sets it."""

    @property
    def here(self) -> bool:
        """Whether it is for processes on this machine, not for a container or a server elsewhere."""
        return self.file is None or self.file.name not in _DEPLOYMENT

    def place(self, root: Path) -> str:
        """Where it is set, for people."""
        if self.file is None:
            return "the environment"
        file = self.file.relative_to(root).as_posix() if self.file.is_relative_to(root) else str(self.file)
        if self.script is not None:
            return f"the script {self.script!r} of {file}"
        return f"{file}, line {self.line}" if self.line else file


def read_settings(project: Project, names: Collection[str], environment: Mapping[str, str]) -> tuple[Setting, ...]:
    """Every place where one of the variables is set; the one that a process sees first goes first."""
    found = [Setting(name, environment[name]) for name in sorted(names) if name in environment]
    folders = list(dict.fromkeys([project.root, *project.members]))
    for folder in folders:
        found += _of_scripts(folder / FILE_NAME, names)
    for folder in folders:
        file = folder / ".env"
        values = read_dotenv(file)
        found += [Setting(name, value, file, line) for name, (value, line) in values.items() if name in names]
    for folder in folders:
        for name in _DEPLOYMENT:
            found += _of_lines(folder / name, names)
    return tuple(found)


def _of_scripts(file: Path, names: Collection[str]) -> Iterator[Setting]:
    text = _text(file)
    try:
        content = json.loads(text) if text else {}
    except ValueError:
        return
    scripts = content.get("scripts") if isinstance(content, dict) else None
    for script, command in scripts.items() if isinstance(scripts, dict) else ():
        if not isinstance(command, str) or _PROGRAM not in command:
            continue
        for name, value in _assignments(command):
            if name in names:
                yield Setting(name, value, file, _line_of(text, json.dumps(script)), script)


def _assignments(command: str) -> Iterator[tuple[str, str]]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)  # `export A=1; b` has a word `A=1`
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:
        return
    for word in words:
        match = _ASSIGNMENT.fullmatch(word)
        if match is not None and "$" not in match["value"]:
            yield match["name"], match["value"]


def _line_of(text: str, words: str) -> int | None:
    """The line that has the key; the last one, should a dependency have the same name as a script further up."""
    at = max((match.start() for match in re.finditer(re.escape(words) + r"\s*:\s*\"", text)), default=-1)
    return text.count("\n", 0, at) + 1 if at >= 0 else None


def _of_lines(file: Path, names: Collection[str]) -> Iterator[Setting]:
    text = _text(file)
    if not text or not any(name in text for name in names):
        return
    pattern = re.compile(_LINE.format(names="|".join(map(re.escape, sorted(names)))), re.MULTILINE)
    for match in pattern.finditer(text):
        value = _plain(match["value"])
        if value and "$" not in value:
            yield Setting(match["name"], value, file, text.count("\n", 0, match.start("name")) + 1)


def _plain(value: str) -> str:
    value = value.strip()
    if value[:1] in ("'", '"'):
        end = value.find(value[0], 1)
        return value[1:end] if end > 0 else value[1:]
    return re.split(r"\s#", value, maxsplit=1)[0].strip().rstrip("\"'")


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > _LARGEST:
            return ""
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
