"""What is to be known of WAL files without an engine (sqlite.org/fileformat2.html#the_write_ahead_log; wal2: wal.c)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from wasmfix.runtime.files import Content, read_at

HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
VERSION_WAL2 = 3021000
SCHEMA_COOKIE_AT = 40

_MAGIC = 0x377F0682
_HEADER = struct.Struct(">IIII8s8s")
_FRAME = struct.Struct(">II8s8s")


@dataclass(frozen=True)
class WalHeader:
    data: bytes
    version: int
    page_size: int
    count: int
    """How often the log was begun anew; in wal2 mode it is even in `-wal`, odd in `-wal2`, and below 16."""
    salts: bytes

    @property
    def is_wal2(self) -> bool:
        return self.version >= VERSION_WAL2

    @property
    def frame_bytes(self) -> int:
        return FRAME_HEADER_BYTES + self.page_size

    def frames(self, size: int) -> int:
        """How many whole frames a WAL of `size` bytes has room for."""
        return max(0, size - HEADER_BYTES) // self.frame_bytes

    def ends_in_first_frame(self, size: int) -> bool:
        """Whether a WAL of `size` bytes has more than its header, and no whole frame."""
        return HEADER_BYTES < size < HEADER_BYTES + self.frame_bytes


@dataclass(frozen=True)
class Frame:
    page: int
    database_pages: int
    """Not 0: a commit, and so many pages has the database then."""
    salts: bytes
    checksum: bytes


def read_header(fd: int) -> WalHeader | None:
    """The header of a WAL; None if there is none that counts (walIndexRecoverOne())."""
    return parse_header(read_at(fd, HEADER_BYTES, 0))


def parse_header(data: bytes) -> WalHeader | None:
    if len(data) < HEADER_BYTES:
        return None
    magic, version, page_size, count, salts, checksum = _HEADER.unpack(data)
    if magic & 0xFFFFFFFE != _MAGIC or page_size & (page_size - 1) or not 512 <= page_size <= 65536:
        return None
    if struct.unpack(">II", checksum) != header_checksum(data[:24], big_endian=bool(magic & 1)):
        return None
    return WalHeader(data, version, page_size, count, salts)


def read_frame(content: Content, header: WalHeader, number: int) -> Frame | None:
    """The header of frame `number` (from 1), None beyond the end of the file."""
    offset = HEADER_BYTES + (number - 1) * header.frame_bytes
    data = bytearray(FRAME_HEADER_BYTES)
    if content.read_into(memoryview(data), offset) < FRAME_HEADER_BYTES:
        return None
    return Frame(*_FRAME.unpack(data))


def newest_schema_cookie(content: Content, header: WalHeader) -> int | None:
    """The largest schema cookie (header of page 1) in the WAL, None if page 1 is not in it."""
    newest: int | None = None
    number = 1
    while (frame := read_frame(content, header, number)) is not None and frame.salts == header.salts:
        if frame.page == 1:
            data = bytearray(4)
            at = HEADER_BYTES + (number - 1) * header.frame_bytes + FRAME_HEADER_BYTES + SCHEMA_COOKIE_AT
            if content.read_into(memoryview(data), at) == len(data):
                newest = max(newest or 0, int.from_bytes(data, "big"))
        number += 1
    return newest


def header_checksum(data: bytes, *, big_endian: bool) -> tuple[int, int]:
    """walChecksumBytes()."""
    first = second = 0
    words = struct.unpack(f"{'>' if big_endian else '<'}{len(data) // 4}I", data)
    for i in range(0, len(words), 2):
        first = (first + words[i] + second) & 0xFFFFFFFF
        second = (second + words[i + 1] + first) & 0xFFFFFFFF
    return first, second
