"""JavaScript (and JSON) by structure: does a rule match, where, and what stands there instead. ast-grep parses it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from wasmfix.errors import WasmfixError
from wasmfix.patching.catalogue import Place, Rule, Signature

if TYPE_CHECKING:
    from ast_grep_py import Edit, SgNode

_VARIABLE = re.compile(r"\$\$\$[A-Z_][A-Z0-9_]*|\$[A-Z_][A-Z0-9_]*")
_LANGUAGES = {".json": "json", ".ts": "typescript", ".mts": "typescript", ".cts": "typescript"}


class NotRecognisedError(Exception):
    """The file does not have the structure that a patch is written for; str() says what was not found."""

    def __init__(self, problem: str, state: str = "unknown") -> None:
        super().__init__(problem)
        self.state = state
        """Of the file: `foreign` if a signature says so."""


@dataclass(frozen=True)
class Source:
    """A parsed JavaScript file."""

    root: SgNode
    text: str

    @property
    def broken(self) -> bool:
        """True if it is not valid JavaScript: something cannot be parsed, or the parser had to add what is missing."""
        added = {"regex": "^$", "inside": {"regex": "(?s)."}}
        return bool(self.find({"any": [{"kind": "ERROR"}, added]}))

    def find(self, rule: Rule) -> list[SgNode]:
        config: Any = {"rule": dict(rule)}
        try:
            return list(self.root.find_all(config))
        except RuntimeError as error:
            # ast-grep's words end with a stack trace.
            words = str(error).partition("Stack backtrace")[0]
            problem = f"ast-grep does not understand the rule {dict(rule)}: {' '.join(words.split())}"
            raise WasmfixError(problem, remedy="correct its patch.toml") from error


def parse(content: bytes, path: str = "") -> Source:
    """Parse a file: JavaScript, unless its name says something else.

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
    language = _LANGUAGES.get(PurePosixPath(path).suffix, "javascript")
    return Source(SgRoot(text, language).root(), text)


def classify(source: Source, signatures: Iterable[Signature]) -> Signature | None:
    """The first signature that holds; None for a file that we do not know."""
    return next((signature for signature in signatures if _holds(source, signature)), None)


def rewrite(source: Source, places: Sequence[Place], every: Rule) -> bytes:
    """The text with each place replaced.

    Raises:
        NotRecognisedError: a place was not found, or too often, or something that `every` matches is in none of them.
    """
    if source.broken:
        raise NotRecognisedError("it is not valid JavaScript")
    edits: list[Edit] = []
    for place in places:
        matches = source.find(place.rule)
        if place.at_most and len(matches) > place.at_most:
            allowed = "once" if place.at_most == 1 else f"at most {place.at_most} times"
            raise NotRecognisedError(f"{place.name}: found {len(matches)} times, not {allowed}")
        if len(matches) < place.at_least:
            raise NotRecognisedError(f"{place.name}: not found")
        edits += [match.replace(_filled(place.replace, match)) for match in matches]
    if every and len(source.find(every)) != len(edits):
        raise NotRecognisedError(f"there are {len(source.find(every))} places of its kind, {len(edits)} are known")
    edits.sort(key=lambda edit: (edit.start_pos, edit.end_pos))
    for one, other in itertools.pairwise(edits):
        # ast-grep would leave the second one out without a word.
        if other.start_pos < one.end_pos:
            raise NotRecognisedError("two of the places overlap")
    # The root begins with the first word: what is blank before it is in no node.
    blank = source.text[: source.root.range().start.index]
    return (blank + source.root.commit_edits(edits)).encode()


def _filled(text: str, match: SgNode) -> str:
    """A replacement with what the rule's metavariables matched; `$MATCH` is all of it. Other words stay."""

    def value(found: re.Match[str]) -> str:
        name = found[0].lstrip("$")
        if found[0].startswith("$$$"):
            nodes = match.get_multiple_matches(name)
            first, last = (nodes[0].range().start.index, nodes[-1].range().end.index) if nodes else (0, 0)
            return match.get_root().root().text()[first:last] if nodes else ""
        if name == "MATCH":
            return match.text()
        node = match.get_match(name)
        return node.text() if node else found[0]

    return _VARIABLE.sub(value, text)


def loader_kind(source: Source, every: Rule) -> str | None:
    """What loads the native addon: the module `bindings` or `node-gyp-build`, or `require` of the `file` itself."""
    for match in source.find(every):
        name = match.find({"rule": {"kind": "string_fragment"}})
        if name is not None:
            return "file" if name.text().endswith(".node") else name.text()
    return None


def exports(source: Source) -> bool:
    """Whether a CommonJS script exports anything."""
    return bool(source.find({"any": [{"kind": "identifier"}, {"kind": "property_identifier"}], "regex": "^exports$"}))


def required(source: Source) -> list[str]:
    """What a script requires by a relative path, as it says it."""
    calls = source.find({"pattern": "require($PATH)"})
    names = [call.find({"rule": {"kind": "string_fragment"}}) for call in calls]
    return [name.text() for name in names if name is not None and name.text().startswith(("./", "../"))]


def read_source(file: Path) -> bytes | None:
    """A file's content; None if there is nothing, or nothing in it, or a symlink that leads nowhere."""
    try:
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return content if content.strip() else None


def _holds(source: Source, signature: Signature) -> bool:
    if source.broken or signature.broken:
        return source.broken and signature.broken
    return (
        all(len(source.find(rule)) == 1 for rule in signature.once)
        and all(source.find(rule) for rule in signature.some)
        and not any(source.find(rule) for rule in signature.none)
    )
