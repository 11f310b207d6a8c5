"""Every compiler and linker flag of the engine, in one place.

Measured on zero-sqlite3 1.1.4 (size after stripping): ``-O2`` 1.65 MB; ``-Os`` 1.09 MB but table scans
27 % slower; link-time optimisation, a true ``-O3`` and SIMD gained no speed; ``wasm-opt -O3`` afterwards takes
0.2 MB off in 21 s, and is not worth a tool more. Memory instructions (``memory.copy``) as they are, switched off,
or left to the C library (``-fno-builtin-memcpy``, 14 KB smaller): no difference beyond the noise in ``bench/``.
``lime1`` is the WebAssembly of every current host without SIMD, which one of the two Python hosts refuses.
"""

from __future__ import annotations

ENGINE_ABI = 1
"""Part of every cache key: raise it when a change here or in :mod:`wasmfix.engine.build` alters the output
in a way that no flag, source or version shows."""

OPTIMISE = ("-O2",)  # zig lowers a plain -O3 to -O2 anyway

COMPILE = (
    *OPTIMISE,
    # zig's default is -fsanitize=undefined with traps: three times slower, and SQLite is no place to trap.
    "-fno-sanitize=all",
    # Nothing unwinds through C: an import never throws, see wasm/js.
    "-fno-exceptions",
    "-fno-asynchronous-unwind-tables",
    "-fno-stack-protector",
    # One section for each function, so that the linker can drop what no export reaches.
    "-ffunction-sections",
    "-fdata-sections",
    # No path of the building machine may reach the output: two machines build the same bytes.
    "-g0",
)

C_AMALGAMATION = ("-std=gnu11", "-w")
"""The amalgamation's own warnings are SQLite's affair."""

C_KEEP_WAL = ("-include", "wasmfix-keep-wal.h", "-DSQLITE_OMIT_LOAD_EXTENSION=1")
KEEP_WAL = (("wasmfix-keep-wal.h", b"#include <stdio.h>\n#undef __wasi__\n"),)
"""For an amalgamation that leaves the WAL out when compiled for WASI, as SQLite's do up to 3.46: there is no shared
memory for its own VFS. For ours there is. The C library's headers want to know that it is WASI, so they come first."""

C_OWN = ("-std=c99", "-Wall", "-Wextra")

# The package's file is made to be included after the standard headers of its addon, and uses NULL.
CXX = ("-std=c++20", "-fno-rtti", "-w", "-include", "stddef.h")

LINT = ("-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Werror")

LINK = (
    *OPTIMISE,
    "-mexec-model=reactor",
    "-Wl,--import-memory",
    # One page short of 4 GiB: zig reads the number into 32 bits.
    "-Wl,--max-memory=4294901760",
    # zig itself puts the stack below the data (--stack-first, which it refuses to be told): an overflow traps
    # instead of writing over SQLite's globals.
    "-Wl,-z,stack-size=1048576",
    "-Wl,--gc-sections",
    "-Wl,--strip-all",
)

ZIG_TARGET = ("--target=wasm32-wasi", "-mcpu=lime1")

EMCC_COMPILE = ("-mcpu=lime1",)

EMCC_LINK = (
    *OPTIMISE,
    "--no-entry",
    "-sSTANDALONE_WASM=1",
    "-sIMPORTED_MEMORY=1",
    "-sALLOW_MEMORY_GROWTH=1",
    "-sINITIAL_MEMORY=16777216",
    "-sMAXIMUM_MEMORY=4294967296",
    "-sSTACK_SIZE=1048576",
    # Our imports are declared in C (import_module, import_name): none of them is known to Emscripten.
    "-sERROR_ON_UNDEFINED_SYMBOLS=0",
    "-sFILESYSTEM=0",
)

MAX_SIZE = 8 * 1024 * 1024
MIN_SIZE = 256 * 1024
"""Bytes. A module outside these bounds is not an engine, whatever the linker's exit code said."""
