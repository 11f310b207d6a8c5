from __future__ import annotations

from pathlib import Path

import pytest

from wasmfix.errors import WasmfixError
from wasmfix.patching.catalogue import load_catalogue, load_patch

GOOD = """
id = "p"
title = "t"
symptom = "s"
cause = "c"
cure = "d"
order = 1
[[target]]
package = "x"
versions = ">=1"
[[file]]
path = "lib/index.js"
kind = "create"
payload = "index.js"
"""


def write(folder: Path, content: str) -> Path:
    patch = folder / "p"
    patch.mkdir()
    (patch / "patch.toml").write_text(content)
    (patch / "index.js").write_text("// @VERSION@\n")
    return patch


def test_our_own_catalogue_is_valid_and_in_order() -> None:
    catalogue = load_catalogue()
    assert {"missing-index", "stale-shim", "addon-loader"} <= {patch.id for patch in catalogue}
    assert [patch.order for patch in catalogue] == sorted(patch.order for patch in catalogue)


def test_a_payload_carries_our_version(tmp_path: Path) -> None:
    assert b"@VERSION@" not in load_patch(write(tmp_path, GOOD)).files[0].payload


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("order = 1", ""), "order is missing"),
        (("order = 1", 'order = "1"'), "order must be a whole number"),
        (("order = 1", "order = true"), "order must be a whole number"),
        (("order = 1", "order = 1\nextra = 2"), "extra is not known"),
        (("order = 1", 'order = 1\nengine = ["native"]'), "engine must list some of rebuild, shim"),
        (("order = 1", "order = 1\nengine = []"), "engine must list some of rebuild, shim"),
        (('versions = ">=1"', 'versions = "about 1"'), "target 1: versions is not a specifier: 'about 1'"),
        (('versions = ">=1"', ""), "target 1: versions is missing"),
        (('kind = "create"', 'kind = "mend"'), "file 1: kind must be one of rewrite, create, replace"),
        (('kind = "create"', 'kind = "rewrite"'), "file 1: payload belongs to the kind create or replace"),
        (('kind = "create"', 'kind = "replace"'), "file 1: needs [[file.recognise]]"),
        (('payload = "index.js"', ""), "file 1: payload is missing"),
        (('"index.js"', '"other.js"'), "file 1: payload names other.js, which cannot be read"),
        (('"index.js"', '"../q/index.js"'), "payload must be the name of a file beside patch.toml"),
        (('"lib/index.js"', '"../lib/index.js"'), "file 1: path must be a path in the package, not '../lib/index.js'"),
        (('"lib/index.js"', '"/etc/passwd"'), "file 1: path must be a path in the package"),
        (('"lib/index.js"', '".wasmfix/record.json"'), "file 1: path must be a path in the package"),
        (('"lib/index.js"', '"lib/*.js"'), "file 1: path cannot be a glob for the kind create"),
        (('id = "p"', 'id = "q"'), "the id 'q' is not the folder's name"),
        (
            ('kind = "create"', "kind = 'create'\nrecognise = [{ state = 'needed', name = 'n' }]"),
            "recognise 1: needs a rule",
        ),
        (("id =", "id"), "is not valid TOML"),
    ],
)
def test_a_wrong_patch_is_named_with_file_and_key(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    patch = write(tmp_path, GOOD.replace(*change))
    with pytest.raises(WasmfixError) as caught:
        load_patch(patch)
    assert message in str(caught.value)
    assert str(patch / "patch.toml") in str(caught.value)


def test_no_catalogue_says_so(tmp_path: Path) -> None:
    with pytest.raises(WasmfixError, match="has no patches; reinstall wasmfix"):
        load_catalogue(tmp_path)
