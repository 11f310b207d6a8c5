"""orez, which puts a shim of its own over zero-sqlite3: what the shim says of itself, and the generator that writes it.

The generator keeps the shim's text in a template literal, older releases in a template within a template. So a shim is
looked for in the file, in its template literals, and in theirs; each is parsed as the JavaScript that it becomes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wasmfix.patching.catalogue import Rule
from wasmfix.patching.record import RECORD
from wasmfix.patching.structure import NotRecognisedError, Source, parse
from wasmfix.project.manifest import read_manifest

if TYPE_CHECKING:
    from ast_grep_py import SgNode

PLACEHOLDER = "@PROTOTYPE@"
"""In the correction: the name that the shim has for the prototype of statements."""

HOOK_NOTE = "this orez puts its shim before zero-sqlite3 by a loader hook: zero-cache runs on bedrock-sqlite"

_MODE = re.compile(r"^// *mode: *(\w+), *journal_mode: *(\w+)", re.MULTILINE)
_CORRECTED = re.compile(r"^// wasmfix (\S+) \(orez-generator\)", re.MULTILINE)
_BELOW = re.compile(r"""\b(?:require|createRequire)\((["'])(?P<path>[^"'\n]*bedrock-sqlite[^"'\n]*)\1\)""")
_EMPTY = re.compile(r"^\{?\s*(return\b\s*)?(\[\s*\]|undefined|void 0|null)?\s*;?\s*\}?$")
# Text in a template literal would have to be escaped, once for each template that it is in.
_NEEDS_ESCAPE = re.compile(r"[\\`]|\$\{")


@dataclass(frozen=True)
class Replacement:
    """`text` instead of what stands from `start` to `end`, in characters."""

    start: int
    end: int
    text: str


def correct_shims(content: bytes, correction: str) -> bytes:
    """A file of orez, every shim in it corrected; the same bytes if there is none, or none needs it.

    Corrected are a `scanStatusV2` that answers the same for ever (`correction` comes in its place), a `scanStatus` that
    is always undefined, an `unsafeMode` that hides the driver's own, and the value of `SQLITE_SCANSTAT_COMPLEX`.

    Raises:
        NotRecognisedError: it is not JavaScript.
    """
    if _NEEDS_ESCAPE.search(correction):
        raise ValueError("the correction has to be escaped")
    source = parse(content)
    if source.broken:
        raise NotRecognisedError("it is not valid JavaScript")
    replacements: list[Replacement] = []
    _correct(source, 0, correction, replacements)
    text = source.text
    for each in sorted(replacements, key=lambda each: -each.start):
        text = text[: each.start] + each.text + text[each.end :]
    return text.encode()


def has_hook(content: bytes) -> bool:
    """Whether a file of orez has the loader hook of its third generation in it."""
    return b"orez-sqlite-shim://" in content


def describe_shim(content: bytes) -> str:
    """What a shim says of itself: its mode, whether wasmfix's correction is in it, and the driver below it."""
    text = content.decode("utf-8", errors="replace")
    said: list[str] = []
    if mode := _MODE.search(text):
        said.append(f"mode {mode[1]}, journal mode {mode[2]}")
    if corrected := _CORRECTED.search(text):
        said.append(f"its generator was corrected by wasmfix {corrected[1]}")
    if below := _BELOW.search(text):
        said.append(f"over {_driver_below(below['path'])}")
    return "; ".join(said)


def _driver_below(path: str) -> str:
    if not Path(path).is_absolute():
        return path
    for folder in Path(path).parents:
        manifest = read_manifest(folder) if folder.is_dir() else None
        if manifest is not None and manifest.name == "bedrock-sqlite":
            patched = "patched" if (folder / RECORD).is_file() else "not patched"
            return f"bedrock-sqlite {manifest.version} ({patched}) in {folder}"
    return f"{path}, which is not there"


def _correct(source: Source, offset: int, correction: str, replacements: list[Replacement]) -> None:
    """Collect what to replace in a shim, or in the shims of its templates."""
    assigned = source.find(_assignment("scanStatusV2"))
    for statement in assigned:
        if _answers_nothing(statement):
            target = _guard(statement, "scanStatusV2") or statement
            name = _part(statement, "left", "object").text()
            replacements.append(_instead(target, offset, correction.replace(PLACEHOLDER, name).strip()))
    if assigned:
        for statement in source.find(_assignment("scanStatus")):
            if _answers_nothing(statement):
                replacements.append(_instead(_guard(statement, "scanStatus") or statement, offset, ""))
        for statement in source.find(_assignment("unsafeMode")):
            if _guard(statement, "unsafeMode") is None:
                text = f"if (!{_part(statement, 'left').text()}) "
                start = offset + statement.range().start.index
                replacements.append(Replacement(start, start, text))
        for statement in source.find(_assignment("SQLITE_SCANSTAT_COMPLEX")):
            replacements.append(_instead(_part(statement, "right"), offset, "1"))
    for template in source.find({"kind": "template_string"}):
        inner = parse(_cooked(template).encode()) if "scanStatusV2" in template.text() else None
        if inner is not None and not inner.broken:
            _correct(inner, offset + template.range().start.index + 1, correction, replacements)


def _assignment(name: str) -> Rule:
    """A statement that gives a property its value."""
    left = {"field": "left", "kind": "member_expression", "has": {"field": "property", "regex": f"^{name}$"}}
    return {"kind": "expression_statement", "has": {"kind": "assignment_expression", "has": left}}


def _part(statement: SgNode, *fields: str) -> SgNode:
    node: SgNode | None = statement.child(0)
    for field in fields:
        node = node.field(field) if node is not None else None
    assert node is not None
    return node


def _answers_nothing(statement: SgNode) -> bool:
    """Whether what is assigned is a function with one answer for all: an empty array, or undefined."""
    function = _part(statement, "right")
    body = function.field("body")
    return body is not None and _EMPTY.match(body.text()) is not None


def _guard(statement: SgNode, name: str) -> SgNode | None:
    """The `if` that asks for the property before it is assigned."""
    for node in statement.ancestors():
        condition = node.field("condition") if node.kind() == "if_statement" else None
        if condition is not None and re.search(rf"\b{name}\b", condition.text()):
            return node
    return None


def _instead(node: SgNode, offset: int, text: str) -> Replacement:
    place = node.range()
    return Replacement(offset + place.start.index, offset + place.end.index, text)


def _cooked(template: SgNode) -> str:
    """The text that a template literal becomes, character under character; a name stands for each substitution."""
    parts: list[str] = []
    for child in template.children()[1:-1]:
        text = child.text()
        if child.kind() == "template_substitution":
            parts.append("_" * len(text))
        elif child.kind() == "escape_sequence" and len(text) == 2:
            parts.append(" " + {"n": "\n", "r": "\r", "t": "\t"}.get(text[1], text[1]))
        else:
            parts.append(text)
    return "".join(parts)
