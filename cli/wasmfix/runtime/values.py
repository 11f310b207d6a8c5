"""Values across the border: rows out of the buffer that C fills, parameters into it (wasm/c/engine.h, wf_buf).

A row is one tag byte a column, padded to 8, then 8 bytes a column. A parameter is 16 bytes: tag, owned, two unused,
index (from 1), and 8 bytes of value. A text or blob is address and length.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from wasmfix.runtime import codes
from wasmfix.runtime.codes import SqlError

if TYPE_CHECKING:
    from wasmfix.runtime.instance import Instance

Value: TypeAlias = int | float | str | bytes | None
"""What a column holds."""
Parameter: TypeAlias = int | float | str | bytes | bytearray | memoryview | None
Parameters: TypeAlias = Sequence[Parameter] | Mapping[str, Parameter]

NULL, INT32, DOUBLE, INT64, ASCII, UTF8, BLOB = range(7)

_CELL_BYTES = 16
_INT64 = struct.Struct("<q")
_DOUBLE = struct.Struct("<d")
_SPAN = struct.Struct("<II")
_MIN, _MAX = -(2**63), 2**63 - 1


def decode_rows(instance: Instance, cells: int, rows: int, columns: int, errors: str) -> list[tuple[Value, ...]]:
    """The rows of a buffer. `errors`: how text that is not UTF-8 is decoded, as for bytes.decode()."""
    tags_room = (columns + 7) & ~7
    stride = tags_room + 8 * columns
    data = instance.copy(cells, rows * stride)
    integers = struct.Struct(f"<{columns}q")
    result: list[tuple[Value, ...]] = []
    copy = instance.copy
    for start in range(0, rows * stride, stride):
        tags = data[start : start + columns]
        at = start + tags_room
        row: list[Value] = []
        for tag, number in zip(tags, integers.unpack_from(data, at), strict=True):
            if tag == INT64:
                row.append(number)
            elif tag == NULL:
                row.append(None)
            elif tag == ASCII:
                row.append(copy(number & 0xFFFFFFFF, (number >> 32) & 0xFFFFFFFF).decode("ascii"))
            elif tag == UTF8:
                row.append(copy(number & 0xFFFFFFFF, (number >> 32) & 0xFFFFFFFF).decode("utf-8", errors))
            elif tag == DOUBLE:
                row.append(_DOUBLE.unpack(_INT64.pack(number))[0])
            else:
                row.append(copy(number & 0xFFFFFFFF, (number >> 32) & 0xFFFFFFFF))
        result.append(tuple(row))
    return result


def arrange(names: Sequence[str | None], parameters: Parameters) -> list[tuple[int, Parameter]]:
    """Which parameter (index from 1) gets which value.

    Args:
        names: of the statement's parameters, with their prefix (`:id`); None for `?`.
        parameters: values in order, or by name without the prefix.

    Raises SqlError (SQLITE_RANGE) if they do not fit the statement, TypeError for what has neither order nor names.
    """
    if isinstance(parameters, Mapping):
        missing = [name or "?" for name in names if name is None or name[1:] not in parameters]
        if missing:
            raise SqlError(f"no value for parameter {missing[0]}", 25)
        return [(i, parameters[name[1:]]) for i, name in enumerate(names, 1) if name is not None]
    # A text is a sequence, too: of its characters, which nobody means.
    if not isinstance(parameters, Sequence) or isinstance(parameters, (str, bytes, bytearray, memoryview)):
        what = f"parameters are a list, a tuple or a mapping, not {type(parameters).__name__}"
        raise TypeError(f"{what}; write [value] for a single one")
    if len(parameters) != len(names):
        raise SqlError(f"the statement has {len(names)} parameters, and {len(parameters)} values were given", 25)
    return list(enumerate(parameters, 1))


def write_parameters(instance: Instance, buffer: int, values: Sequence[tuple[int, Parameter]]) -> None:
    """Put parameters into the buffer, for wf_bind() (which copies them)."""
    encoded = [_encode(index, value) for index, value in values]
    room = sum(_CELL_BYTES + len(data) for _, _, data in encoded)
    if room > instance.get_int(buffer + 20) and not instance.call("wf_buf_params", buffer, room):
        raise SqlError("out of memory", codes.NOMEM)
    at = instance.get_int(buffer + 16) & 0xFFFFFFFF
    cells = bytearray()
    heap = bytearray()
    heap_at = at + _CELL_BYTES * len(encoded)
    for index, tag, data in encoded:
        cells += struct.pack("<BBxxi", tag, 0, index)
        if tag in (UTF8, BLOB):
            cells += _SPAN.pack(heap_at + len(heap), len(data))
            heap += data
        else:
            cells += data.ljust(8, b"\0")
    instance.slice(at, len(cells) + len(heap))[:] = cells + heap


def _encode(index: int, value: Parameter) -> tuple[int, int, bytes]:
    if value is None:
        return index, NULL, b""
    if isinstance(value, int):
        if not _MIN <= value <= _MAX:
            raise SqlError(f"parameter {index} does not fit 64 bits", codes.TOOBIG)
        return index, INT64, _INT64.pack(value)
    if isinstance(value, float):
        return index, DOUBLE, _DOUBLE.pack(value)
    if isinstance(value, str):
        # Lone surrogates as native writes them: three bytes each.
        return index, UTF8, value.encode("utf-8", "surrogatepass")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return index, BLOB, bytes(value)
    raise SqlError(f"parameter {index} is a {type(value).__name__}, which SQLite has no type for", 20)
