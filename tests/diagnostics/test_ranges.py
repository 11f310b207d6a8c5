"""npm's own semver, which npm brings along, is the oracle."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path

import pytest

import nodejs
from wasmfix.project.ranges import satisfies

VERSIONS = ["0.0.3", "0.2.0", "0.2.5", "1.0.0", "1.0.15", "1.1.4", "1.2.0", "1.10.0", "2.0.0", "22.12.0", "20.19.1"]
RANGES = [
    *("^1.1.4", "^1.0", "^1", "^0.2.3", "^0.0.3", "^0", "^0.0", "~1.1.2", "~1.1", "~1", "~ 1.1.0"),
    *("1.1.4", "=1.1.4", "v1.1.4", "1.x", "1.1.x", "1", "*", "", "x", "1.*"),
    *(">=1.1.4", ">1.1.4", "<=1.1.4", "<1.1.4", ">1", ">1.1", "<=1", "<1", "<=1.1", ">= 1.1.0"),
    *(">=1.0.3 <1.2", ">=20 <23", "^18 || ^20 || >=22", "1.0.0 - 1.1.4", "1.0 - 1.1", ">=20.19.0 || >=22.12.0"),
]


def test_it_answers_as_npm_does() -> None:
    pairs = list(itertools.product(VERSIONS, RANGES))
    npm = Path(nodejs.npm()[1]).parent.parent / "node_modules" / "semver"
    script = f"const s = require({json.dumps(str(npm))}); console.log(JSON.stringify(JSON.parse(process.argv[1])"
    script += ".map(([version, range]) => s.satisfies(version, range))))"
    command = [nodejs.node(), "-e", script, json.dumps(pairs)]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert dict(zip(pairs, said, strict=True)) == {pair: satisfies(*pair) for pair in pairs}


@pytest.mark.parametrize("wanted", ["workspace:*", "npm:other@1", "https://example/x.tgz", "next", "file:../x"])
def test_what_is_no_range_is_not_judged(wanted: str) -> None:
    assert satisfies("1.1.4", wanted) is None


def test_what_is_no_version_is_not_judged() -> None:
    assert satisfies("latest", "^1.0.0") is None
