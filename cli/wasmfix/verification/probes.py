"""The probes of the catalogue: for a package whose JavaScript was repaired, and that has no engine of ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from wasmfix.patching.catalogue import Patch, load_catalogue
from wasmfix.patching.record import Record
from wasmfix.verification.child import Bounds, find_node, last_words, run_child
from wasmfix.verification.report import CheckResult

# Such a package holds up to 512 MB of WebAssembly memory, and a guard that is missing shows in more.
_BOUNDS = Bounds(seconds=60, heap_mb=512, resident_mb=2048)


def run_probes(package_dir: Path, record: Record, node: str | None) -> tuple[CheckResult, ...]:
    """Ask of each patch in the record whether what it cures is cured.

    Raises WasmfixError when there is no Node.
    """
    program = find_node(node)
    return tuple(_results(program, package_dir, record))


def _results(program: str, package_dir: Path, record: Record) -> Iterator[CheckResult]:
    catalogue = {patch.id: patch for patch in load_catalogue()}
    for name in record.patches:
        patch = catalogue.get(name)
        if patch is None:
            yield CheckResult(name, name, "fail", "this wasmfix does not know the patch; run: wasmfix patch")
        elif patch.probe is None:
            yield CheckResult(name, patch.title, "skip", "it has no probe")
        else:
            yield _probe(program, patch, patch.probe, package_dir)


def _probe(program: str, patch: Patch, probe: Path, package_dir: Path) -> CheckResult:
    said: list[str] = []
    ending = run_child(program, [str(probe), str(package_dir)], os.environ, _BOUNDS, lambda _: None, said.append)
    if not ending.problem:
        return CheckResult(patch.id, patch.title, "ok", "the symptom is gone")
    words = next((line for line in reversed(said) if line), "") or last_words(ending.stderr) or ending.problem
    return CheckResult(patch.id, patch.title, "fail", words[:300])
