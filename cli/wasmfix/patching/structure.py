"""JavaScript (and JSON) by structure: does a rule match, where, and what stands there instead. ast-grep parses it."""

from __future__ import annotations

import errno
import itertools
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from wasmfix.errors import WasmfixError, os_reason
from wasmfix.patching.catalogue import Place, Rule, Signature

if TYPE_CHECKING:
    from ast_grep_py import Edit, SgNode

_VARIABLE = re.compile(r"\$\$\$[A-Z_][A-Z0-9_]*|\$[A-Z_][A-Z0-9_]*")
_DECLARED: Rule = {
    "any": [
        {"kind": "shorthand_property_identifier_pattern"},
        {
            "kind": "identifier",
            "inside": {
                "any": [
                    {"kind": kind}
                    for kind in (
                        "formal_parameters",
                        "rest_pattern",
                        "array_pattern",
                        "pair_pattern",
                        "assignment_pattern",
                        "catch_clause",
                        "import_clause",
                        "import_specifier",
                        "namespace_import",
                    )
                ]
            },
        },
        *(
            {"kind": "identifier", "inside": {"kind": kind, "field": field}}
            for kind, field in (
                ("variable_declarator", "name"),
                ("function_declaration", "name"),
                ("function_expression", "name"),
                ("generator_function_declaration", "name"),
                ("generator_function", "name"),
                ("class_declaration", "name"),
                ("class", "name"),
                ("arrow_function", "parameter"),
                ("for_in_statement", "left"),
                # Who asks for the type first, or assigns, does not fail on a name that nobody declared.
                ("assignment_expression", "left"),
            )
        ),
        {"kind": "identifier", "inside": {"kind": "unary_expression", "regex": "^typeof"}},
    ]
}
_GLOBALS = """
    AggregateError Array ArrayBuffer Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date Error EvalError
    FinalizationRegistry Float16Array Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array Intl
    Iterator JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect RegExp Set
    SharedArrayBuffer String SuppressedError Symbol SyntaxError TypeError URIError Uint16Array Uint32Array Uint8Array
    Uint8ClampedArray WeakMap WeakRef WeakSet WebAssembly arguments decodeURI decodeURIComponent encodeURI
    encodeURIComponent escape eval globalThis isFinite isNaN parseFloat parseInt undefined unescape
    AbortController AbortSignal Blob BroadcastChannel Buffer CustomEvent DOMException Event EventTarget File FormData
    Headers MessageChannel MessageEvent MessagePort Performance ReadableStream Request Response TextDecoder TextEncoder
    TransformStream URL URLSearchParams WebSocket WritableStream __dirname __filename atob btoa clearImmediate
    clearInterval clearTimeout console crypto exports fetch global module navigator performance process queueMicrotask
    require setImmediate setInterval setTimeout structuredClone
"""
"""What JavaScript and Node give to a CommonJS script."""
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
        return list(self.root.find_all(config))

    @property
    def unbound(self) -> set[str]:
        """The names that it uses and nowhere declares, and that are none of JavaScript's or Node's: a file that was cut
        between two statements has them, since its definitions come last."""
        names = {"any": [{"kind": "identifier"}, {"kind": "shorthand_property_identifier"}]}
        used = {node.text() for node in self.find(names)}
        return used - {node.text() for node in self.find(_DECLARED)} - set(_GLOBALS.split())


def rule_mistake(rule: Rule, path: str) -> str:
    """What is wrong with a rule, in ast-grep's words; empty if nothing is, or if there is no ast-grep to ask."""
    try:
        source = parse(b"", path)
    except WasmfixError:
        return ""
    try:
        source.find(rule)
    except Exception as error:  # ast-grep has no class of its own for it
        # Its words end with a stack trace.
        words = str(error).partition("Stack backtrace")[0]
        return " ".join(words.split())
    return ""


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


def exported(source: Source) -> set[str] | None:
    """The names that a CommonJS script exports one by one; None if it may export others."""
    word = {"any": [{"kind": "identifier"}, {"kind": "property_identifier"}], "regex": "^exports$"}
    member = {"kind": "member_expression", "has": {"field": "object", "regex": r"^(module\.)?exports$"}}
    single = source.find({**member, "inside": {"kind": "assignment_expression", "field": "left"}})
    names = {name.text() for each in single if (name := each.field("property")) is not None}
    return names if len(source.find(member)) == len(source.find(word)) else None


def required(source: Source) -> dict[str, set[str]]:
    """What a script requires by a relative path, as it says it, and the names that it takes out of that."""
    found: dict[str, set[str]] = {}
    for call in source.find({"pattern": "require($PATH)"}):
        path = call.find({"rule": {"kind": "string_fragment"}})
        if path is not None and path.text().startswith(("./", "../")):
            found.setdefault(path.text(), set()).update(_taken(source, call))
    return found


def _taken(source: Source, call: SgNode) -> set[str]:
    """The properties that are read of what a call of `require` gives."""
    around = call.parent()
    name = around.field("name") if around is not None and around.kind() == "variable_declarator" else None
    if around is None or name is None:
        member = around.field("property") if around is not None and around.kind() == "member_expression" else None
        return {member.text()} if member is not None else set()
    if name.kind() == "identifier":
        read: Rule = {"kind": "member_expression", "has": {"field": "object", "regex": f"^{re.escape(name.text())}$"}}
        return {each.text() for node in source.find(read) if (each := node.field("property")) is not None}
    keys: Any = {
        "rule": {
            "any": [
                {"kind": "shorthand_property_identifier_pattern"},
                {"kind": "property_identifier", "inside": {"kind": "pair_pattern"}},
            ]
        }
    }
    return {each.text() for each in name.find_all(keys)}


def read_source(file: Path) -> bytes | None:
    """A file's content; None if there is nothing, or nothing in it, or a symlink that leads nowhere.

    Raises:
        NotRecognisedError: something is there that cannot be read, or a folder.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None
        # Windows says of a folder that access is denied.
        folder = os.path.isdir(file)  # unlike pathlib's, it has an answer for every path
        raise NotRecognisedError("it is a folder" if folder else f"it cannot be read ({os_reason(error)})") from error
    return content if content.strip() else None


def _holds(source: Source, signature: Signature) -> bool:
    if source.broken or signature.broken:
        return source.broken and signature.broken
    if signature.unbound:
        return bool(source.unbound)
    return (
        all(len(source.find(rule)) == 1 for rule in signature.once)
        and all(source.find(rule) for rule in signature.some)
        and not any(source.find(rule) for rule in signature.none)
    )
