"""orez, which puts a shim of its own over zero-sqlite3: what the shim says of itself, and the generator that writes it.

The generator keeps the shim's text in a template literal, older releases in a template within a template. So a shim is
looked for in the file, in its template literals, and in theirs; each is parsed as the JavaScript that it becomes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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

ODD_NOTE = "the shim in it gives scanStatusV2 one answer for ever, in a way that wasmfix does not know how to correct"

HOOK_NOTE = "this orez puts its shim before zero-sqlite3 by a loader hook: zero-cache runs on bedrock-sqlite"

_MODE = re.compile(r"^// *mode: *(\w+), *journal_mode: *(\w+)", re.MULTILINE)
_CORRECTED = re.compile(r"^// wasmfix (\S+) \(orez-generator\)", re.MULTILINE)
_BELOW = re.compile(r"""\b(?:require|createRequire)\((["'])(?P<path>[^"'\n]*bedrock-sqlite[^"'\n]*)\1\)""")
_EMPTY = re.compile(r"^\{?\s*(return\b\s*)?(\[\s*\]|\(?\{\s*\}\)?|undefined|void 0|null|0|false)?\s*;?\s*\}?$")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
# Text in a template literal would have to be escaped, once for each template that it is in.
_FUNCTION = re.compile(r"function|^method_definition$|^class")
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
        NotRecognisedError: it is not JavaScript, or would not be afterwards.
    """
    if _NEEDS_ESCAPE.search(correction):
        raise ValueError("the correction has to be escaped")
    source = parse(content)
    if source.broken:
        raise NotRecognisedError("it is not valid JavaScript")
    replacements: list[Replacement] = []
    for shim, offset in [(source, 0), *_shims(source)]:
        _correct(shim, offset, correction, replacements)
    replacements.sort(key=lambda each: (each.start, each.end))
    text, end = "", 0
    for each in replacements:
        if each.start < end:
            raise NotRecognisedError("two places to correct overlap")
        text, end = text + source.text[end : each.start] + each.text, each.end
    text += source.text[end:]
    after = parse(text.encode())
    if after.broken or len(list(_shims(after))) != len(list(_shims(source))):
        raise NotRecognisedError("the shim in it would not be valid JavaScript afterwards")
    return text.encode()


def odd_shims(content: bytes) -> bool:
    """Whether a shim is left whose `scanStatusV2` has one answer for all, given in a way that is not corrected."""
    source = parse(content)
    shims = [(source, 0), *_shims(source)]
    texts = source.find({"any": [{"kind": "string"}, {"kind": "template_string"}], "regex": r"\.scanStatusV2\s*=[^=]"})
    read = {start - 1 for _shim, start in shims}
    unread = any(text.range().start.index not in read for text in texts)
    return unread or any(_answers_oddly(shim) for shim, _start in shims)


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


def _shims(source: Source, offset: int = 0) -> Iterator[tuple[Source, int]]:
    """The texts of shims in a file's template literals, and in theirs, each with where it begins."""
    for template in source.find({"kind": "template_string"}):
        inner = parse(_cooked(template).encode()) if "scanStatusV2" in template.text() else None
        if inner is not None and not inner.broken:
            start = offset + template.range().start.index + 1
            yield inner, start
            yield from _shims(inner, start)


def _correct(source: Source, offset: int, correction: str, replacements: list[Replacement]) -> None:
    """Collect what to replace in a shim."""
    assigned = source.find(_assignment("scanStatusV2"))
    for statement in assigned:
        if _answers_nothing(statement):
            name = _part(statement, "left", "object").text()
            replacements += _corrected(statement, offset, correction.replace(PLACEHOLDER, name).strip())
    if not assigned:
        return
    for statement in source.find(_assignment("scanStatus")):
        if _answers_nothing(statement):
            replacements.append(_instead(_alone(statement) or statement, offset, ""))
    for statement in source.find(_assignment("unsafeMode")):
        if not _guards(statement, "unsafeMode"):
            text = statement.text()
            guarded = f"if (!{_part(statement, 'left').text()}) "
            if not _in_a_list(statement):
                replacements.append(_instead(statement, offset, f"{{ {guarded}{text} }}"))
            else:
                start = offset + statement.range().start.index
                replacements.append(Replacement(start, start, guarded))
    for statement in source.find(_assignment("SQLITE_SCANSTAT_COMPLEX")):
        replacements.append(_instead(_part(statement, "right"), offset, "1"))


def _corrected(statement: SgNode, offset: int, correction: str) -> list[Replacement]:
    """The correction for a statement. No `if` that asks for a method may decide: a driver has one that never ends."""
    guards = _guards(statement, "scanStatus(V2)?")
    alone = _alone(statement)
    if alone is not None and len(guards) == 1:
        return [_instead(alone, offset, correction)]
    outermost: SgNode | None = guards[-1] if guards else None
    while outermost is not None and not _in_a_list(outermost):
        outermost = outermost.parent()
    # What asks for more decides of more, for instance whether there is a prototype at all.
    if outermost is None or any(re.search(r"&&|\|\|", _condition(guard)) for guard in guards):
        place = alone or statement
        return [_instead(place, offset, correction if _in_a_list(place) else f"{{\n{correction}\n}}")]
    # Behind it, since it changes what is asked for.
    end = offset + outermost.range().end.index
    return [_instead(statement, offset, ""), Replacement(end, end, f"\n{correction}")]


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
    return _is_empty(_part(statement, "right"))


def _is_empty(function: SgNode) -> bool:
    body = function.field("body")
    return body is not None and _EMPTY.match(_COMMENT.sub("", body.text())) is not None


def _answers_oddly(source: Source) -> bool:
    """Whether `scanStatusV2` is given one answer for all, but not by a statement of its own."""
    name = "^[\"']?scanStatusV2[\"']?$"
    member = {"kind": "member_expression", "has": {"field": "property", "regex": name}}
    key = {"kind": "subscript_expression", "has": {"field": "index", "regex": name}}
    plain = {"kind": "expression_statement"}
    rules: list[tuple[str, Rule]] = [
        ("right", {"kind": "assignment_expression", "has": {"field": "left", **member}, "not": {"inside": plain}}),
        ("right", {"kind": "assignment_expression", "has": {"field": "left", **key}}),
        ("value", {"kind": "pair", "has": {"field": "key", "regex": name}}),
        ("", {"kind": "method_definition", "has": {"field": "name", "regex": name}}),
    ]
    for field, rule in rules:
        for node in source.find(rule):
            value: SgNode | None = node.field(field) if field else node
            while value is not None and value.kind() == "assignment_expression":
                value = value.field("right")
            if value is not None and _is_empty(value):
                return True
    # SP.scanStatusV2 = SP.scanStatus = …: a statement, but not of a function.
    chained = source.find(_assignment("scanStatusV2"))
    if any(_part(each, "right").kind() == "assignment_expression" for each in chained):
        return True
    defined = {"kind": "call_expression", "regex": r"^(Object|Reflect)\.defineProperty\([^,]*,\s*[\"']scanStatusV2\b"}
    return bool(source.find(defined))


def _guards(statement: SgNode, name: str) -> list[SgNode]:
    """The `if`s around a statement, in the same function, that ask for the property before it is assigned."""
    found = []
    for node in statement.ancestors():
        if _FUNCTION.search(node.kind()):
            break
        if node.kind() == "if_statement" and re.search(rf"\b(?:{name})\b", _condition(node)):
            found.append(node)
    return found


def _condition(statement: SgNode) -> str:
    condition = statement.field("condition")
    return condition.text() if condition is not None else ""


def _alone(statement: SgNode) -> SgNode | None:
    """The `if` that asks for a property, and does nothing but assign it."""
    property_ = re.escape(_part(statement, "left", "property").text())
    guards = _guards(statement, property_)
    if not guards or guards[0].field("alternative") is not None or not _in_a_list(guards[0]):
        return None
    body = guards[0].field("consequence")
    if body is not None and body.kind() == "statement_block":
        inner = [child for child in body.children() if child.is_named() and child.kind() != "comment"]
        body = inner[0] if len(inner) == 1 else None
    return guards[0] if body is not None and body.range() == statement.range() else None


def _in_a_list(node: SgNode) -> bool:
    """Whether a statement stands among others, so that more than one may take its place, or none."""
    around = node.parent()
    return around is not None and around.kind() in ("program", "statement_block")


def _instead(node: SgNode, offset: int, text: str) -> Replacement:
    place = node.range()
    # Where a statement has to be, an empty one.
    blank = node.kind() in ("expression_statement", "if_statement") and not text and not _in_a_list(node)
    return Replacement(offset + place.start.index, offset + place.end.index, ";" if blank else text)


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
