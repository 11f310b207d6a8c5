"""Run random programs on both drivers, each in one long-lived Node process (programs.cjs)."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from differential.compare import differences
from differential.drivers import HERE, Driver

# A fresh process has nothing allocated yet and little memory: the first call of each kind is where an engine may
# hold on to what has moved. So processes are replaced often.
PROGRAMS_A_PROCESS = 50

Value = dict[str, str] | None
Program = dict[str, Any]


@dataclass
class Interpreter:
    """A Node process that answers one line for each program; a new one now and then, and after a crash."""

    driver: Driver
    process: subprocess.Popen[str] | None = field(default=None)
    answered: int = 0

    def answer(self, program: Program) -> Any:
        if self.process is None:
            self.process = subprocess.Popen(
                self.driver.command(HERE / "programs.cjs"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                env=self.driver.environment(),
            )
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(program) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.process = None
            return {"ended": code}
        self.answered += 1
        if self.answered % PROGRAMS_A_PROCESS == 0:
            self.close()
        return json.loads(line)

    def close(self) -> None:
        if self.process is not None:
            self.process.communicate()
            self.process = None


@dataclass(frozen=True)
class Both:
    """The two drivers, asked the same."""

    native: Interpreter
    engine: Interpreter

    def agree(self, program: Program) -> None:
        native, engine = self.native.answer(program), self.engine.answer(program)
        assert isinstance(native, list), f"the program itself is wrong: {native}"
        found = list(differences(native, engine))
        assert not found, f"{len(found)} differences in {json.dumps(program)}\n" + "\n".join(found[:5])


def utf16(units: list[int]) -> Value:
    return {"s": b"".join(unit.to_bytes(2, "little") for unit in units).hex()}


# UTF-16 code units, not characters: half a pair is a string in JavaScript.
SPECIAL_UNITS = [0, 0xE9, 0x20AC, 0xD83D, 0xDE42, 0xD800, 0xDFFF, 0xFEFF, 0xFFFF]
units = st.one_of(st.integers(0x20, 0x7E), st.sampled_from(SPECIAL_UNITS), st.integers(0, 0xFFFF))
numerals = st.from_regex(r"\A[-+]?[0-9]{0,20}(\.[0-9]{0,3})?(e[-+]?[0-9]{1,3})?\Z")
texts = st.one_of(st.lists(units, max_size=12), numerals.map(lambda text: [ord(sign) for sign in text])).map(utf16)
numbers = st.floats().map(lambda number: {"n": repr(number).replace("inf", "Infinity").replace("nan", "NaN")})
small = st.integers(-3, 12).map(lambda number: {"n": str(number)})
powers = st.sampled_from([1 << 31, 1 << 32, 1 << 47, 1 << 53, 1 << 62, 1 << 63])
edges = st.builds(lambda power, off, sign: sign * (power + off), powers, st.integers(-2, 2), st.sampled_from([1, -1]))
integers = st.one_of(st.integers(-(1 << 63), (1 << 63) - 1), edges)
bigints = integers.map(lambda number: {"i": str(number)})
blobs = st.binary(max_size=20).map(lambda data: {"b": data.hex()})
values: st.SearchStrategy[Value] = st.one_of(st.none(), small, numbers, bigints, texts, blobs)
