"""Which defines reach the compiler."""

from __future__ import annotations

import pytest

from wasmfix.engine.rules import ADD, DROP, apply_rules, name_of


def test_a_feature_passes_unchanged_and_in_order() -> None:
    features = (
        "SQLITE_ENABLE_FTS5",
        "SQLITE_THREADSAFE=2",
        "SQLITE_DEFAULT_CACHE_SIZE=-16000",
        "SQLITE_SOMETHING_NEW=7",
    )
    kept, dropped = apply_rules(features)
    assert kept[: len(features)] == features
    assert dropped == ()


@pytest.mark.parametrize(
    "define",
    [
        "SQLITE_OS_UNIX=1",
        "SQLITE_MAX_MMAP_SIZE=1000000",
        "SQLITE_MUTEX_PTHREADS",
        "SQLITE_ENABLE_ICU",
        "WIN32",
        "SQLITE_WIN32_MALLOC=1",
        "HAVE_LOCALTIME_S=1",
        "SQLITE_HAVE_ZLIB=1",
        "DEBUG",
    ],
)
def test_what_webassembly_cannot_do_is_left_out_with_a_reason(define: str) -> None:
    kept, dropped = apply_rules((define,))
    assert define not in kept
    assert [item.define for item in dropped] == [define]
    assert len(dropped[0].reason) > 10


def test_a_rule_matches_whole_names_only() -> None:
    kept, dropped = apply_rules(("SQLITE_ENABLE_ICU_COLLATIONS_OF_MY_OWN", "MY_DEBUG=1"))
    assert dropped == ()
    assert kept[:2] == ("SQLITE_ENABLE_ICU_COLLATIONS_OF_MY_OWN", "MY_DEBUG=1")


def test_our_own_defines_win_and_are_never_dropped_twice() -> None:
    kept, _ = apply_rules(("HAVE_LOCALTIME_R=0", "SQLITE_OS_OTHER=0"))
    names = [name_of(define) for define in kept]
    assert len(names) == len(set(names))
    assert {define for define, _why in ADD} <= set(kept)


def test_the_last_definition_of_a_name_counts() -> None:
    kept, _ = apply_rules(("SQLITE_DQS=3", "SQLITE_DQS=0"))
    assert [define for define in kept if define.startswith("SQLITE_DQS")] == ["SQLITE_DQS=0"]


def test_every_rule_gives_a_reason() -> None:
    assert all(rule.reason for rule in DROP)
    assert all(why for _define, why in ADD)
