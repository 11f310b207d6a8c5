"""The one error that a user meets: what is wrong, where, and what to do, in one line."""

from __future__ import annotations

from pathlib import Path

FINDINGS = 1
"""Exit code: the command ran and found something (or, under `--check`, something is not patched)."""
STOPPED = 2
"""Exit code: wrong use, or an environment that stops us."""
INTERRUPTED = 130
"""Exit code: SIGINT."""


class WasmfixError(Exception):
    """Printed as `where: what; remedy`, without a traceback. The command ends with exit code 2.

    Args:
        what: what is wrong, a clause without a final dot.
        where: the file, folder or package that it is about.
        remedy: what the user can do, a clause in the imperative.
    """

    def __init__(self, what: str, *, where: Path | str | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        line = f"{where}: {what}" if where is not None else what
        super().__init__(f"{line}; {remedy}" if remedy else line)


def os_reason(error: OSError) -> str:
    """The system's words for an OSError (`No space left on device`), without the path that str() appends."""
    return error.strerror or str(error)
