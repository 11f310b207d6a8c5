"""A small catalogue for a small package."""

from __future__ import annotations

from pathlib import Path

from trees import write_package

NAME = "bedrock-sqlite"
SOURCE = "const limit=100;class Driver{one(a,b){return[]}two(){return 2}}\n"
FILES = {"dist/driver.js": SOURCE, "native/a.js": SOURCE, "native/b.js": "// nothing of the kind\n", "dist/x.wasm": "?"}

_HEAD = """
id = "{id}"
title = "t"
symptom = "s"
cause = "c"
cure = "d"
order = {order}
engine = ["{mode}"]
[[target]]
package = "bedrock-sqlite"
versions = ">=1"
"""
_LIMIT = """
[[file]]
path = "{path}"
kind = "rewrite"
required = {required}
[[file.recognise]]
state = "original"
name = "no limit"
once = [{{ pattern = "const limit=0" }}]
[[file.place]]
name = "the limit"
at_least = 1
replace = "const limit=0;"
rule = {{ pattern = "const limit=$VALUE" }}
"""
_END = """
[[file]]
path = "{path}"
kind = "rewrite"
required = {required}
[[file.recognise]]
state = "applied"
name = "ends"
once = [{{ kind = "comment", regex = "0" }}]
[[file.place]]
name = "the end"
at_least = 1
replace = "one($$$A){{/* 0 */return undefined}}"
rule = {{ pattern = {{ context = "class A{{one($$$A){{return[]}}}}", selector = "method_definition" }} }}
"""
_ENGINE = """
[[file]]
path = "wasmfix"
kind = "engine"
source = "project"
copies = ["dist/*.wasm"]
[[file]]
path = "dist/driver.js"
kind = "replace"
payload = "driver.js"
[[file.recognise]]
state = "needed"
name = "a driver"
once = [{ kind = "class_declaration" }]
"""


def write_driver(folder: Path) -> Path:
    """A package that all three patches are about."""
    return write_package(folder, NAME, "1.0.0", FILES)


SHIM_ONLY = ("limit", "end")


def write_catalogue(folder: Path, ids: tuple[str, ...] = ("limit", "end", "whole")) -> Path:
    files = [("dist/driver.js", "true"), ("native/*.js", "false")]
    contents = {
        "limit": _HEAD.format(id="limit", order=1, mode="shim")
        + "".join(_LIMIT.format(path=path, required=required) for path, required in files),
        "end": _HEAD.format(id="end", order=2, mode="shim")
        + "".join(_END.format(path=path, required=required) for path, required in files),
        "whole": _HEAD.format(id="whole", order=3, mode="rebuild") + _ENGINE,
    }
    for name in ids:
        (folder / name).mkdir(parents=True)
        (folder / name / "patch.toml").write_text(contents[name])
        (folder / name / "driver.js").write_text("module.exports = require('../wasmfix/addon.cjs');\n")
    return folder
