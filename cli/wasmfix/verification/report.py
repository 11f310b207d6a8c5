"""What a verification found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Status = Literal["ok", "fail", "skip"]

NOT_PATCHED = "V001"


@dataclass(frozen=True)
class CheckResult:
    id: str
    """Stable: V001 is the same check in every version."""
    title: str
    status: Status
    detail: str
    """What was found, or why it failed or was skipped."""


@dataclass(frozen=True)
class VerifyReport:
    package: str
    version: str
    folder: Path
    node: str
    """The version of Node that ran the checks; empty if none had to."""
    checks: tuple[CheckResult, ...]

    @property
    def ok(self) -> bool:
        return bool(self.checks) and all(check.status != "fail" for check in self.checks)

    def to_json(self) -> dict[str, object]:
        return {
            "package": self.package,
            "version": self.version,
            "folder": str(self.folder),
            "node": self.node,
            "ok": self.ok,
            "checks": [
                {"id": check.id, "title": check.title, "status": check.status, "detail": check.detail}
                for check in self.checks
            ],
        }
