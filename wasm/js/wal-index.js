'use strict';
/**
 * The WAL index, shared between instances through the file `FILE-shm`.
 *
 * WebAssembly cannot map a file. So each instance has a *mirror* of the index in
 * its memory, which all its connections share, and a *shadow*: the first 136
 * bytes (header and checkpoint words, wal.c "schematic view") as last seen in, or
 * written to, the file. *refresh* brings the file into the mirror, *publish* the
 * mirror into the file. The numbers are the rules of the design (docs/locks.md):
 *
 * - refresh after every granted lock, also one granted within the instance (5),
 *   and fully after an exclusive lock on the database (1).
 * - publish before an exclusive lock is given up, never in xShmUnmap (1).
 * - The 136 bytes are read in one read, twice until both agree, unless they are
 *   as in the shadow; hash pages after them (3).
 * - Out go hash pages whole, then the changed checkpoint words, each as a word,
 *   then both copies of the header in one write (2, 4, 9). Without a change of
 *   the header no page moves in either direction, since what lies beyond mxFrame
 *   is nobody's.
 * - While a connection of ours holds WRITE, pages are not loaded: it may have
 *   frames in them that are not committed, and nobody else can have any (4).
 * - If publishing fails, the lock stays and the instance stops (8).
 */
const fs = require('fs');
const { openBeside } = require('./beside');
const { SLOT, SHARED, EXCLUSIVE } = require('./lock-table');

const REGION = 32768;
/** Both copies of the header, the checkpoint words, the lock bytes, nBackfillAttempted. */
const HEAD = 136;
/** Of the header (struct WalIndexHdr), twice. */
const HEADERS = 96;
const AT = { version: 0, mxFrame2: 4, isInit: 12, mxFrame: 16, salts: 32, copy: 48 };
/** nBackfill, the five read marks; then, behind the lock bytes, nBackfillAttempted. */
const WORDS = [96, 100, 104, 108, 112, 116, 128];
/** Frames a hash page has room for; the first page has the header, too (wal.c, HASHTABLE_NPAGE, HASHTABLE_NPAGE_ONE). */
const FRAMES = 4096;
const FIRST_FRAMES = FRAMES - HEAD / 4;
/** wal.c, WAL_VERSION1 and 2: the wal2 versions begin with 3021000. */
const VERSION_WAL2 = 3021000;
/** Two reads of the head differ as often as somebody writes in between. */
const MAX_READS = 1000;
/** How many statements long one expects that others write again. */
const EAGER = 64;

/** @param {Buffer} head */
function describe(head) {
  const second = head.readUInt32LE(AT.mxFrame2);
  const isWal2 = head.readUInt32LE(AT.version) >= VERSION_WAL2;
  return {
    isWal2,
    isInit: head[AT.isInit] !== 0,
    current: isWal2 ? second >>> 31 : 0,
    frames: [head.readUInt32LE(AT.mxFrame), isWal2 ? second & 0x7fffffff : 0],
  };
}

/** The page of a WAL's own numbering that has the entry of a frame. @param {number} wal @param {number} frame from 1 */
function pageOf(wal, frame) {
  return wal === 0 ? Math.floor((frame + FRAMES - FIRST_FRAMES - 1) / FRAMES) : Math.floor((frame - 1) / FRAMES);
}

/**
 * The pages that differ between two states of the header.
 * @param {Buffer} from
 * @param {Buffer} to
 * @param {boolean} all
 */
function changedPages(from, to, all) {
  const a = describe(from);
  const b = describe(to);
  const same = !all && a.isInit && b.isInit && a.isWal2 === b.isWal2 && a.current === b.current && from.compare(to, AT.salts, AT.salts + 8, AT.salts, AT.salts + 8) === 0;
  const pages = [];
  for (const wal of b.isWal2 ? [0, 1] : [0]) {
    const last = b.frames[wal];
    const known = same && last >= a.frames[wal] ? a.frames[wal] : 0;
    if (last <= known) continue;
    for (let page = pageOf(wal, known + 1); page <= pageOf(wal, last); page++) pages.push(b.isWal2 ? 2 * page + wal : page);
  }
  return pages;
}

class WalIndex {
  /**
   * @param {import('./engine').Engine} engine
   * @param {import('./lock-table').LockTable | null} table null: nobody else can have the database, the index is ours alone
   */
  constructor(engine, table) {
    this.engine = engine;
    this.table = table;
    this.fd = -1;
    /** @type {number[]} addresses in the mirror; a region never moves */
    this.regions = [];
    this.shadow = Buffer.alloc(HEAD);
    this.head = Buffer.alloc(HEAD);
    this.again = Buffer.alloc(HEAD);
    this.page = Buffer.alloc(0);
    /** A connection of ours holds WRITE, or the database exclusively. */
    this.writing = false;
    /** A connection of ours has held RECOVER since the last publish. */
    this.recovered = false;
    /** Statements before which it is worth to look whether others have written: see refreshEarly(). */
    this.eager = 0;
  }

  /**
   * Attaches to the file. The first one empties it (7): what a crash left there is
   * worth nothing, and SQLite makes the index anew from the WAL.
   * @param {string} name
   * @param {string} database
   * @returns {boolean} false: busy
   */
  open(name, database) {
    if (this.table === null) return true;
    this.fd = openBeside(name, database);
    const { table } = this;
    if (table.acquire(SLOT.attached, 1, EXCLUSIVE)) {
      fs.ftruncateSync(this.fd, 0);
      // One byte changes from exclusive to shared: nobody can come in between.
      table.put(SLOT.attached, 1, SHARED);
      return true;
    }
    if (table.acquire(SLOT.attached, 1, SHARED)) return true;
    this.close();
    return false;
  }

  close() {
    const { exports } = this.engine;
    for (const at of this.regions) if (this.engine.poisoned === null) exports.wf_free(at);
    this.regions = [];
    if (this.fd < 0) return;
    fs.closeSync(this.fd);
    this.fd = -1;
    if (this.table?.held[SLOT.attached]) this.table.put(SLOT.attached, 1, 0);
  }

  /** The mirror's head. */
  mirror() {
    return this.engine.bytes.subarray(this.regions[0], this.regions[0] + HEAD);
  }

  /**
   * The address of a region, 0 if there is none and none is to be made (11), -1 without memory.
   * @param {number} region
   * @param {boolean} extend
   */
  map(region, extend) {
    const { engine } = this;
    const size = this.fd < 0 ? this.regions.length * REGION : fs.fstatSync(this.fd).size;
    if (size < (region + 1) * REGION) {
      if (!extend && region === 0) return 0;
      // Really written, so that a full disk shows here and not when it is too late (8).
      if (extend && this.fd >= 0) writeAll(this.fd, Buffer.alloc((region + 1) * REGION - size), 0, (region + 1) * REGION - size, size);
    }
    while (this.regions.length <= region) {
      const next = this.regions.length;
      const at = engine.exports.wf_malloc(REGION);
      engine.fresh();
      if (at === 0) return -1;
      engine.u8.fill(0, at, at + REGION);
      this.regions.push(at);
      if (next === 0) this.refresh();
      else if (this.fd >= 0) this.load(next);
    }
    return this.regions[region];
  }

  /** @param {number} region */
  load(region) {
    const skip = region === 0 ? HEAD : 0;
    const at = this.regions[region];
    fs.readSync(this.fd, this.engine.u8, at + skip, REGION - skip, region * REGION + skip);
  }

  /** The file's head into this.head; false if it is as in the shadow. */
  readHead() {
    this.readInto(this.head);
    if (this.head.equals(this.shadow)) return false;
    for (let i = 0; i < MAX_READS; i++) {
      this.readInto(this.again);
      if (this.again.equals(this.head)) return true;
      [this.head, this.again] = [this.again, this.head];
    }
    throw new Error('the WAL index does not come to rest');
  }

  /** @param {Buffer} to */
  readInto(to) {
    const n = fs.readSync(this.fd, to, 0, HEAD, 0);
    if (n < HEAD) to.fill(0, n);
    // The lock bytes are nobody's.
    to.fill(0, 120, 128);
  }

  /** The file into the mirror. @param {boolean} [all] every page, whatever the header says */
  refresh(all = false) {
    if (this.fd < 0 || this.regions.length === 0) return;
    if (!this.readHead() && !all) return;
    const { head, shadow } = this;
    const mirror = this.mirror();
    if (!this.writing && (all || head.compare(shadow, 0, HEADERS, 0, HEADERS) !== 0)) {
      this.eager = EAGER;
      for (const page of changedPages(shadow, head, all)) if (page < this.regions.length) this.load(page);
      head.copy(mirror, 0, 0, HEADERS);
      head.copy(shadow, 0, 0, HEADERS);
    }
    for (const word of WORDS) {
      const theirs = head.readUInt32LE(word);
      const known = shadow.readUInt32LE(word);
      if (theirs === known) continue;
      // A word of ours that is not published yet is one that we hold the lock for.
      if (mirror.readUInt32LE(word) === known) mirror.writeUInt32LE(theirs, word);
      shadow.writeUInt32LE(theirs, word);
    }
  }

  /**
   * Before a statement begins, or after a pause. SQLite reads the header first and
   * then takes its read lock; if the header has changed by then it begins again,
   * with growing pauses. A mirror that is as old as the last statement would make
   * it do so each time that others have written since. Where nobody else writes,
   * this costs nothing.
   */
  refreshEarly() {
    if (this.eager === 0) return;
    this.eager--;
    try {
      this.refresh();
    } catch {
      // The lock that follows will say so.
    }
  }

  /** The mirror into the file. Throws if it cannot be written. */
  publish() {
    if (this.fd < 0 || this.regions.length === 0) return;
    const { shadow, fd } = this;
    const mirror = this.mirror();
    const headerChanged = mirror.compare(shadow, 0, HEADERS, 0, HEADERS) !== 0;
    if (headerChanged) {
      for (const page of changedPages(shadow, mirror, this.recovered)) {
        const skip = page === 0 ? HEAD : 0;
        writeAll(fd, this.engine.u8, this.regions[page] + skip, REGION - skip, page * REGION + skip);
      }
    }
    for (const word of WORDS) {
      if (mirror.readUInt32LE(word) === shadow.readUInt32LE(word)) continue;
      writeAll(fd, mirror, word, 4, word);
      mirror.copy(shadow, word, word, word + 4);
    }
    if (headerChanged) {
      writeAll(fd, mirror, 0, HEADERS, 0);
      mirror.copy(shadow, 0, 0, HEADERS);
      this.recovered = false;
    }
  }

  /**
   * Makes the header invalid everywhere, so that whoever reads it next recovers
   * the index from the WAL (6). Under WRITE, or an exclusive lock on the database.
   */
  invalidate() {
    if (this.fd < 0) return;
    const zeros = Buffer.alloc(HEADERS);
    if (this.regions.length > 0) zeros.copy(this.mirror());
    zeros.copy(this.shadow);
    writeAll(this.fd, zeros, 0, HEADERS, 0);
    this.table?.recoveryBegun();
  }
}

/**
 * @param {number} fd
 * @param {Uint8Array} from
 * @param {number} at
 * @param {number} bytes
 * @param {number} offset
 */
function writeAll(fd, from, at, bytes, offset) {
  for (let done = 0; done < bytes; ) done += fs.writeSync(fd, from, at + done, bytes - done, offset + done);
}

module.exports = { WalIndex, changedPages, HEAD };
