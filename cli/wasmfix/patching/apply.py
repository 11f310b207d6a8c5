"""What one patch makes of one file. Knows contents, not folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wasmfix.patching.catalogue import PatchedFile, Signature
from wasmfix.patching.orez import HOOK_NOTE, correct_shims, describe_shim, has_hook
from wasmfix.patching.structure import NotRecognisedError, classify, parse, rewrite

Read = Callable[[str], "bytes | None"]
"""The content of another file of the package, None if there is nothing in it."""


@dataclass(frozen=True)
class Result:
    """What a file is, and what it shall be."""

    state: str
    """As in `[[file.recognise]]`; `absent` for a file that is not there and need not be."""
    content: bytes | None = None
    """The new content; None leaves the file as it is."""
    why: str = ""
    generation: int = 0
    """Of the shim that is there."""
    removed: bool = False
    """The file goes."""
    written_by: str = ""
    """Who else wrote the file that is there, and what it says of itself."""
    note: str = ""


def apply(file: PatchedFile, path: str, content: bytes | None, read: Read, *, orez: bool = False) -> Result:
    """What the patch does to `path`, one of the paths that `file` is about.

    Args:
        content: of the file now, None if it is missing or empty.
        read: for the backup.
        orez: whether orez is installed, which puts its shim over an entry point that is not marked.

    Raises:
        NotRecognisedError: the file is none that the patch knows.
    """
    if file.kind == "create":
        return _create(file, path, content)
    if content is None:
        if file.kind in ("replace", "remove") or not file.required:
            return Result("absent")
        raise NotRecognisedError("it is missing or empty, reinstall the package")
    if file.kind == "remove":
        return Result("needed", why=file.why, removed=True)
    if file.kind == "shims":
        corrected = correct_shims(content, file.payload.decode())
        note = f"{path}: {HOOK_NOTE}" if has_hook(content) else ""
        if corrected == content:
            return Result("original", note=note)
        return Result("needed", corrected, file.why, note=note)
    source = parse(content, path)
    found = classify(source, file.signatures)
    if found is not None and found.state == "foreign":
        raise NotRecognisedError(found.name, "foreign")
    if file.kind == "replace":
        return _replace(file, path, content, found, read, orez)
    if found is not None and found.state in ("applied", "original"):
        return Result(found.state, why=found.name)
    state, generation = (found.state, found.generation) if found else ("needed", 0)
    after = rewrite(source, file.places, file.every) + file.append
    if parse(after, path).broken:
        raise NotRecognisedError("it would not be valid JavaScript afterwards")
    return Result(state, after, file.why, generation)


def _create(file: PatchedFile, path: str, content: bytes | None) -> Result:
    if content is None:
        return Result("needed", file.payload, "it is missing or empty")
    found = classify(parse(content, path), file.signatures) if file.signatures else None
    if found is None or found.state in ("applied", "original"):
        return Result(found.state if found else "original")
    if found.state == "foreign":
        raise NotRecognisedError(found.name, "foreign")
    return Result(found.state, file.payload, found.name)


def _replace(file: PatchedFile, path: str, content: bytes, found: Signature | None, read: Read, orez: bool) -> Result:
    if found is None:
        raise NotRecognisedError("neither the package's own file nor a shim that we know")
    if found.state == "applied" or (found.state == "original" and not (orez and file.mark)):
        return Result(found.state, why=found.name)
    if found.state == "original":
        why = "orez is installed and would put its shim here"
        return Result("needed", file.mark + content, why)
    why = found.name
    kept = None
    if file.backup:
        kept = _plausible_backup(file, path, read(file.backup))
        why += f"; {'the original is in the backup' if kept else 'there is no usable backup'}"
    written_by = "; ".join(filter(None, (found.name, describe_shim(content))))
    return Result(found.state, file.mark + (kept or file.payload), why, found.generation, written_by=written_by)


def _plausible_backup(file: PatchedFile, path: str, content: bytes | None) -> bytes | None:
    if content is None:
        return None
    try:
        found = classify(parse(content, path), file.signatures)
    except NotRecognisedError:
        return None
    return content if found is not None and found.state == "original" else None
