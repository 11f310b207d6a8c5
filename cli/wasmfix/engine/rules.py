"""Which of a package's compile-time defines the engine takes over, and why not the others.

The engine must have the features of the package that it replaces, so a define passes unchanged unless a rule
below says otherwise. A rule is data: a pattern over the define's name, what becomes of it, and the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """Drop each define whose whole name matches ``pattern``."""

    pattern: str
    reason: str

    def matches(self, name: str) -> bool:
        return re.fullmatch(self.pattern, name) is not None


@dataclass(frozen=True)
class Dropped:
    define: str
    reason: str


DROP: tuple[Rule, ...] = (
    Rule(
        r"SQLITE_OS_(UNIX|WIN|WINRT|WINCE|KV|OTHER)",
        "the file system is ours: the engine is built with SQLITE_OS_OTHER=1",
    ),
    Rule(
        r"SQLITE_(MAX|DEFAULT)_MMAP_SIZE",
        "WebAssembly memory cannot map a file",
    ),
    Rule(
        r"SQLITE_MUTEX_(PTHREADS|W32|APPDEF|NOOP)",
        "an engine instance has one thread; workers have an instance each",
    ),
    Rule(
        r"SQLITE_ENABLE_LOCKING_STYLE|SQLITE_ENABLE_SETLK_TIMEOUT|SQLITE_UNLINK_AFTER_CLOSE",
        "belongs to SQLite's Unix VFS, which is not in the engine",
    ),
    Rule(
        r"_?WIN32(_.*)?|SQLITE_WIN32_.*|_CRT_.*|UNICODE|_UNICODE",
        "belongs to Windows",
    ),
    Rule(
        r"SQLITE_ENABLE_ICU|SQLITE_ICU_.*",
        "needs the ICU libraries, which do not exist for WebAssembly without a compiler of their own",
    ),
    Rule(
        r"SQLITE_HAVE_ZLIB|SQLITE_ENABLE_ZIPVFS",
        "needs zlib, which is not in the package",
    ),
    Rule(
        r"HAVE_(READLINE|EDITLINE|LINENOISE)",
        "belongs to the command-line shell",
    ),
    Rule(
        r"HAVE_LOCALTIME_[RS]|localtime_r",
        "local time comes from the host: wasi-libc only knows UTC",
    ),
    Rule(
        r"HAVE_(DLOPEN|MALLOC_H|MALLOC_USABLE_SIZE|STRCHRNUL|PREAD64|PWRITE64|POSIX_FALLOCATE)",
        "says what the C library of another platform has",
    ),
    Rule(
        r"N?DEBUG|_DEBUG",
        "the engine is a release build",
    ),
)

ADD: tuple[tuple[str, str], ...] = (
    ("SQLITE_OS_OTHER=1", "the VFS is in wasm/c and its host"),
    ("localtime_r=wf_localtime_r", "local time comes from the host: wasi-libc only knows UTC"),
    ("HAVE_LOCALTIME_R=1", "so that SQLite calls it"),
    ("strcspn=wf_strcspn", "wasi-libc's costs a quarter of a scan with LIKE; ours is in wasm/c/libc.c"),
    ("NDEBUG", "as in the package's own release configuration (deps/common.gypi)"),
)

UNICODE_CASE = "WASMFIX_UNICODE_CASE=1"
"""Told to our C when the package brings its own Unicode ``lower`` and ``upper``."""


def name_of(define: str) -> str:
    return define.partition("=")[0]


def apply_rules(defines: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Dropped, ...]]:
    """What to compile with, in the package's order, and what was left out."""
    kept: dict[str, str] = {}  # a later definition of a name wins, as it does for a compiler
    dropped: list[Dropped] = []
    for define in defines:
        name = name_of(define)
        rule = next((rule for rule in DROP if rule.matches(name)), None)
        if rule is None:
            kept[name] = define
        else:
            dropped.append(Dropped(define, rule.reason))
    for define, _why in ADD:
        kept[name_of(define)] = define
    return tuple(kept.values()), tuple(dropped)
