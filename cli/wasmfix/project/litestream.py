"""Whether a zero-cache of the project starts litestream, the native program that backs a replica up.

Known of zero-cache (1.9.0, `server/main.js`): the process that runs the change-streamer starts `litestream replicate`
if it has a backup URL. One with the URI of another's change-streamer, or that looks for one, only restores.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wasmfix.project.root import Project

BACKUP_URL = "ZERO_LITESTREAM_BACKUP_URL"
_URI = "ZERO_CHANGE_STREAMER_URI"
_MODE = "ZERO_CHANGE_STREAMER_MODE"
# As dotenv reads a line: `export` and quotes are optional, and what follows # in a value without quotes is a comment.
_LINE = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(?P<name>[\w.-]+)[ \t]*[=:][ \t]*"""
    r"""(?:'(?P<one>[^']*)'|"(?P<two>[^"]*)"|`(?P<back>[^`]*)`|(?P<bare>[^#\r\n]*))""",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Backup:
    """A configured backup. `file` is the .env that says so, None if the environment does."""

    file: Path | None


def configured_backups(project: Project, environment: Mapping[str, str]) -> list[Backup]:
    """Where a backup is configured: in the environment, or else in a `.env` of the project's root and members."""
    if BACKUP_URL in environment:
        return [Backup(None)] if _starts_litestream(environment) else []
    files = [folder / ".env" for folder in dict.fromkeys([project.root, *project.members])]
    # The environment goes before the file, variable by variable.
    return [Backup(file) for file in files if _starts_litestream({**_dotenv(file), **environment})]


def _starts_litestream(settings: Mapping[str, str]) -> bool:
    own = not settings.get(_URI) and settings.get(_MODE, "dedicated") in ("", "dedicated")
    return bool(settings.get(BACKUP_URL)) and own


def _dotenv(file: Path) -> dict[str, str]:
    """The variables of a .env; none if it is not there or not ours to read."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    found: dict[str, str] = {}
    for match in _LINE.finditer(text):
        quoted = [match[kind] for kind in ("one", "two", "back") if match[kind] is not None]
        found[match["name"]] = quoted[0] if quoted else (match["bare"] or "").strip()
    return found
