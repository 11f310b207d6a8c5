"""What has to be said with `wasmfix patch`: whose SQLite the engine is built from, and instead of what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from wasmfix.diagnostics.checks.project_subject import ZERO_DRIVER
from wasmfix.diagnostics.finding import Remedy
from wasmfix.patching.assess import Assessment
from wasmfix.project import InstalledPackage

_PATCH = "wasmfix patch"
_WITHOUT = "bedrock-sqlite"


def with_source(
    remedy: Remedy, assessment: Assessment, packages: Iterable[InstalledPackage], manager: str | None
) -> Remedy:
    """The remedy, with a `wasmfix patch` that does it here.

    bedrock-sqlite brings no SQLite: its engine is built from a zero-sqlite3's, which the project may not have. And what
    was patched with `--engine shim` stays so until another is asked for.
    """
    if remedy.command != _PATCH or assessment.package.name != _WITHOUT:
        return remedy
    command = _PATCH
    if assessment.record is not None and assessment.record.inputs.engine == "shim":
        command += " --engine rebuild"
    if any(each.name == ZERO_DRIVER and each.amalgamation.version for each in packages):
        return replace(remedy, command=command)
    text = f"{remedy.text} The engine is built from {ZERO_DRIVER}'s SQLite, which is not installed here"
    if manager == "npm":
        command = f"npm install --ignore-scripts --no-save {ZERO_DRIVER} && {command}"
        return Remedy(f"{text}: the command fetches it first.", command)
    return Remedy(f"{text}: install it first, then run {command}.")
