"""A finding: one thing that a check has to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


class Severity(str, Enum):
    ERROR = "error"
    """It does not work, or will break data."""
    WARNING = "warning"
    """It works today; it will not always."""
    NOTE = "note"
    """Worth knowing, nothing to do."""
    OK = "ok"
    """Looked at, and good: said where silence would leave a doubt."""

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Location:
    """A place in a file of the project, for annotations. `line` counts from 1; None: the file as a whole."""

    file: Path
    line: int | None = None


@dataclass(frozen=True)
class Remedy:
    """What to do, a sentence. `command` cures when it is pasted into a shell in the project's folder, or is None."""

    text: str
    command: str | None = None


@dataclass(frozen=True)
class Finding:
    """One thing found. Made with `wasmfix.diagnostics.finding`, which knows the severities.

    Every string is plain text: no markup, no line breaks but in `evidence`, and no secrets.
    """

    id: str
    severity: Severity
    subject: str
    """What it is about, as short as a person would name it: a package, a table, a variable, a file."""
    what: str
    """What is wrong: one clause, no final dot, no remedy in it."""
    evidence: tuple[str, ...] = ()
    """What was seen, in the words of who said it: paths, lines, numbers."""
    remedy: Remedy | None = None
    location: Location | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    """The same for programs; values that JSON has."""


class FindingError(Exception):
    """Raised while a subject is opened, or by a check: this finding is all that there is to say.

    A section that cannot be opened ends with it; a check ends with it, too.
    """

    def __init__(self, found: Finding) -> None:
        self.finding = found
        super().__init__(f"{found.id} {found.subject}: {found.what}")
