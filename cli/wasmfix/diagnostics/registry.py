"""Every id that a finding may have, as data: `findings/*.toml`.

    [WF101]
    title = "…"          what is the case, a clause: the heading of its page
    severity = "error"   the usual one: error, warning, note, ok
    rank = 50            of two findings with the same severity the lower goes first; 50 if not said
    symptom = "…"        what the user sees, in the words of the error message; may be missing
    means = "…"          Markdown: what it means, how it comes about
    found = "…"          Markdown: how it is recognised, and what is not looked at
    cure = "…"           Markdown: what to do

WF0xx is about wasmfix itself, WF1xx the project, WF2xx the replica, WF3xx the database, WF4xx probe and processes,
WF5xx `wasmfix ci`. An id is never given a second meaning. `docs/findings/` is written from this (`pages.py`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wasmfix.diagnostics.finding import Finding, Location, Remedy, Severity
from wasmfix.errors import WasmfixError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_ID = re.compile(r"WF[0-5]\d\d")
_REQUIRED = ("title", "severity", "means", "found", "cure")
_OPTIONAL = ("rank", "symptom")


@dataclass(frozen=True)
class FindingKind:
    """What is the same of all findings with one id."""

    id: str
    title: str
    severity: Severity
    rank: int
    symptom: str
    means: str
    found: str
    cure: str

    @property
    def page(self) -> str:
        """Its page, from the root of wasmfix's repository."""
        return f"docs/findings/{self.id}.md"


def load_registry(folder: Path) -> dict[str, FindingKind]:
    """All kinds in a folder of TOML files, by id, in the order of the ids.

    Raises:
        WasmfixError: an entry is not as it should be, or an id comes twice.
    """
    kinds: dict[str, FindingKind] = {}
    for file in sorted(folder.glob("*.toml")):
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise WasmfixError(f"is not valid TOML ({error})", where=file) from error
        for id_, entry in content.items():
            if id_ in kinds:
                raise WasmfixError(f"{id_} is there twice", where=file)
            kinds[id_] = _kind(file, id_, entry)
    return dict(sorted(kinds.items()))


def finding(
    id_: str,
    subject: str,
    what: str,
    *,
    severity: Severity | None = None,
    evidence: tuple[str, ...] | list[str] = (),
    remedy: str | None = None,
    command: str | None = None,
    location: Location | None = None,
    data: Mapping[str, object] | None = None,
) -> Finding:
    """A finding with the severity that its id usually has.

    Args:
        remedy: what to do, a sentence.
        command: a command that does it when pasted; without it the remedy is for people only.
    """
    kind = REGISTRY[id_]
    if command is not None and remedy is None:
        remedy = "Run the command."
    return Finding(
        id=id_,
        severity=severity or kind.severity,
        subject=subject,
        what=what,
        evidence=tuple(evidence),
        remedy=Remedy(remedy, command) if remedy is not None else None,
        location=location,
        data=dict(data or {}),
    )


def _kind(file: Path, id_: str, entry: object) -> FindingKind:
    if not _ID.fullmatch(id_) or not isinstance(entry, dict):
        raise WasmfixError(f"{id_!r} is not a table with an id of ours (WF000 to WF599)", where=file)
    missing = [key for key in _REQUIRED if not entry.get(key)]
    unknown = set(entry) - {*_REQUIRED, *_OPTIONAL}
    if missing or unknown:
        raise WasmfixError(f"{id_}: missing {missing}, unknown {sorted(unknown)}", where=file)
    if entry["severity"] not in {severity.value for severity in Severity}:
        raise WasmfixError(f"{id_}: unknown severity {entry['severity']!r}", where=file)
    return FindingKind(
        id=id_,
        title=str(entry["title"]),
        severity=Severity(entry["severity"]),
        rank=int(entry.get("rank", 50)),
        symptom=str(entry.get("symptom", "")).strip(),
        means=str(entry["means"]).strip(),
        found=str(entry["found"]).strip(),
        cure=str(entry["cure"]).strip(),
    )


# Last, because it needs all of the above.
REGISTRY: Mapping[str, FindingKind] = load_registry(Path(__file__).parent / "findings")
