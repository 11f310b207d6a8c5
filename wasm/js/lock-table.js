'use strict';
/**
 * Locks between engine instances (processes and threads), in a small file beside
 * the database, `FILE-wasmfix`. It is there while anybody has the database open.
 *
 * Layout, little-endian:
 *   0  magic, 16 bytes
 *  16  1 if the WAL index has to be recovered, 4 bytes
 *  20  a count that goes up when somebody wishes read locks back that are only kept
 *  24  the same, of those that wait for them
 *  28  4 bytes that stand for the database's file: a table is of one file, and one
 *      that was deleted while it is open has a table of its own, without a name
 *  64  the head of the WAL index (wal-index.js), 208 bytes
 * 384  a row of 128 bytes for each instance: 12 bytes, one a slot (0 free, 1 shared,
 *      2 exclusive), a count of exclusive locks given up, the owner's name
 * An instance writes only its own row.
 *
 * Taking a lock is *announce, then look*: write the slot into our row, read the
 * table, and take it back if another row is in the way. Whoever looks second sees
 * the first one; if two look at the same time both go back, and SQLite's busy
 * handler tries again. So an incompatible pair never holds both. It rests on one
 * thing: that a write() is seen by every read() that begins after it has returned
 * (POSIX.1-2017, write(): the file systems that SQLite's WAL works on).
 *
 * The look brings the head of the WAL index along. But a read is not atomic: its
 * head may be from before, and its rows from after somebody published and gave up
 * a lock. Then that row's count has changed; so whoever takes a lock may rely on
 * the head of the same read only if the other rows are as in the last view
 * (`othersChanged`).
 *
 * Rows are handed out, broken and removed under the mutex `FILE-wasmfix-lock`.
 * A row of an owner that died with WRITE, CKPT or RECOVER leaves the byte for
 * recovery: the WAL index may be half written.
 *
 * Prices (Node 22, ext4): shared lock and release, index refreshed, 3 µs; a
 * symbolic link made and removed costs 12 µs, and cannot be shared.
 */
const fs = require('fs');
const crypto = require('crypto');
const { openBeside } = require('./beside');
const clock = require('./clock');
const { newOwner, isAlive, isUnknown, warnOfUnknown } = require('./owner');
const { exclusively, sweep } = require('./mutex');

const NAME = 'wasmfix locks ';
const MAGIC = `${NAME}2\n`;
const RECOVER_AT = 16;
const WISHES_AT = 20;
const DEMANDS_AT = 24;
const FILE_AT = 28;
const HEAD_AT = 64;
const HEAD_END = 272;
const HEADER = 384;
const ROW = 128;
const COUNT_AT = 12;
const OWNER_AT = 16;
const OWNER_BYTES = ROW - OWNER_AT;
const MAX_ROWS = 512;
/** Milliseconds. */
const BELIEF = 5;
/** How long to wait for the mutex; who joins or breaks a lock has a busy handler that tries again. */
const JOIN_MS = 50;
const LEAVE_MS = 2000;
const BETWEEN_WISHES = 20;

/** Slots 0 to 7 are those of the WAL index (wal.c, WAL_WRITE_LOCK …). */
const SLOT = { write: 0, checkpoint: 1, recover: 2, read: 3, attached: 8, shared: 9, reserved: 10, pending: 11 };
const SLOTS = 12;
/** Who ends with one of these may have left the WAL index half written. */
const PUBLISHING = [SLOT.write, SLOT.checkpoint, SLOT.recover, SLOT.shared];
const FREE = 0;
const SHARED = 1;
const EXCLUSIVE = 2;

/** The table is not what we left there: nobody may go on. */
class LockTableLost extends Error {}

class LockTable {
  /**
   * @param {string} database absolute path without links
   * @param {string} identity of the file: device and inode
   */
  constructor(database, identity) {
    this.database = database;
    this.name = `${database}-wasmfix`;
    this.mutex = `${database}-wasmfix-lock`;
    this.file = crypto.createHash('sha256').update(identity).digest().readUInt32LE(0);
    this.owner = '';
    this.fd = -1;
    this.row = -1;
    /** Where our row begins. */
    this.mine = 0;
    /** What our row says: slots and count. */
    this.held = Buffer.alloc(OWNER_AT);
    this.before = Buffer.alloc(SLOTS);
    /** A write failed, so that the file may have our row otherwise: the next one is of all of it. */
    this.unwritten = false;
    this.view = Buffer.alloc(0);
    this.words = new Int32Array(0);
    this.last = Buffer.alloc(0);
    /** Bytes of the view that are the table; of the last view. */
    this.size = 0;
    this.lastSize = 0;
    /** Whether a row that is not ours differed between the last two looks. */
    this.othersChanged = true;
    /** @type {number[]} until when isBelieved() takes the owner of a row for alive */
    this.believed = [];
    /** Whether the row that was in the way had been written since the look before. */
    this.rivalMoved = false;
    this.nextWish = 0;
    this.makeRoom(HEADER + ROW * 8);
  }

  /** @param {number} bytes */
  makeRoom(bytes) {
    const buffer = new ArrayBuffer(bytes);
    this.view = Buffer.from(buffer);
    this.words = new Int32Array(buffer);
    this.last = Buffer.alloc(bytes);
    this.lastSize = 0;
  }

  get attached() {
    return this.fd >= 0;
  }

  /** Joins the table. False if somebody holds up the mutex. */
  attach() {
    const owner = newOwner();
    const done = exclusively(this.mutex, JOIN_MS, () => {
      const fd = this.openTable();
      try {
        this.fd = fd;
        this.read();
        this.row = this.freeRow();
        this.mine = HEADER + this.row * ROW;
        this.owner = owner;
        this.held.fill(FREE);
        const row = Buffer.alloc(ROW);
        row.write(owner, OWNER_AT, OWNER_BYTES, 'latin1');
        fs.writeSync(fd, row, 0, ROW, this.mine);
        this.unwritten = false;
        this.lastSize = 0;
      } catch (error) {
        this.fd = -1;
        fs.closeSync(fd);
        throw error;
      }
      return true;
    });
    return done === true;
  }

  /** The table of our file; one of another file that had the name is none of ours. Under the mutex. */
  openTable() {
    const header = Buffer.alloc(HEADER);
    for (;;) {
      const fd = openBeside(this.name, this.database);
      try {
        const size = fs.readSync(fd, header, 0, HEADER, 0);
        const text = header.toString('latin1', 0, Math.min(size, MAGIC.length));
        if (size === HEADER && text === MAGIC && header.readUInt32LE(FILE_AT) === this.file) return fd;
        if (size === 0) {
          header.write(MAGIC, 'latin1');
          header.writeUInt32LE(this.file, FILE_AT);
          fs.writeSync(fd, header, 0, HEADER, 0);
          return fd;
        }
        // Of another file, of another version, or begun by somebody who was killed. What else has the name is not ours to remove.
        if (!text.startsWith(NAME) && !MAGIC.startsWith(text)) throw new Error(`${this.name} is not a lock table`);
        fs.unlinkSync(this.name);
      } catch (error) {
        fs.closeSync(fd);
        throw error;
      }
      fs.closeSync(fd);
    }
  }

  /** Leaves; the last one removes the file. After a RangeError, from a full stack, it is to be called again. */
  detach() {
    if (!this.attached) return;
    const { fd } = this;
    let isOver = false;
    try {
      exclusively(this.mutex, LEAVE_MS, () => {
        // Once only: somebody else may have the row by the next time.
        if (this.row >= 0) {
          this.read();
          // As for the dead: an instance that has stopped leaves with locks held.
          this.clear(this.row);
          this.row = -1;
        }
        this.read();
        for (let i = 0; i < this.rows(); i++) if (this.ownerAt(i) !== '' && isAlive(this.ownerAt(i), this.name)) return;
        if (this.isNamed(fd)) fs.unlinkSync(this.name);
        sweep(this.mutex);
      });
      isOver = true;
    } catch (error) {
      // On a full stack even this may throw; so what is left of us is forgotten at the very end.
      if (error instanceof RangeError) throw error;
      // The folder is gone or read-only now: then nobody can be waiting for us either.
      isOver = true;
    } finally {
      if (isOver) {
        this.fd = -1;
        fs.closeSync(fd);
      }
    }
  }

  /** Whether the file still has its name. @param {number} fd */
  isNamed(fd) {
    const there = fs.statSync(this.name, { bigint: true, throwIfNoEntry: false });
    const here = fs.fstatSync(fd, { bigint: true });
    return there !== undefined && there.ino === here.ino && there.dev === here.dev;
  }

  /** The table into the view. */
  read() {
    for (;;) {
      this.size = fs.readSync(this.fd, this.view, 0, this.view.length, 0);
      if (this.size < this.view.length) return;
      this.makeRoom(this.view.length * 2);
    }
  }

  /** What lies before the rows into the view, its other bytes stay. */
  readHead() {
    fs.readSync(this.fd, this.view, 0, HEAD_END, 0);
  }

  rows() {
    return Math.max(0, Math.floor((this.size - HEADER) / ROW));
  }

  /** @param {number} row */
  ownerAt(row) {
    const from = HEADER + row * ROW + OWNER_AT;
    const end = this.view.indexOf(0, from);
    return this.view.toString('latin1', from, Math.min(end, from + OWNER_BYTES));
  }

  /** A row that nobody has; those of the dead are cleared on the way. Under the mutex. */
  freeRow() {
    const rows = this.rows();
    let free = -1;
    for (let i = 0; i < rows; i++) {
      const owner = this.ownerAt(i);
      if (owner !== '') {
        if (isAlive(owner, this.name)) continue;
        this.clear(i);
      }
      if (free < 0) free = i;
    }
    if (free >= 0) return free;
    if (rows >= MAX_ROWS) throw new Error(`more than ${MAX_ROWS} instances have ${this.name} open`);
    return rows;
  }

  /** Removes an owner. Under the mutex, with a fresh view. @param {number} row */
  clear(row) {
    const at = HEADER + row * ROW;
    if (PUBLISHING.some((slot) => this.view[at + slot] === EXCLUSIVE)) {
      fs.writeSync(this.fd, Buffer.from([1]), 0, 1, RECOVER_AT);
    }
    fs.writeSync(this.fd, Buffer.alloc(ROW), 0, ROW, at);
  }

  /**
   * Takes slots from `first` on, all or none, without waiting. None if it throws, either.
   * @param {number} first
   * @param {number} count
   * @param {number} mode SHARED or EXCLUSIVE
   * @param {number} [barred] a slot that nobody else may hold exclusively
   */
  acquire(first, count, mode, barred = -1) {
    const { held, before } = this;
    for (let i = 0; i < count; i++) before[i] = held[first + i];
    for (;;) {
      let rival;
      try {
        this.announce(first, count, mode);
        rival = this.rival(first, count, mode, barred);
      } catch (error) {
        if (error instanceof LockTableLost) throw error;
        for (let i = 0; i < count; i++) held[first + i] = before[i];
        this.unwritten = true;
        throw error;
      }
      if (rival < 0) return true;
      for (let i = 0; i < count; i++) held[first + i] = before[i];
      this.write(first, count);
      if (!this.breakRow(rival)) return false;
    }
  }

  /** @param {number} first @param {number} count @param {number} mode */
  announce(first, count, mode) {
    const { held } = this;
    for (let i = first; i < first + count; i++) held[i] = mode;
    this.write(first, count);
  }

  /**
   * Sets our slots: a downgrade or a release, which nobody can object to.
   * @param {number} first
   * @param {number} count
   * @param {number} mode
   */
  put(first, count, mode) {
    const { held } = this;
    const exclusive = held[first] === EXCLUSIVE;
    for (let i = first; i < first + count; i++) held[i] = mode;
    if (exclusive) this.giveUp(first);
    else this.write(first, count);
  }

  /** Slots from `first` to the last one as `held` has them, and the count of exclusive ones given up, in one write. @param {number} first */
  giveUp(first) {
    const { held } = this;
    held.writeUInt32LE((held.readUInt32LE(COUNT_AT) + 1) >>> 0, COUNT_AT);
    this.write(first, OWNER_AT - first);
  }

  /** Our row as `held` has it. @param {number} first @param {number} count */
  write(first, count) {
    const from = this.unwritten ? 0 : first;
    const bytes = this.unwritten ? OWNER_AT : count;
    this.unwritten = true;
    fs.writeSync(this.fd, this.held, from, bytes, this.mine + from);
    this.unwritten = false;
  }

  /** After an error: what we do not hold is not to stay in the file. Whether it says what we hold. */
  catchUp() {
    if (!this.unwritten || !this.attached) return true;
    try {
      this.write(0, OWNER_AT);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * The row that is in the way, or -1.
   * @param {number} first
   * @param {number} count
   * @param {number} mode
   * @param {number} barred
   */
  rival(first, count, mode, barred) {
    this.read();
    const { view, held, mine, size } = this;
    for (let i = 0; i < SLOTS; i++) if (view[mine + i] !== held[i]) this.lost();
    if (view[mine + OWNER_AT] === 0) this.lost();
    let found = -1;
    for (let i = 0, at = HEADER; found < 0 && at + ROW <= size; i++, at += ROW) {
      if (at === mine) continue;
      for (let slot = first; slot < first + count; slot++) {
        const state = view[at + slot];
        if (state === EXCLUSIVE || (state === SHARED && mode === EXCLUSIVE)) found = i;
      }
      if (barred >= 0 && view[at + barred] === EXCLUSIVE) found = i;
    }
    if (found >= 0) this.rivalMoved = this.hasMoved(found);
    this.noteOthers();
    return found;
  }

  /** Whether a row differs from the last view. @param {number} row */
  hasMoved(row) {
    const at = HEADER + row * ROW;
    return at + ROW > this.lastSize || this.view.compare(this.last, at, at + ROW, at, at + ROW) !== 0;
  }

  /** @returns {never} */
  lost() {
    throw new LockTableLost(`somebody else has changed the lock table ${this.name}`);
  }

  /** Compares the rows of others with the last view. */
  noteOthers() {
    const { view, last, mine, size } = this;
    const end = mine + ROW;
    this.othersChanged = size !== this.lastSize
      || (mine > HEADER && view.compare(last, HEADER, mine, HEADER, mine) !== 0)
      || (end < size && view.compare(last, end, size, end, size) !== 0);
    if (!this.othersChanged) return;
    view.copy(last, HEADER, HEADER, size);
    this.lastSize = size;
  }

  /** Clears the row that is in the way if its owner is dead. @param {number} row */
  breakRow(row) {
    const owner = this.ownerAt(row);
    if (owner !== '' && (this.rivalMoved ? this.isBelieved(row) : isAlive(owner, this.name))) {
      if (!this.rivalMoved && isUnknown(owner, this.name)) warnOfUnknown(owner, this.name);
      return false;
    }
    const done = exclusively(this.mutex, JOIN_MS, () => {
      this.read();
      // Rows get their owner under the mutex: one without is nobody's.
      if (this.ownerAt(row) === owner) this.clear(row);
      return true;
    });
    return done === true;
  }

  /** Whether nobody else seems to have `slot`: a look, which costs half of an attempt and disturbs nobody. @param {number} slot */
  isFree(slot) {
    return !this.isHeld(slot, (row) => this.isBelieved(row));
  }

  /**
   * Whether the owner of a row was alive a moment ago. For locks that are tried all
   * the time and not waited for, where the look into /proc costs more than the lock.
   * @param {number} row
   */
  isBelieved(row) {
    const now = clock.now();
    if (now < (this.believed[row] ?? 0)) return true;
    if (!isAlive(this.ownerAt(row), this.name)) return false;
    this.believed[row] = now + BELIEF;
    return true;
  }

  /**
   * Asks the others to give up read locks that they only keep; false if it did so a moment ago.
   * @param {boolean} isWaiting who asks is going to try again after a pause
   */
  wish(isWaiting) {
    const now = clock.now();
    if (now < this.nextWish && !isWaiting) return false;
    this.nextWish = now + BETWEEN_WISHES;
    const at = isWaiting ? DEMANDS_AT : WISHES_AT;
    const count = Buffer.alloc(4);
    count.writeUInt32LE((this.view.readUInt32LE(at) + 1) >>> 0);
    fs.writeSync(this.fd, count, 0, 4, at);
    return true;
  }

  /** As of the last read. */
  get wishes() {
    return this.words[WISHES_AT / 4];
  }

  get demands() {
    return this.words[DEMANDS_AT / 4];
  }

  /**
   * Whether anybody else holds `slot`.
   * @param {number} slot
   * @param {(row: number) => boolean} [isOwned] whether the owner of a row lives
   */
  isHeld(slot, isOwned = (row) => isAlive(this.ownerAt(row), this.name)) {
    this.read();
    for (let row = 0, at = HEADER; at + ROW <= this.size; row++, at += ROW) {
      if (at !== this.mine && this.view[at + slot] !== FREE && isOwned(row)) return true;
    }
    return false;
  }

  /** As of the last read. */
  get needsRecovery() {
    return this.view[RECOVER_AT] !== 0;
  }

  recoveryBegun() {
    fs.writeSync(this.fd, Buffer.from([0]), 0, 1, RECOVER_AT);
    this.view[RECOVER_AT] = 0;
  }
}

module.exports = { LockTable, LockTableLost, SLOT, FREE, SHARED, EXCLUSIVE, HEAD_AT, HEAD_END };
