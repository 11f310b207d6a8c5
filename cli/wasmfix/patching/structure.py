"""JavaScript by structure: does a rule match, where, and what stands there instead. ast-grep does the parsing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wasmfix.errors import WasmfixError
from wasmfix.patching.catalogue import Place, Rule, Signature

if TYPE_CHECKING:
    from ast_grep_py import SgNode


class NotRecognisedError(Exception):
    """The file does not have the structure that a patch is written for; str() says what was not found."""


@dataclass(frozen=True)
class Source:
    """A parsed JavaScript file."""

    root: SgNode
    text: str

    @property
    def broken(self) -> bool:
        """True if it is not valid JavaScript."""
        return bool(self.root.find_all({"rule": {"kind": "ERROR"}}))

    def find(self, rule: Rule) -> list[SgNode]:
        config: Any = {"rule": dict(rule)}
        return list(self.root.find_all(config))


def parse(content: bytes) -> Source:
    """Parse JavaScript.

    Raises:
        NotRecognisedError: not UTF-8.
        WasmfixError: ast-grep is not there (musl has no wheel of it).
    """
    try:
        from ast_grep_py import SgRoot
    except ImportError as error:
        raise WasmfixError(
            "ast-grep-py cannot be loaded, and has no wheel for musl (Alpine)",
            remedy="run wasmfix where there is glibc, the patched project runs on Alpine too",
        ) from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotRecognisedError("it is not UTF-8") from error
    return Source(SgRoot(text, "javascript").root(), text)


def classify(source: Source, signatures: Iterable[Signature]) -> Signature | None:
    """The first signature that holds; None for a file that we do not know, or that is not JavaScript."""
    if source.broken:
        return None
    return next((signature for signature in signatures if _holds(source, signature)), None)


def rewrite(source: Source, places: Sequence[Place], every: Rule) -> bytes:
    """The text with each place replaced.

    Raises:
        NotRecognisedError: a place was not found, or found twice, or something that `every` matches is in none of them.
    """
    if source.broken:
        raise NotRecognisedError("it is not valid JavaScript")
    edits = []
    for place in places:
        matches = source.find(place.rule)
        if len(matches) > 1:
            raise NotRecognisedError(f"{place.name}: found {len(matches)} times, not once")
        if len(matches) < place.at_least:
            raise NotRecognisedError(f"{place.name}: not found")
        edits += [match.replace(place.replace) for match in matches]
    if every and len(source.find(every)) != len(edits):
        raise NotRecognisedError(
            f"the native addon is loaded in {len(source.find(every))} places, {len(edits)} are known"
        )
    return source.root.commit_edits(edits).encode()


def loader_kind(source: Source, every: Rule) -> str | None:
    """The module that loads the native addon: `bindings`, `node-gyp-build`."""
    for match in source.find(every):
        name = match.find({"rule": {"kind": "string_fragment"}})
        if name is not None:
            return name.text()
    return None


def read_source(file: Path) -> bytes | None:
    """A file's content; None if there is nothing, or nothing in it, or a symlink that leads nowhere."""
    try:
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return content if content.strip() else None


def _holds(source: Source, signature: Signature) -> bool:
    return (
        all(len(source.find(rule)) == 1 for rule in signature.once)
        and all(source.find(rule) for rule in signature.some)
        and not any(source.find(rule) for rule in signature.none)
    )
