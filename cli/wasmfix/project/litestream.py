"""Whether a zero-cache of the project starts litestream, the native program that backs a replica up.

Known of zero-cache (1.9.0, `server/main.js`): the process that runs the change-streamer starts `litestream replicate`
if it has a backup URL. One with the URI of another's change-streamer, or that looks for one, only restores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wasmfix.project.dotenv import read_dotenv
from wasmfix.project.root import Project

BACKUP_URL = "ZERO_LITESTREAM_BACKUP_URL"
_URI = "ZERO_CHANGE_STREAMER_URI"
_MODE = "ZERO_CHANGE_STREAMER_MODE"


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
    return [Backup(file) for file in files if _starts_litestream({**_values(file), **environment})]


def _starts_litestream(settings: Mapping[str, str]) -> bool:
    own = not settings.get(_URI) and settings.get(_MODE, "dedicated") in ("", "dedicated")
    return bool(settings.get(BACKUP_URL)) and own


def _values(file: Path) -> dict[str, str]:
    return {name: value for name, (value, _line) in read_dotenv(file).items()}
