"""The contract of the addon, area by area: native and engine are asked the same and answer the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from differential.compare import observed
from differential.drivers import Answer, listed

BOTH = [(area, claim) for area, claims in listed().items() if area.startswith("claims/") for claim in claims]
ENGINE = [(area, claim) for area, claims in listed().items() if area.startswith("engine/") for claim in claims]


def ids(claims: list[tuple[str, str]]) -> list[str]:
    return [f"{area.split('/')[1]}: {claim}" for area, claim in claims]


@pytest.mark.parametrize(("area", "claim"), BOTH, ids=ids(BOTH))
def test_the_engine_answers_as_native(
    area: str, claim: str, answers: Callable[[str], tuple[dict[str, Answer], dict[str, Answer]]]
) -> None:
    native, engine = (answered[claim] for answered in answers(area))
    assert native.failure is None, f"the claim itself is wrong, native fails: {native.failure}"
    assert engine.failure is None, f"only the engine fails: {engine.failure}"
    found = observed(native.observations, engine.observations)
    assert not found, f"{len(found)} differences\n" + "\n".join(found[:10])


@pytest.mark.parametrize(("area", "claim"), ENGINE, ids=ids(ENGINE))
def test_the_engine_keeps_its_own_promise(
    area: str, claim: str, engine_answers: Callable[[str], dict[str, Answer]]
) -> None:
    answer = engine_answers(area)[claim]
    assert answer.failure is None, answer.failure
