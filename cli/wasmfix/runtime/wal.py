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
_SUMMED = 4096
"""Frames whose checksums are looked at: 100 µs each."""
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
    def big_endian(self) -> bool:
        """Of what the checksums are made of; they are big-endian themselves."""
        return bool(self.data[3] & 1)

    @property
    def checksum(self) -> bytes:
        return self.data[24:]

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


@dataclass(frozen=True)
class Damage:
    frame: int
    """The first whose checksum is not that of its content."""
    commits: int
    """That come after it."""


def find_damage(content: Content, good: int) -> Damage | None:
    """What a WAL holds beyond the `good` frames that recovery took.

    Recovery takes the first frame with a wrong checksum for the end. That is where a writer was killed, unless whole
    commits of the same use of the log come after it: then the frame was damaged later, or never reached the disk.
    """
    start = bytearray(HEADER_BYTES)
    content.read_into(memoryview(start), 0)
    header = parse_header(bytes(start))
    if header is None:
        return None
    commits = []
    for number in range(good + 1, header.frames(content.size()) + 1):
        frame = read_frame(content, header, number)
        # Frames of an earlier use of the log, which may follow, have other salts.
        if frame is not None and frame.database_pages and frame.salts == header.salts:
            commits.append(number)
    last = read_frame(content, header, good) if good else None
    checksum = last.checksum if last else header.checksum
    for number in range(good + 1, min(max(commits, default=0), good + _SUMMED) + 1):
        data = bytearray(header.frame_bytes)
        content.read_into(memoryview(data), HEADER_BYTES + (number - 1) * header.frame_bytes)
        summed = _checksum(data[:8] + data[FRAME_HEADER_BYTES:], struct.unpack(">II", checksum), header.big_endian)
        checksum = bytes(data[16:FRAME_HEADER_BYTES])
        if struct.pack(">II", *summed) != checksum or data[8:16] != header.salts:
            after = sum(each > number for each in commits)
            return Damage(number, after) if after else None
    return None


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
    return _checksum(data, (0, 0), big_endian)


def _checksum(data: bytes | bytearray, before: tuple[int, int], big_endian: bool) -> tuple[int, int]:
    """walChecksumBytes()."""
    first, second = before
    words = struct.unpack(f"{'>' if big_endian else '<'}{len(data) // 4}I", data)
    for i in range(0, len(words), 2):
        first = (first + words[i] + second) & 0xFFFFFFFF
        second = (second + words[i + 1] + first) & 0xFFFFFFFF
    return first, second
