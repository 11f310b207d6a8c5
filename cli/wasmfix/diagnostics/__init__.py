"""What is wrong with a project, a replica, a database: checks yield findings and facts, a runner collects them.

Nothing here prints; `wasmfix.report` shows what was collected.
"""

from __future__ import annotations

from wasmfix.diagnostics.facts import Fact, HeapLimit, Item, Projection, TableFacts
from wasmfix.diagnostics.finding import Finding, FindingError, Location, Remedy, Severity
from wasmfix.diagnostics.options import Options
from wasmfix.diagnostics.registry import REGISTRY, FindingKind, finding
from wasmfix.diagnostics.run import Check, CheckRun, Report, Section, Tell, run

__all__ = [
    "REGISTRY",
    "Check",
    "CheckRun",
    "Fact",
    "Finding",
    "FindingError",
    "FindingKind",
    "HeapLimit",
    "Item",
    "Location",
    "Options",
    "Projection",
    "Remedy",
    "Report",
    "Section",
    "Severity",
    "TableFacts",
    "Tell",
    "finding",
    "run",
]
