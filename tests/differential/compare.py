"""Compare two tagged answers (see tag.cjs) and say where they differ."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

# Last digits of libm: two correct libraries differ by a few units in the last place (2.2e-16 each).
LIBM = 1e-13


def differences(native: Any, engine: Any, where: str = "", *, near: bool = False) -> Iterator[str]:
    """One line for each place where the answers differ."""
    if near and isinstance(native, (int, float)) and isinstance(engine, (int, float)):
        if not math.isclose(native, engine, rel_tol=LIBM, abs_tol=5e-324):
            yield _line(where, native, engine)
        return
    if isinstance(native, dict) and isinstance(engine, dict) and native.keys() == engine.keys():
        for key in native:
            yield from differences(native[key], engine[key], f"{where}.{key}", near=near or key == "near")
    elif isinstance(native, list) and isinstance(engine, list) and len(native) == len(engine):
        for at, (one, other) in enumerate(zip(native, engine, strict=True)):
            yield from differences(one, other, f"{where}[{at}]", near=near)
    elif type(native) is not type(engine) or native != engine:
        yield _line(where, native, engine)


def observed(native: list[Any], engine: list[Any]) -> list[str]:
    """The differences between what one claim observed on each driver, observation by observation."""
    found: list[str] = []
    for at, ((label, one), (other_label, other)) in enumerate(zip(native, engine, strict=False)):
        if label != other_label:
            return [*found, _line(f"{at}: label", label, other_label)]
        found += [f"{at} {label!r}{line}" for line in differences(one, other)]
    if len(native) != len(engine):
        found.append(_line("number of observations", len(native), len(engine)))
    return found


def _line(where: str, native: Any, engine: Any) -> str:
    return f"{where}\n    native {_short(native)}\n    engine {_short(engine)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 600 else f"{text[:600]}… ({len(text)} characters)"
