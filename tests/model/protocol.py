"""The protocol of docs/locks.md as a model: files shared by instances, and what an instance does with them.

An instance is a Python generator. Each `yield` is one file operation, a request like `("write_row", …)`; what
`Files` answers comes back as the value of the `yield`. Between two of them an instance does only what concerns
itself, so other instances need to be considered only there. checker.py makes the state graph of it.

Names are those of wal.c and of wasm/js. Sizes are the smallest that show every case: a database of two pages, a tail of
one frame, two read marks (wal), a WAL file that is full after two frames (wal2).

A transaction n (1, 2, …) writes n into page A and, if it is a wide one, into page B, in frames of their own. So what a
snapshot must show follows from n, and a lost commit is an n used twice.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, NamedTuple

Request = tuple[Any, ...]
Steps = Generator[Request, Any, Any]

WRITE, CKPT, RECOVER, READ0, READ1, READ2, READ3, READ4, SHARED_DB, ATTACHED = range(10)
FREE, SHARED, EXCLUSIVE = "0", "1", "2"
NOTHING = FREE * 10
OPENED = FREE * 8 + SHARED * 2
A, B = 0, 1
NOT_USED = 99
TAIL = 1
WAL2_FULL = 2
MARKS = {READ1: 1, READ2: 2}
"""Slot and its place among the words: nBackfill is at 0."""

RULES = {
    "words first": "publish() writes the words before the header (2)",
    "pages first": "publish() writes page numbers that the tail has no room for before the header",
    "tail is flushed": "page numbers that leave the tail go to -shm",
    "tail of the other WAL": "when wal2 switches, what the tail has of the other WAL goes to -shm",
    "head read again": "the head is read again if the first read shows a change (3)",
    "counter": "a release between the two parts of the merged read shows in the row's counter",
    "owner": "a row that has changed hands shows, even with the same slots and counter",
    "announce first": "a lock is written into the own row before the others are looked at",
    "refresh always": "a lock that is granted within the instance refreshes, too (5)",
    "raised marks stay": "a mark raised under a SHARED slot is not published",
    "not over an unused mark": "a mark is not raised over READMARK_NOT_USED",
    "settle": "raised marks are settled when the own checkpointer gets CKPT",
    "mark goes back": "the mirror's raised mark goes back with the lock in the table",
    "cached is held": "a cached read lock stays in the table",
    "look ahead": "WRITE that is taken ahead refreshes, since the cached read lock after it does not",
    "recovery byte": "breaking a row that had WRITE, CKPT, RECOVER asks for recovery (6)",
    "byte before row": "the recovery byte is set before the dead owner's row is cleared",
    "index before WAL": "the index that has no frames is published before the WAL is emptied",
    "recoveries counted": "who asks for recovery counts it, so that nobody goes on from the frames that he has (14)",
    "refresh when exclusive": "an exclusive lock on the database refreshes fully (1)",
    "first opener": "the first opener clears the head (7)",
    "all or nothing": "exclusive locks on several slots look at all of them (10)",
}


class InvariantError(Exception):
    """An invariant does not hold."""


class Hdr(NamedTuple):
    """struct WalIndexHdr. `n`, the last transaction, stands for iChange and aFrameCksum."""

    cur: int
    mx: tuple[int, int]
    salt: int
    n: int


class Row(NamedTuple):
    """A row of the lock table: one write() of its own instance changes slots and counter together."""

    owner: int
    slots: str
    counter: int


class Frame(NamedTuple):
    salt: int
    page: int
    n: int
    commit: bool


class Wal(NamedTuple):
    """A WAL file: checkpoint sequence and salt from its header. Frames of another salt are of an earlier life."""

    ckpt: int
    salt: int
    frames: tuple[Frame, ...]


Pages = tuple[tuple[int, ...], tuple[int, ...]]
Tail = tuple[int, tuple[int, ...]]
"""Of the current WAL: up to which frame -shm has the page numbers, and those of the frames after it."""


def put(values: Any, at: int, value: Any) -> Any:
    """A tuple with one value changed."""
    return (*values[:at], value, *values[at + 1 :])


def put_slots(slots: str, at: tuple[int, ...], mode: str) -> str:
    return "".join(mode if i in at else c for i, c in enumerate(slots))


class Recovered(NamedTuple):
    hdr: Hdr
    pages: Pages


def last_commit(wal: Wal | None) -> tuple[int, tuple[Frame, ...]]:
    """walIndexRecoverOne: the valid frames of a file, up to its last commit."""
    frames: tuple[Frame, ...] = ()
    if wal is not None:
        for at, frame in enumerate(wal.frames):
            if frame.salt != wal.salt:
                break
            if frame.commit:
                frames = wal.frames[: at + 1]
    return len(frames), frames


class Files(NamedTuple):
    """What is on disk, who lives, and the ghosts that invariants need."""

    wal2: bool
    words: tuple[int, int, int]
    hdr: Hdr | None
    tail: Tail
    rec: bool
    rows: tuple[Row, ...]
    shm: Pages
    wals: tuple[Wal | None, Wal | None]
    db: tuple[int, int]
    alive: tuple[bool, ...]
    mutex: int
    """Who has it: one that breaks a row."""
    visible: int
    """Ghost: the last transaction that was acknowledged or read."""
    truth: tuple[int, ...]
    """Ghost: page B after each transaction."""
    recoveries: int = 0
    """Part of the head."""

    # What an instance may ask for: do(name)(files, me, *arguments) → (files, answer).

    def do_read_head(self, me: int) -> tuple[Files, Any]:
        """The first part of the merged read. The words may be older than the header; see do_read_words."""
        return self, (self.rec, self.words, self.hdr, self.tail, self.recoveries)

    def do_read_words(self, me: int) -> tuple[Files, Any]:
        return self, (self.rec, self.words)

    def do_read_hdr(self, me: int) -> tuple[Files, Any]:
        return self, (self.hdr, self.tail, self.recoveries)

    def do_read_rows(self, me: int) -> tuple[Files, Any]:
        return self, self.rows

    def do_write_row(self, me: int, row: int, slots: str, counter: int, ack: int = 0) -> tuple[Files, Any]:
        """`ack`: with this release a COMMIT returns."""
        mine = self.rows[row]._replace(slots=slots, counter=counter)
        return self._replace(rows=put(self.rows, row, mine), visible=max(self.visible, ack)), None

    def do_write_word(self, me: int, at: int, value: int) -> tuple[Files, Any]:
        return self._replace(words=put(self.words, at, value)), None

    def do_write_hdr(self, me: int, hdr: Hdr | None, tail: Tail, recoveries: int) -> tuple[Files, Any]:
        return self._replace(hdr=hdr, tail=tail, recoveries=recoveries), None

    def do_clear_head(self, me: int) -> tuple[Files, Any]:
        return self._replace(words=(0, 0, 0), hdr=None, tail=(0, ()), recoveries=0, rec=False, shm=((), ())), None

    def do_write_rec(self, me: int) -> tuple[Files, Any]:
        return self._replace(rec=True), None

    def do_begin(self, me: int) -> tuple[Files, Any]:
        """Ghost: what a snapshot that begins now must at least show."""
        return self, self.visible

    def do_pause(self, me: int) -> tuple[Files, Any]:
        """The busy handler."""
        return self, None

    def do_clear_rec(self, me: int) -> tuple[Files, Any]:
        return self._replace(rec=False), None

    def do_write_shm(self, me: int, wal: int, at: int, pages: tuple[int, ...]) -> tuple[Files, Any]:
        old = self.shm[wal]
        old += (-1,) * (at - len(old))
        return self._replace(shm=put(self.shm, wal, old[:at] + pages + old[at + len(pages) :])), None

    def do_read_shm(self, me: int, wal: int) -> tuple[Files, Any]:
        return self, self.shm[wal]

    def do_break(self, me: int, row: int, owner: int, what: str) -> tuple[Files, Any]:
        """`look` whether the owner is dead, and take the mutex; then set the `byte`, and clear the `row`."""
        mine = self.rows[row]
        if what == "look":
            if mine.owner == owner and self.alive[owner]:
                return self, False
            if self.mutex not in (-1, me) and self.alive[self.mutex]:
                return self, None
            return self._replace(mutex=me), True
        if what == "byte":
            publishing = mine.owner == owner and EXCLUSIVE in (mine.slots[: RECOVER + 1] + mine.slots[SHARED_DB])
            return self._replace(rec=self.rec or publishing), None
        rows = put(self.rows, row, Row(-1, NOTHING, 0)) if mine.owner == owner else self.rows
        return self._replace(rows=rows, mutex=-1), None

    def do_is_free(self, me: int, mine: int, slot: int) -> tuple[Files, Any]:
        """A glance: does nobody else seem to have the slot?"""
        rivals = (r for at, r in enumerate(self.rows) if at != mine and r.owner >= 0 and r.slots[slot] != FREE)
        return self, not any(self.alive[r.owner] for r in rivals)

    def do_join(self, me: int) -> tuple[Files, Any]:
        """A row that nobody has, under the mutex."""
        for at, row in enumerate(self.rows):
            if row.owner < 0:
                return self._replace(rows=put(self.rows, at, Row(me, NOTHING, 0))), at
        return self, None

    def do_leave(self, me: int, row: int) -> tuple[Files, Any]:
        return self._replace(rows=put(self.rows, row, Row(-1, NOTHING, 0))), None

    def do_wal_header(self, me: int, wal: int, salt: int) -> tuple[Files, Any]:
        """The first frame of a file's new life needs a header; in wal2 it says which file is the later one."""
        old, other = self.wals[wal], self.wals[1 - wal]
        ckpt = (other.ckpt + 1 if other is not None else 0) if self.wal2 else 0
        new = Wal(ckpt, salt, old.frames if old is not None else ())
        return self._replace(wals=put(self.wals, wal, new)), None

    def do_append(self, me: int, wal: int, at: int, frame: Frame) -> tuple[Files, Any]:
        file = self.wals[wal]
        if file is None:
            raise InvariantError("a frame goes into a WAL that is not there")
        files = self._replace(
            wals=put(self.wals, wal, file._replace(frames=(*file.frames[:at], frame, *file.frames[at + 1 :])))
        )
        if not frame.commit:
            return files, None
        if frame.n <= self.visible:
            raise InvariantError(f"transaction {frame.n} is lost: another one of that number is written")
        wide = at > 0 and file.frames[at - 1].n == frame.n
        return files._replace(truth=(*self.truth[: frame.n], frame.n if wide else self.truth[frame.n - 1])), None

    def do_page(self, me: int, page: int, wal: int, frame: int, n: int) -> tuple[Files, Any]:
        """A page of snapshot n is read: from a frame (counted from 1), or from the database (0)."""
        if frame == 0:
            value = self.db[page]
        else:
            file = self.wals[wal]
            if file is None or frame > len(file.frames):
                raise InvariantError(f"snapshot {n}: frame {frame} is gone")
            value = file.frames[frame - 1].n
        expected = n if page == A else self.truth[n]
        if value != expected:
            raise InvariantError(f"snapshot {n} reads {value} in page {'AB'[page]}, not {expected}")
        return self._replace(visible=max(self.visible, n)), None

    def do_backfill(self, me: int, page: int, wal: int, frame: int) -> tuple[Files, Any]:
        file = self.wals[wal]
        if file is None or frame > len(file.frames):
            raise InvariantError(f"the checkpointer reads frame {frame}, which is gone")
        return self._replace(db=put(self.db, page, file.frames[frame - 1].n)), None

    def do_scan(self, me: int) -> tuple[Files, Any]:
        return self, self.recover()

    def do_empty_wal(self, me: int, wal: int) -> tuple[Files, Any]:
        return self._replace(wals=put(self.wals, wal, None)), None

    def do_delete_wal(self, me: int, wal: int) -> tuple[Files, Any]:
        return self._replace(wals=put(self.wals, wal, None)), None

    # What is looked at from outside.

    def recover(self) -> Recovered:
        """walIndexRecover, without its locks."""
        (m0, frames0), (m1, frames1) = last_commit(self.wals[0]), last_commit(self.wals[1])
        pages = (tuple(f.page for f in frames0), tuple(f.page for f in frames1))
        first, second = self.wals
        if not self.wal2:
            return Recovered(Hdr(0, (m0, 0), first.salt if first else 0, frames0[-1].n if m0 else self.db[A]), pages)
        n0, n1 = frames0[-1].n if m0 else self.db[A], frames1[-1].n if m1 else self.db[A]
        salt0, salt1 = first.salt if first else 0, second.salt if second else 0
        ckpt0, ckpt1 = first.ckpt if first else -1, second.ckpt if second else -1
        only0, only1 = Hdr(0, (m0, 0), salt0, n0), Hdr(1, (0, m1), salt1, n1)
        if second is None or first is None:
            return Recovered(only0 if second is None else only1, pages)
        if ckpt1 == ckpt0 + 1:
            return Recovered(Hdr(1, (m0, m1), salt1, n1) if m1 and salt1 == n0 else only0, pages)
        if ckpt0 == ckpt1 + 1:
            return Recovered(Hdr(0, (m0, m1), salt0, n0) if m0 and salt0 == n1 else only1, pages)
        return Recovered(only0 if ckpt0 <= ckpt1 else only1, pages)

    def check(self) -> None:
        """What must hold of the files at every moment, if everybody died now."""
        hdr, _ = self.recover()
        values = list(self.db)
        for wal in (1 - hdr.cur, hdr.cur):
            file = self.wals[wal]
            for frame in file.frames[: hdr.mx[wal]] if file else ():
                values[frame.page] = frame.n
        if values[A] < self.visible:
            raise InvariantError(f"transaction {self.visible} is lost on disk: {values[A]} is the last one there")
        if values[B] != self.truth[values[A]]:
            raise InvariantError(f"half of transaction {values[A]} is on disk")
        if self.hdr is None:
            return
        for wal in (0, 1):
            file = self.wals[wal]
            if file is None or (wal == self.hdr.cur and file.salt != self.hdr.salt):
                continue
            at, tail = self.tail if wal == self.hdr.cur else (self.hdr.mx[wal], ())
            known = (self.shm[wal][:at] + tail)[: self.hdr.mx[wal]]
            if known != tuple(f.page for f in file.frames[: self.hdr.mx[wal]]):
                raise InvariantError(
                    f"the header has {self.hdr.mx[wal]} frames, -shm and tail do not have their page numbers"
                )


@dataclass
class Connection:
    """struct Wal, as far as it matters."""

    hdr: Hdr | None = None
    lock: int = -1
    min_frame: int = 1
    writing: bool = False


class Instance:
    """One engine: mirror, shadow, lock row, connections. All attributes are immutable values: they are its state."""

    def __init__(self, me: int, files: Files, without: frozenset[str], *, caching: bool, joined: bool) -> None:
        self.me = me
        self.row = me if joined else -1
        self.without = without
        self.wal2 = files.wal2
        self.held = OPENED if joined else NOTHING
        self.counter = 0
        self.view = self.others(files.rows)
        self.readers = (0,) * 8
        self.exclusive = (False,) * 8
        self.raised_marks = (False,) * 3
        """Marks that are higher in the mirror than in the file."""
        self.virtual = -1
        """The read slot that is exclusive only within this instance."""
        self.caching = caching
        self.ahead = False
        """WRITE is held in the table, and no connection has it yet."""
        self.finished = False
        """Others have finished a checkpoint since a reader of ours last chose its slot."""
        self.writing = False
        self.closing = False
        self.rec = False
        self.known: Hdr | None = files.hdr if joined else None
        """The shadow: header, tail and words as last seen in the file, or written there."""
        self.tail: Tail = files.tail if joined else (0, ())
        self.shadow = files.words if joined else (0, 0, 0)
        self.recoveries = files.recoveries if joined else 0
        self.hdr = self.known
        self.words = self.shadow
        self.pages: Pages = files.shm if joined else ((), ())
        self.ack = 0

    def has(self, rule: str) -> bool:
        return rule not in self.without

    # Lock table (lock-table.js).

    def write_row(self) -> Steps:
        yield ("write_row", self.row, self.held, self.counter, self.ack)
        self.ack = 0

    def read_head(self) -> Steps:
        rec, words = yield ("read_words",)
        hdr, tail, recoveries = yield ("read_hdr",)
        return (rec, words, hdr, tail, recoveries)

    def look(self) -> Steps:
        """The merged read: one read of head and rows, which is not atomic. The rows, and the head as of then."""
        head = yield from self.read_head()
        rows = yield ("read_rows",)
        view = self.others(rows)
        changed = view != self.view
        self.view = view
        return head, rows, changed

    def agreed(self, head: tuple[Any, ...], changed: bool) -> Steps:
        """The head again, until two reads agree; unless it is as in the shadow and nobody has given up anything."""
        if changed or head[1:] != (self.shadow, self.known, self.tail, self.recoveries):
            while True:
                before, head = head, (yield from self.read_head())
                if before[1:] == head[1:]:
                    break
        return head

    def others(self, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        """What a change of shows that somebody has given up a lock."""
        owner, counter = self.has("owner"), self.has("counter")
        return tuple(
            Row(r.owner if owner else 0, r.slots, r.counter if counter else 0)
            if at != self.row
            else r._replace(slots="", counter=0)
            for at, r in enumerate(rows)
        )

    def rival(self, rows: tuple[Row, ...], slots: tuple[int, ...], mode: str) -> int:
        for at, row in enumerate(rows):
            if at == self.row or row.owner < 0:
                continue
            for slot in slots if self.has("all or nothing") else slots[:1]:
                if row.slots[slot] == EXCLUSIVE or (row.slots[slot] == SHARED and mode == EXCLUSIVE):
                    return at
        return -1

    def acquire(self, slots: tuple[int, ...], mode: str, refresh: bool = True) -> Steps:
        """Announce, look, and retract if somebody is in the way. Refreshes."""
        before = self.held
        while True:
            if not self.has("announce first"):
                head, rows, changed = yield from self.look()
            self.held = put_slots(self.held, slots, mode)
            yield from self.write_row()
            if self.has("announce first"):
                head, rows, changed = yield from self.look()
            at = self.rival(rows, slots, mode)
            if at < 0:
                break
            self.held = before
            yield from self.write_row()
            if not (yield from self.break_row(at, rows[at].owner)):
                return False
        if refresh:
            if self.has("head read again"):
                head = yield from self.agreed(head, changed)
            yield from self.refresh(head)
        return True

    def break_row(self, at: int, owner: int) -> Steps:
        """True if it is worth to try again."""
        dead = None
        while dead is None:
            dead = yield ("break", at, owner, "look")
        if not dead:
            return False
        byte = self.has("recovery byte")
        if self.has("byte before row"):
            if byte:
                yield ("break", at, owner, "byte")
            yield ("break", at, owner, "row")
        else:
            slots = (yield ("read_rows",))[at].slots
            yield ("break", at, owner, "row")
            if EXCLUSIVE in (slots[: RECOVER + 1] + slots[SHARED_DB]):
                yield ("write_rec",)
        return True

    # WAL index (wal-index.js).

    def refresh(self, head: tuple[Any, ...], everything: bool = False) -> Steps:
        """The file into the mirror."""
        self.rec, words, hdr, tail, recoveries = head
        everything = everything or recoveries != self.recoveries
        if not self.writing and (hdr != self.known or everything):
            pages = self.pages
            if hdr is not None:
                same = self.known is not None and not everything and self.known[0] == hdr[0] and self.known[2] == hdr[2]
                for wal in (0, 1):
                    last = hdr.mx[wal]
                    have = min(self.known.mx[wal], last) if same and self.known is not None else 0
                    if have == last and same:
                        continue
                    upto, more = tail if wal == hdr.cur else (last, ())
                    start = pages[wal][:have]
                    if have < upto:
                        shm = yield ("read_shm", wal)
                        start += shm[have:upto]
                    pages = put(pages, wal, (start + more[max(0, have - upto) :])[:last])
            self.pages = pages
            self.hdr = hdr
            self.known = hdr
            self.tail = tail
            self.recoveries = recoveries
        mirror, shadow = self.words, self.shadow
        for i in range(3):
            # A word of ours that is not published yet is one that we hold the lock for.
            if words[i] != shadow[i] and mirror[i] == shadow[i]:
                mirror = put(mirror, i, words[i])
        self.words = mirror
        self.shadow = words
        whole = 0 if self.hdr is None else 1 if self.wal2 else self.hdr.mx[0]
        if words[0] != shadow[0] and mirror[0] == whole:
            self.finished = True

    def look_again(self) -> Steps:
        """Refreshes after a lock that was granted within the instance."""
        if not self.has("refresh always"):
            return
        head = yield from self.agreed((yield from self.read_head()), False)
        yield from self.refresh(head)

    def publish(self) -> Steps:
        """The mirror into the file: page numbers, words, header."""
        changed = self.hdr != self.known
        tail = self.tail
        if changed and self.hdr is not None and self.has("pages first"):
            tail = yield from self.publish_pages()
        if self.has("words first"):
            yield from self.publish_words()
        if changed:
            hdr = self.hdr
            if hdr is not None and not self.has("pages first"):
                upto, last = hdr.mx[hdr.cur], hdr.mx[hdr.cur]
                yield ("write_hdr", hdr, (upto, ()), self.recoveries)
                tail = yield from self.publish_pages()
                upto = last
            yield ("write_hdr", hdr, tail, self.recoveries)
            self.known = hdr
            self.tail = tail
        if not self.has("words first"):
            yield from self.publish_words()

    def publish_pages(self) -> Steps:
        """Returns the tail."""
        hdr, known = self.hdr, self.known
        assert hdr is not None
        same = (
            known is not None
            and known.cur == hdr.cur
            and known.salt == hdr.salt
            and known.mx[hdr.cur] <= hdr.mx[hdr.cur]
        )
        upto = self.tail[0] if same else 0
        last = hdr.mx[hdr.cur]
        if same and last - upto <= TAIL:
            return (upto, self.pages[hdr.cur][upto:last])
        for wal in (0, 1):
            if wal == hdr.cur:
                if last > upto and self.has("tail is flushed"):
                    yield ("write_shm", wal, upto, self.pages[wal][upto:last])
            elif not same and hdr.mx[wal] > 0 and self.has("tail of the other WAL"):
                yield ("write_shm", wal, 0, self.pages[wal][: hdr.mx[wal]])
        return (last, ())

    def publish_words(self) -> Steps:
        for i in range(3):
            if self.words[i] == self.shadow[i]:
                continue
            if self.raised_marks[i]:
                continue
            yield ("write_word", i, self.words[i])
            self.shadow = put(self.shadow, i, self.words[i])

    def invalidate(self) -> Steps:
        """The next one who reads the header recovers."""
        self.hdr = self.known = None
        self.tail = (0, ())
        if self.has("recoveries counted"):
            self.recoveries += 1
        yield ("write_hdr", None, (0, ()), self.recoveries)
        yield ("clear_rec",)
        self.rec = False

    # Locks (locks.js). Within a closing connection SQLite does not ask for them.

    def take_shared(self, slot: int) -> Steps:
        if self.closing:
            return True
        if self.exclusive[slot]:
            return False
        if self.held[slot] == FREE and (self.readers[slot] == 0):
            if not (yield from self.acquire((slot,), SHARED)):
                return False
        elif not self.ahead or self.readers[slot] > 0:
            yield from self.look_again()
        self.readers = put(self.readers, slot, self.readers[slot] + 1)
        if self.finished and READ0 <= slot <= READ4:
            self.finished = False
            if slot > READ0 and not self.writing:
                # SQLite has chosen the slot by a mirror from before that checkpoint. (A writer that has
                # switched has no choice.)
                yield from self.leave(slot)
                return False
        return True

    def release_shared(self, slot: int) -> Steps:
        if not self.closing:
            yield from self.leave(slot)

    def leave(self, slot: int) -> Steps:
        self.readers = put(self.readers, slot, self.readers[slot] - 1)
        if self.readers[slot] > 0:
            return
        if self.caching and READ0 <= slot <= READ4:
            if not self.has("cached is held"):
                # Looks held from within, and is free for the others.
                yield ("write_row", self.row, put_slots(self.held, (slot,), FREE), self.counter)
            return
        yield from self.drop(slot)

    def lower(self, slots: tuple[int, ...]) -> None:
        """The marks of slots as in the file again."""
        for slot in slots:
            if slot in MARKS and not self.wal2 and self.raised_marks[MARKS[slot]]:
                self.raised_marks = put(self.raised_marks, MARKS[slot], False)
                if self.has("mark goes back"):
                    self.words = put(self.words, MARKS[slot], self.shadow[MARKS[slot]])

    def drop(self, slot: int) -> Steps:
        self.lower((slot,))
        self.held = put_slots(self.held, (slot,), FREE)
        yield from self.write_row()

    def tick(self) -> Steps:
        """The end of the event loop's turn: read locks that are only kept go."""
        for slot in range(READ0, READ4 + 1):
            if self.held[slot] == SHARED and self.readers[slot] == 0:
                yield from self.drop(slot)

    def take_ahead(self) -> Steps:
        """Before a statement that is going to write, while a read lock is cached."""
        cached = any(self.held[s] == SHARED and self.readers[s] == 0 for s in range(READ0, READ4 + 1))
        if cached and not self.exclusive[WRITE]:
            self.ahead = yield from self.acquire((WRITE,), EXCLUSIVE, self.has("look ahead"))

    def drop_ahead(self) -> Steps:
        """WRITE was not asked for after all."""
        if self.ahead:
            self.ahead = False
            self.held = put_slots(self.held, (WRITE,), FREE)
            self.counter += 1
            yield from self.write_row()

    def take_exclusive(self, slots: tuple[int, ...]) -> Steps:
        if self.closing:
            return True
        for slot in slots:
            if self.exclusive[slot] or self.readers[slot] > 0:
                return False
        if len(slots) == 1 and self.sets_mark(slots[0]):
            raisable = tuple(slot for slot in MARKS if self.raisable(slot))
            if slots[0] in raisable:
                self.virtual = slots[0]
                self.exclusive = put(self.exclusive, slots[0], True)
                return True
            # One that we have is as good, and one that somebody else has is not worth the writes.
            if raisable or not (yield ("is_free", self.row, slots[0])):
                return False
        # Each commit beyond 1,000 frames tries a checkpoint, also while another instance is at it.
        if slots[0] == CKPT and not (yield ("is_free", self.row, CKPT)):
            return False
        if slots == (WRITE,) and self.ahead:
            self.ahead = False
        elif not (yield from self.acquire(slots, EXCLUSIVE)):
            return False
        self.lower(slots)
        for slot in slots:
            self.exclusive = put(self.exclusive, slot, True)
        if WRITE in slots:
            if self.rec:
                yield from self.invalidate()
            self.writing = True
        if CKPT in slots and self.has("settle"):
            yield from self.settle()
        return True

    def sets_mark(self, slot: int) -> bool:
        """Whether who wants this slot alone is a reader that sets its mark."""
        return slot in MARKS and not self.wal2 and not self.exclusive[CKPT] and not self.writing

    def raisable(self, slot: int) -> bool:
        """A read lock is kept, and the file has a mark that others go by."""
        if self.held[slot] != SHARED or self.readers[slot] > 0 or self.hdr is None:
            return False
        return self.shadow[MARKS[slot]] <= self.hdr.mx[0] or not self.has("not over an unused mark")

    def settle(self) -> Steps:
        for slot in MARKS:
            if not self.raised_marks[MARKS[slot]]:
                continue
            if (yield from self.acquire((slot,), EXCLUSIVE, False)):
                self.raised_marks = put(self.raised_marks, MARKS[slot], False)
                yield from self.publish()
                self.held = put_slots(self.held, (slot,), SHARED)
                self.counter += 1
                yield from self.write_row()
            else:
                self.lower((slot,))

    def release_exclusive(self, slots: tuple[int, ...], ack: int = 0) -> Steps:
        if self.closing:
            return
        for slot in slots:
            self.exclusive = put(self.exclusive, slot, False)
        if self.virtual in slots:
            self.virtual = -1
            at = MARKS[slots[0]]
            if self.words[at] < self.shadow[at] and self.has("not over an unused mark"):
                self.words = put(self.words, at, self.shadow[at])
            if not self.has("raised marks stay"):
                yield from self.publish_words()
            self.raised_marks = put(self.raised_marks, at, self.words[at] != self.shadow[at])
            return
        yield from self.publish()
        if WRITE in slots:
            self.writing = False
        # A reader that has set its mark takes the slot shared next.
        keep = len(slots) == 1 and self.caching and self.sets_mark(slots[0])
        self.held = put_slots(self.held, slots, SHARED if keep else FREE)
        self.counter += 1
        self.ack = ack
        yield from self.write_row()

    # SQLite (wal.c). Line numbers of the amalgamation of zero-sqlite3 1.1.4.

    def begin(self, c: Connection) -> Steps:
        """walBeginReadTransaction, 71540. What was acknowledged when it begins must be in the snapshot."""
        visible = yield ("begin",)
        while not (yield from self.try_begin(c, False)):
            if self.ahead:
                yield from self.drop_ahead()
            yield ("pause",)
        if c.hdr is not None and c.hdr.n < visible:
            raise InvariantError(f"a snapshot shows {c.hdr.n}, {visible} was visible before")

    def try_begin(self, c: Connection, use_wal: bool) -> Steps:
        """walTryBeginRead, 71146."""
        if not use_wal:
            if self.hdr is None and not (yield from self.recover_index()):
                return False
            c.hdr = self.hdr
        hdr = c.hdr
        assert hdr is not None
        if self.wal2:
            backfilled = self.words[0] > 0 or hdr.mx[1 - hdr.cur] == 0
            slot = READ0 + 1 + hdr.cur * 2 + (int(backfilled) == hdr.cur)
            if not (yield from self.take_shared(slot)):
                return False
            if self.hdr != hdr:
                yield from self.release_shared(slot)
                return False
            c.lock = slot
            return True
        if not use_wal and self.words[0] == hdr.mx[0] and (yield from self.take_shared(READ0)):
            if self.hdr != hdr:
                yield from self.release_shared(READ0)
                return False
            c.lock = READ0
            return True
        mark, slot = 0, 0
        for s in (READ1, READ2):
            if mark <= self.words[MARKS[s]] <= hdr.mx[0]:
                mark, slot = self.words[MARKS[s]], s
        if mark < hdr.mx[0] or slot == 0:
            for s in (READ1, READ2):
                if (yield from self.take_exclusive((s,))):
                    self.words = put(self.words, MARKS[s], hdr.mx[0])
                    yield from self.release_exclusive((s,))
                    mark, slot = hdr.mx[0], s
                    break
        if slot == 0 or not (yield from self.take_shared(slot)):
            return False
        c.min_frame = self.words[0] + 1
        if self.words[MARKS[slot]] != mark or self.hdr != hdr:
            yield from self.release_shared(slot)
            return False
        c.lock = slot
        return True

    def recover_index(self) -> Steps:
        """The second half of walIndexReadHdr, 70784: nobody's header is valid."""
        if not (yield from self.take_exclusive((WRITE,))):
            return False
        done = self.hdr is not None
        if not done and (yield from self.take_exclusive((CKPT, RECOVER))):
            self.hdr, self.pages = yield ("scan",)
            mx = self.hdr.mx[0] if self.hdr is not None else 0
            self.words = (0, 0, 0)
            for s in () if self.wal2 else (READ1, READ2):
                if (yield from self.take_exclusive((s,))):
                    self.words = put(self.words, MARKS[s], mx if s == READ1 and mx else NOT_USED)
                    yield from self.release_exclusive((s,))
            yield from self.release_exclusive((CKPT, RECOVER))
            done = True
        yield from self.release_exclusive((WRITE,))
        return done

    def read(self, c: Connection) -> Steps:
        """Both pages of the snapshot: walFindFrame, 71783."""
        hdr = c.hdr
        assert hdr is not None
        for page in (A, B):
            wal, frame = self.find(c, hdr, page)
            yield ("page", page, wal, frame, hdr.n)

    def find(self, c: Connection, hdr: Hdr, page: int) -> tuple[int, int]:
        if not self.wal2:
            first = c.min_frame if c.lock != READ0 else hdr.mx[0] + 1
            return 0, newest(self.pages[0], page, first, hdr.mx[0])
        frame = newest(self.pages[hdr.cur], page, 1, hdr.mx[hdr.cur])
        if frame == 0 and c.lock in (READ2, READ3):
            return 1 - hdr.cur, newest(self.pages[1 - hdr.cur], page, 1, hdr.mx[1 - hdr.cur])
        return hdr.cur, frame

    def end(self, c: Connection) -> Steps:
        slot = c.lock
        c.lock = -1
        yield from self.release_shared(slot)

    def write(self, c: Connection, wide: bool, ahead: bool = False) -> Steps:
        """BEGIN IMMEDIATE, one or two pages, COMMIT: walWriteLock 71951, walFrames 72716."""
        while True:
            if ahead:
                yield from self.take_ahead()
            yield from self.begin(c)
            if (yield from self.take_exclusive((WRITE,))):
                if self.hdr == c.hdr:
                    break
                yield from self.release_exclusive((WRITE,))
            yield from self.end(c)
            yield ("pause",)
        c.writing = True
        yield from self.restart_log(c)
        hdr = c.hdr
        assert hdr is not None
        n = hdr.n + 1
        cur = hdr.cur
        at = hdr.mx[cur]
        if at == 0:
            yield ("wal_header", cur, hdr.salt)
        if wide:
            yield ("append", cur, at, Frame(hdr.salt, B, n, False))
            yield ("append", cur, at + 1, Frame(hdr.salt, A, n, True))
        else:
            yield ("append", cur, at, Frame(hdr.salt, A, n, True))
        new = self.pages[cur][:at] + ((B, A) if wide else (A,))
        self.pages = put(self.pages, cur, new)
        c.hdr = hdr._replace(mx=put(hdr.mx, cur, len(new)), n=n)
        self.hdr = c.hdr
        c.writing = False
        yield from self.release_exclusive((WRITE,), n)
        yield from self.end(c)

    def restart_log(self, c: Connection) -> Steps:
        """walRestartLog, 72468."""
        hdr = c.hdr
        assert hdr is not None
        if self.wal2:
            other = 1 - hdr.cur
            if c.lock != (READ4 if hdr.cur else READ1) or hdr.mx[hdr.cur] < WAL2_FULL:
                return
            slots = (READ1, READ2, READ3) if hdr.cur else (READ2, READ3, READ4)
            if (yield from self.take_exclusive(slots)):
                c.hdr = Hdr(other, put(hdr.mx, other, 0), hdr.n, hdr.n)
                self.hdr = c.hdr
                self.words = put(self.words, 0, 0)
                yield from self.release_exclusive(slots)
                yield from self.release_shared(c.lock)
                c.lock = READ3 if other else READ2
                if not (yield from self.take_shared(c.lock)):
                    raise InvariantError("no read lock after wal2 has switched")
            return
        if c.lock != READ0:
            return
        if self.words[0] > 0 and (yield from self.take_exclusive((READ1, READ2))):
            self.restart_header(c)
            yield from self.release_exclusive((READ1, READ2))
        yield from self.release_shared(READ0)
        c.lock = -1
        while not (yield from self.try_begin(c, True)):
            yield ("pause",)

    def restart_header(self, c: Connection) -> None:
        """walRestartHdr, 70146."""
        assert c.hdr is not None
        c.hdr = c.hdr._replace(mx=(0, 0), salt=c.hdr.salt + 1)
        self.hdr = c.hdr
        self.words = (0, 0, NOT_USED)

    def checkpoint(self, c: Connection) -> Steps:
        """sqlite3WalCheckpoint 73011, walCheckpoint 70258; PASSIVE."""
        if not (yield from self.take_exclusive((CKPT,))):
            return
        if self.hdr is not None or (yield from self.recover_index()):
            c.hdr = self.hdr
            if self.wal2:
                yield from self.backfill_wal2(c)
            else:
                yield from self.backfill_wal(c)
        yield from self.release_exclusive((CKPT,))

    def truncate(self, c: Connection) -> Steps:
        """The same; TRUNCATE, without the busy handler. In wal2 mode it is PASSIVE."""
        if self.wal2:
            yield from self.checkpoint(c)
            return
        if not (yield from self.take_exclusive((CKPT,))):
            return
        writes = yield from self.take_exclusive((WRITE,))
        if self.hdr is not None:
            c.hdr = self.hdr
            yield from self.backfill_wal(c)
            done = self.words[0] == c.hdr.mx[0]
            if writes and done and (yield from self.take_exclusive((READ1, READ2))):
                self.restart_header(c)
                yield from self.before_empty()
                yield ("empty_wal", 0)
                yield from self.release_exclusive((READ1, READ2))
        if writes:
            yield from self.release_exclusive((WRITE,))
        yield from self.release_exclusive((CKPT,))

    def before_empty(self) -> Steps:
        if self.has("index before WAL"):
            yield from self.publish()

    def backfill_wal2(self, c: Connection) -> Steps:
        hdr = c.hdr
        assert hdr is not None
        wal = 1 - hdr.cur
        if self.words[0] != 0 or hdr.mx[wal] == 0:
            return
        slots = (READ3, READ4) if wal else (READ1, READ2)
        if not (yield from self.take_exclusive(slots)):
            return
        for page in (A, B):
            frame = newest(self.pages[wal], page, 1, hdr.mx[wal])
            if frame:
                yield ("backfill", page, wal, frame)
        self.words = put(self.words, 0, 1)
        yield from self.release_exclusive(slots)

    def backfill_wal(self, c: Connection) -> Steps:
        hdr = c.hdr
        assert hdr is not None
        safe = hdr.mx[0]
        if self.words[0] >= safe:
            return
        for s in (READ1, READ2):
            mark = self.words[MARKS[s]]
            if safe <= mark:
                continue
            if (yield from self.take_exclusive((s,))):
                self.words = put(self.words, MARKS[s], safe if s == READ1 else NOT_USED)
                yield from self.release_exclusive((s,))
            else:
                safe = mark
        if self.words[0] >= safe or not (yield from self.take_exclusive((READ0,))):
            return
        if self.hdr is not None and self.hdr.salt == hdr.salt:
            first = self.words[0] + 1
            for page in (A, B):
                # walIteratorNext gives the newest frame of a page in all of the WAL; beyond `safe` it is left out.
                frame = newest(self.pages[0], page, first, hdr.mx[0])
                if 0 < frame <= safe:
                    yield ("backfill", page, 0, frame)
            self.words = put(self.words, 0, safe)
        yield from self.release_exclusive((READ0,))

    def open(self) -> Steps:
        """joinTable, xLock(SHARED), xShmMap."""
        joined = None
        while joined is None:
            joined = yield ("join",)
            if joined is None:
                rows = yield ("read_rows",)
                for at, row in enumerate(rows):
                    yield from self.break_row(at, row.owner)
        self.row = joined
        while not (yield from self.acquire((SHARED_DB,), SHARED, False)):
            yield ("pause",)
        while True:
            if (yield from self.acquire((ATTACHED,), EXCLUSIVE)):
                if self.has("first opener"):
                    yield ("clear_head",)
                    self.hdr = self.known = None
                    self.tail, self.words, self.shadow, self.recoveries = (0, ()), (0, 0, 0), (0, 0, 0), 0
                self.held = put_slots(self.held, (ATTACHED,), SHARED)
                yield from self.write_row()
                return
            if (yield from self.acquire((ATTACHED,), SHARED)):
                return
            yield ("pause",)

    def close(self, c: Connection) -> Steps:
        """sqlite3WalClose, 70606. The lock table's row goes, too."""
        yield from self.tick()
        if (yield from self.acquire((SHARED_DB,), EXCLUSIVE, False)):
            if self.rec:
                yield from self.invalidate()
            if self.has("refresh when exclusive"):
                head = yield from self.read_head()
                yield from self.refresh(head, True)
            self.closing = self.writing = True
            for _ in (0, 1) if self.wal2 else (0,):
                if self.hdr is None:
                    self.hdr, self.pages = yield ("scan",)
                    self.words = (0, 0, 0)
                yield from self.checkpoint(c)
                if self.wal2 and self.hdr is not None:
                    self.words = put(self.words, 0, 0)
                    self.hdr = self.hdr._replace(cur=1 - self.hdr.cur)
            for wal in (0, 1) if self.wal2 else (0,):
                yield ("delete_wal", wal)
        yield ("leave", self.row)


def newest(pages: tuple[int, ...], page: int, first: int, last: int) -> int:
    for frame in range(min(last, len(pages)), max(first, 1) - 1, -1):
        if pages[frame - 1] == page:
            return frame
    return 0


Op = str | tuple[str, int]


def program(inst: Instance, conns: tuple[Connection, ...], script: tuple[Op, ...]) -> Steps:
    """An instance's life: operations, each of a connection (0 unless it says so), one after another."""
    for at, op in enumerate(script):  # noqa: B007 (where the script is belongs to the local state)
        name, which = op if isinstance(op, tuple) else (op, 0)
        c = conns[which]
        if name == "open":
            yield from inst.open()
        elif name == "begin":
            yield from inst.begin(c)
        elif name == "read":
            yield from inst.read(c)
        elif name == "end":
            yield from inst.end(c)
        elif name == "write":
            yield from inst.write(c, False)
        elif name == "write two":
            yield from inst.write(c, True)
        elif name == "write ahead":
            yield from inst.write(c, False, True)
        elif name == "begin ahead":
            yield from inst.take_ahead()
            yield from inst.begin(c)
            yield from inst.drop_ahead()
        elif name == "checkpoint":
            yield from inst.checkpoint(c)
        elif name == "truncate":
            yield from inst.truncate(c)
        elif name == "tick":
            yield from inst.tick()
        elif name == "leave":
            yield from inst.tick()
            yield ("leave", inst.row)
            return
        elif name == "close":
            yield from inst.close(c)
        else:
            raise ValueError(name)
    yield from inst.tick()
