'use strict';
/**
 * Locks between engine instances (processes and threads), in a small file beside
 * the database, `FILE-wasmfix`. It is there while anybody has the database open.
 *
 * Layout: 64 bytes of header (magic; byte 16: recovery is needed), then 128 bytes
 * a row: 12 bytes, one a slot (0 free, 1 shared, 2 exclusive), 4 bytes that stand
 * for the file, and the owner's name. An instance writes only its own row. Rows of
 * another file are not in the way: one that was deleted while it is open here or
 * elsewhere, and has a successor of the same name.
 *
 * Taking a lock is *announce, then look*: write the slot into our row, read the
 * table, and take it back if another row is in the way. Whoever looks second sees
 * the first one; if two look at the same time both go back, and SQLite's busy
 * handler tries again. So an incompatible pair never holds both. It rests on one
 * thing: that a write() is seen by every read() that begins after it has returned
 * (POSIX.1-2017, write(): the file systems that SQLite's WAL works on).
 *
 * Rows are handed out, broken and removed under the mutex `FILE-wasmfix-lock`.
 * A row of an owner that died with WRITE, CKPT or RECOVER leaves the byte for
 * recovery: the WAL index may be half written.
 *
 * Prices (Node 22, ext4): shared lock and release 4 µs; a symbolic link made and
 * removed costs 12 µs, and cannot be shared.
 */
const fs = require('fs');
const crypto = require('crypto');
const { openBeside } = require('./beside');
const { newOwner, isAlive } = require('./owner');
const { exclusively, sweep } = require('./mutex');

const MAGIC = 'wasmfix locks 1\n';
const HEADER = 64;
const RECOVER_AT = 16;
const ROW = 128;
const FILE_AT = 12;
const OWNER_AT = 16;
const OWNER_BYTES = ROW - OWNER_AT;
const MAX_ROWS = 512;

/** Slots 0 to 7 are those of the WAL index (wal.c, WAL_WRITE_LOCK …). */
const SLOT = { write: 0, checkpoint: 1, recover: 2, attached: 8, shared: 9, reserved: 10, pending: 11 };
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
    /** What our row says. */
    this.held = Buffer.alloc(SLOTS);
    this.view = Buffer.alloc(HEADER + ROW * 8);
    /** Bytes of the view that are the table. */
    this.size = 0;
  }

  get attached() {
    return this.fd >= 0;
  }

  /** Joins the table. False if somebody holds up the mutex. */
  attach() {
    const owner = newOwner();
    const done = exclusively(this.mutex, () => {
      const fd = openBeside(this.name, this.database);
      try {
        this.fd = fd;
        this.read();
        if (this.size < HEADER) fs.writeSync(fd, Buffer.concat([Buffer.from(MAGIC), Buffer.alloc(HEADER - MAGIC.length)]), 0, HEADER, 0);
        this.row = this.freeRow();
        this.owner = owner;
        this.held.fill(FREE);
        const row = Buffer.alloc(ROW);
        row.writeUInt32LE(this.file, FILE_AT);
        row.write(owner, OWNER_AT, OWNER_BYTES, 'latin1');
        fs.writeSync(fd, row, 0, ROW, HEADER + this.row * ROW);
      } catch (error) {
        this.fd = -1;
        fs.closeSync(fd);
        throw error;
      }
      return true;
    });
    return done === true;
  }

  /** Leaves; the last one removes the file. */
  detach() {
    if (!this.attached) return;
    const { fd } = this;
    this.fd = -1;
    try {
      exclusively(this.mutex, () => {
        this.fd = fd;
        this.read();
        // As for the dead: an instance that has stopped leaves with locks held.
        this.clear(this.row);
        this.read();
        this.fd = -1;
        for (let i = 0; i < this.rows(); i++) if (this.ownerAt(i) !== '' && isAlive(this.ownerAt(i), this.name)) return;
        if (this.isNamed(fd)) fs.unlinkSync(this.name);
        sweep(this.mutex);
      });
    } catch (error) {
      // A full stack: to be called again.
      if (error instanceof RangeError) {
        this.fd = fd;
        throw error;
      }
      // Else the folder is gone or read-only now: then nobody can be waiting for us either.
    }
    fs.closeSync(fd);
  }

  /** Whether the file still has its name. @param {number} fd */
  isNamed(fd) {
    const there = fs.statSync(this.name, { bigint: true, throwIfNoEntry: false });
    const here = fs.fstatSync(fd, { bigint: true });
    return there !== undefined && there.ino === here.ino && there.dev === here.dev;
  }

  read() {
    for (;;) {
      this.size = fs.readSync(this.fd, this.view, 0, this.view.length, 0);
      if (this.size < this.view.length) return;
      this.view = Buffer.alloc(this.view.length * 2);
    }
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
   * Takes slots from `first` on, all or none, without waiting.
   * @param {number} first
   * @param {number} count
   * @param {number} mode SHARED or EXCLUSIVE
   * @param {number} [barred] a slot that nobody else may hold exclusively
   */
  acquire(first, count, mode, barred = -1) {
    const before = Buffer.from(this.held.subarray(first, first + count));
    for (;;) {
      this.put(first, count, mode);
      const rival = this.rival(first, count, mode, barred);
      if (rival < 0) return true;
      this.held.set(before, first);
      this.write(first, count);
      if (!this.breakRow(rival)) return false;
    }
  }

  /**
   * Sets our slots: a downgrade or a release, which nobody can object to.
   * @param {number} first
   * @param {number} count
   * @param {number} mode
   */
  put(first, count, mode) {
    this.held.fill(mode, first, first + count);
    this.write(first, count);
  }

  /** Our row as `held` has it. @param {number} first @param {number} count */
  write(first, count) {
    fs.writeSync(this.fd, this.held, first, count, HEADER + this.row * ROW + first);
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
    const { view } = this;
    const mine = HEADER + this.row * ROW;
    if (view[mine + OWNER_AT] === 0 || view.compare(this.held, 0, SLOTS, mine, mine + SLOTS) !== 0) {
      throw new LockTableLost(`somebody else has changed the lock table ${this.name}`);
    }
    for (let i = 0, at = HEADER, n = this.rows(); i < n; i++, at += ROW) {
      if (i === this.row || view.readUInt32LE(at + FILE_AT) !== this.file) continue;
      for (let slot = first; slot < first + count; slot++) {
        const state = view[at + slot];
        if (state === EXCLUSIVE || (state === SHARED && mode === EXCLUSIVE)) return i;
      }
      if (barred >= 0 && view[at + barred] === EXCLUSIVE) return i;
    }
    return -1;
  }

  /** Clears the row that is in the way if its owner is dead. @param {number} row */
  breakRow(row) {
    const owner = this.ownerAt(row);
    if (owner !== '' && isAlive(owner, this.name)) return false;
    const done = exclusively(this.mutex, () => {
      this.read();
      // Rows get their owner under the mutex: one without is nobody's.
      if (this.ownerAt(row) === owner) this.clear(row);
      return true;
    });
    return done === true;
  }

  /** Whether anybody else holds `slot`. @param {number} slot */
  isHeld(slot) {
    this.read();
    for (let i = 0, n = this.rows(); i < n; i++) {
      const at = HEADER + i * ROW;
      if (i === this.row || this.view.readUInt32LE(at + FILE_AT) !== this.file || this.view[at + slot] === FREE) continue;
      if (isAlive(this.ownerAt(i), this.name)) return true;
    }
    return false;
  }

  /** As of the last acquire(). */
  get needsRecovery() {
    return this.view[RECOVER_AT] !== 0;
  }

  recoveryBegun() {
    fs.writeSync(this.fd, Buffer.from([0]), 0, 1, RECOVER_AT);
    this.view[RECOVER_AT] = 0;
  }
}

module.exports = { LockTable, LockTableLost, SLOT, FREE, SHARED, EXCLUSIVE };
