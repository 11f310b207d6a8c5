'use strict';
/**
 * The WAL index, shared between instances through two files.
 *
 * WebAssembly cannot map a file. So each instance has a *mirror* of the index in
 * its memory, which all its connections share. What the others need of it is in
 * files: the *head* in the lock table (lock-table.js), so that taking a lock and
 * looking at the head is one read; the page number of each frame in `FILE-shm`.
 * Hash tables stay at home: each instance makes its own from the page numbers.
 * *refresh* brings the files into the mirror, *publish* the mirror into the files;
 * the *shadow* is the head as last seen in, or written to, the table.
 *
 * The head, little-endian: the checkpoint words (nBackfill, five read marks,
 * nBackfillAttempted), 4 bytes each; at 28 how often the index was made invalid; at
 * 32 the *tail*, the page numbers of the last few frames of the current WAL, so that
 * a small commit is one write; at 112 both copies of the header (struct WalIndexHdr).
 * `FILE-shm` has 16 KB for each region of 4096 frames, where the region has them
 * (wal.c, "schematic view").
 *
 * The numbers are the rules of the design (docs/locks.md):
 * - refresh after every granted lock, also one granted within the instance (5),
 *   and fully after an exclusive lock on the database (1).
 * - publish before an exclusive lock is given up, never in xShmUnmap (1).
 * - The head is taken from the read that showed the lock to be ours, if it is as in
 *   the shadow and nobody has given up anything since the last such read; else it
 *   is read again until two reads agree (3). Page numbers after it.
 * - Out go page numbers, then the changed words, each as a word, then the tail and
 *   both copies of the header in one write (2, 4, 9). Without a change of the
 *   header nothing but words moves, since what lies beyond mxFrame is nobody's.
 *   All page numbers up to mxFrame are in `FILE-shm` or in the tail.
 * - After a recovery nobody goes on from the frames that he has (14): one that finds
 *   an empty WAL starts with salts 0, 0, as that WAL's first life did.
 * - For the same reason a recovered index without frames gets salts of its own (15):
 *   by salts and frames SQLite knows whether its cache of the database is still
 *   valid, and which frames a concurrent transaction has not seen.
 * - A refresh appends what is new as walIndexAppend() does, so a mirror's hash
 *   tables have no frame beyond its header, but those of a writer of its own (4).
 * - While a connection of ours holds WRITE, frames are not appended: it may have
 *   some that are not committed, and nobody else can have any (4).
 * - If publishing fails, the lock stays and the instance stops (8).
 *
 * A *raised* read mark is one that is higher in the mirror than in the head, whose
 * slot we hold shared: the file's, lower, keeps everybody else's checkpoint from
 * what our readers need, and spares a commit three writes. Our own checkpoints
 * read the mirror; so before them, and when the slot is given up, marks are as in
 * the file again (locks.js).
 */
const fs = require('fs');
const { openBeside } = require('./beside');
const { SLOT, SHARED, EXCLUSIVE, FREE, HEAD_AT, HEAD_END } = require('./lock-table');

/** A region in the mirror, and its part of FILE-shm, where its page numbers are; bytes. */
const REGION = 32768;
const NUMBERS = 16384;
/** Bytes before the page numbers of region 0: header, checkpoint words, lock bytes. */
const FIRST = 136;
/** Frames of a region; of the first one (wal.c, HASHTABLE_NPAGE, HASHTABLE_NPAGE_ONE). */
const FRAMES = 4096;
const FIRST_FRAMES = FRAMES - FIRST / 4;
const HASH_SLOTS = 2 * FRAMES;
/** walHash() */
const HASH = 383;
/** wal.c, WAL_VERSION1 and 2: the wal2 versions begin with 3021000. */
const VERSION_WAL2 = 3021000;

/** The head, in words of 4 bytes. */
const HEAD = (HEAD_END - HEAD_AT) / 4;
const WORDS = 7;
const RECOVERIES = 7;
const TAIL = { wal: 8, from: 9, count: 10, salt: 11, pages: 12 };
const TAIL_PAGES = 16;
const HEADER = 28;
const HEADER_WORDS = 24;
/** Of a header. */
const AT = { version: 0, mxFrame2: 1, isInit: 3, mxFrame: 4, salts: 8, checksum: 10 };
const COPY = HEADER_WORDS / 2;
/** Where the mirror has the words: behind the header, nBackfillAttempted after the lock bytes. */
const WORD_AT = [24, 25, 26, 27, 28, 29, 32];
/** Of the words: nBackfill, aReadMark[0]. */
const BACKFILL = 0;
const MARK = 1;
const NOT_USED = -1;

/** Two reads of the head differ as often as somebody writes in between. */
const MAX_READS = 1000;
/** How many statements long one expects that others write again. */
const EAGER = 64;

/** @param {Int32Array} words @param {number} at of a header */
function describe(words, at) {
  const second = words[at + AT.mxFrame2] >>> 0;
  const isWal2 = words[at + AT.version] >>> 0 >= VERSION_WAL2;
  return {
    isWal2,
    // Two bytes before it are bigEndCksum and szPage; isInit is the first byte of its word.
    isInit: (words[at + AT.isInit] & 0xff) !== 0,
    current: isWal2 ? second >>> 31 : 0,
    frames: [words[at + AT.mxFrame] >>> 0, isWal2 ? second & 0x7fffffff : 0],
    salts: [words[at + AT.salts], words[at + AT.salts + 1]],
  };
}

/** @typedef {ReturnType<typeof describe>} Header */

/** Whether `to` only has more frames in the current WAL than `from`. @param {Header} from @param {Header} to */
function continues(from, to) {
  return from.isInit && to.isInit && from.isWal2 === to.isWal2 && from.current === to.current
    && from.salts[0] === to.salts[0] && from.salts[1] === to.salts[1]
    && from.frames[to.current] <= to.frames[to.current] && from.frames[1 - to.current] === to.frames[1 - to.current];
}

/**
 * Cuts frames of a WAL into regions, and calls `each` with the region, the first
 * entry of it (from 1) and how many.
 * @param {Header} header
 * @param {number} wal
 * @param {number} first
 * @param {number} last
 * @param {(region: number, entry: number, count: number, frame: number) => void} each
 */
function eachRegion(header, wal, first, last, each) {
  const skipped = wal === 0 ? FRAMES - FIRST_FRAMES : 0;
  for (let frame = first; frame <= last; ) {
    const place = frame - 1 + skipped;
    const page = Math.floor(place / FRAMES);
    const end = Math.min(last, (page + 1) * FRAMES - skipped);
    const zero = page === 0 ? 0 : page * FRAMES - skipped;
    each(header.isWal2 ? 2 * page + wal : page, frame - zero, end - frame + 1, frame);
    frame = end + 1;
  }
}

class WalIndex {
  /**
   * @param {import('./engine').Engine} engine
   * @param {import('./lock-table').LockTable} table
   */
  constructor(engine, table) {
    this.engine = engine;
    this.table = table;
    /** Of FILE-shm. Without open() there is none, and the index is this instance's alone. */
    this.fd = -1;
    this.name = '';
    /** @type {number[]} addresses in the mirror; a region never moves */
    this.regions = [];
    this.shadow = new Int32Array(HEAD);
    this.head = new Int32Array(HEAD);
    this.out = new Int32Array(HEAD);
    /** @type {Uint16Array} on the engine's memory */ this.u16 = new Uint16Array(0);
    /** A connection of ours holds WRITE, or the database exclusively. */
    this.writing = false;
    /** A connection of ours has held RECOVER since the last publish. */
    this.recovered = false;
    /** Read marks (bits 0 to 4) that are higher in the mirror than in the file. */
    this.raised = 0;
    /** Statements before which it is worth to look whether others have written: see refreshEarly(). */
    this.eager = 0;
    /** Others have finished a checkpoint since a reader of ours last chose its slot. */
    this.finished = false;
  }

  /**
   * Attaches to the files. The first one empties them (7): what a crash left there
   * is worth nothing, and SQLite makes the index anew from the WAL.
   * @param {string} name
   * @param {string} database
   * @returns {boolean} false: busy
   */
  open(name, database) {
    const { table } = this;
    this.name = name;
    this.fd = openBeside(name, database);
    let isOpen = false;
    try {
      if (table.acquire(SLOT.attached, 1, EXCLUSIVE)) {
        fs.ftruncateSync(this.fd, 0);
        this.writeHead(0, HEAD);
        // One write makes it shared: nobody can come in between.
        table.put(SLOT.attached, 1, SHARED);
        isOpen = true;
      } else {
        isOpen = table.acquire(SLOT.attached, 1, SHARED);
      }
    } finally {
      if (!isOpen) this.close();
    }
    return isOpen;
  }

  close() {
    const { exports } = this.engine;
    for (const at of this.regions) if (this.engine.poisoned === null) exports.wf_free(at);
    this.regions = [];
    if (this.fd < 0) return;
    fs.closeSync(this.fd);
    this.fd = -1;
    if (this.table.attached && this.table.held[SLOT.attached] !== FREE) this.table.put(SLOT.attached, 1, FREE);
  }

  /** Whether there are other instances to keep up with. */
  get isShared() {
    return this.fd >= 0 && this.regions.length > 0;
  }

  /** Index of the mirror's header in engine.i32. */
  get at() {
    return this.regions[0] >> 2;
  }

  /**
   * The address of a region, 0 if there is none and none is to be made (11), -1 without memory.
   * @param {number} region
   * @param {boolean} extend
   */
  map(region, extend) {
    const { engine } = this;
    const size = this.fd < 0 ? this.regions.length * NUMBERS : fs.fstatSync(this.fd).size;
    const needed = (region + 1) * NUMBERS;
    if (size < needed) {
      if (!extend && region === 0) return 0;
      // Really written, so that a full disk shows here and not when it is too late (8).
      if (extend && this.fd >= 0) writeAll(this.fd, Buffer.alloc(needed - size), 0, needed - size, size);
    }
    while (this.regions.length <= region) {
      const next = this.regions.length;
      const at = engine.exports.wf_malloc(REGION);
      engine.fresh();
      if (at === 0) return -1;
      engine.u8.fill(0, at, at + REGION);
      this.regions.push(at);
      if (next === 0) this.refresh();
      else if (this.fd >= 0) this.append(describe(this.shadow, HEADER), null, this.shadow, next);
    }
    return this.regions[region];
  }

  /**
   * The table's head into this.head; false if it is as in the shadow.
   * @param {boolean} looked the table's view is from when the lock was taken
   */
  readHead(looked) {
    const { table } = this;
    if (!looked) table.readHead();
    if (this.isShadow() && !(looked && table.othersChanged)) return false;
    for (let i = 0; i < MAX_READS; i++) {
      this.takeHead();
      table.readHead();
      if (this.isHead()) return !this.isShadow();
    }
    throw new Error('the WAL index does not come to rest');
  }

  /** Whether the head in the table's view is as in the shadow. */
  isShadow() {
    return sameWords(this.table.words, HEAD_AT / 4, this.shadow, 0, HEAD);
  }

  isHead() {
    return sameWords(this.table.words, HEAD_AT / 4, this.head, 0, HEAD);
  }

  takeHead() {
    this.head.set(this.table.words.subarray(HEAD_AT / 4, HEAD_END / 4));
  }

  /**
   * The files into the mirror.
   * @param {boolean} [looked] the lock has just been taken in the table
   * @param {boolean} [all] every frame, whatever the header says
   */
  refresh(looked = false, all = false) {
    if (!this.isShared) return;
    if (!this.readHead(looked)) {
      if (!all) return;
      this.takeHead();
    }
    const { head, shadow, at } = this;
    const { i32 } = this.engine;
    const anew = all || head[RECOVERIES] !== shadow[RECOVERIES];
    if (!this.writing && (anew || !sameWords(head, HEADER, shadow, HEADER, HEADER_WORDS))) {
      this.eager = EAGER;
      this.append(describe(head, HEADER), anew ? null : describe(shadow, HEADER), head);
      i32.set(head.subarray(HEADER), at);
      shadow.set(head.subarray(RECOVERIES), RECOVERIES);
    }
    const backfill = shadow[BACKFILL];
    for (let word = 0; word < WORDS; word++) {
      if (head[word] === shadow[word]) continue;
      // A word of ours that is not published yet is one that we hold the lock for.
      if (i32[at + WORD_AT[word]] === shadow[word]) i32[at + WORD_AT[word]] = head[word];
      shadow[word] = head[word];
    }
    if (shadow[BACKFILL] !== backfill && this.isBackfilled) this.finished = true;
  }

  /**
   * The frames that `to` has and `from` has not into the mirror's pages and hash tables.
   * @param {Header} to
   * @param {Header | null} from
   * @param {Int32Array} head with the tail that belongs to `to`
   * @param {number} [only] one region
   */
  append(to, from, head, only = -1) {
    if (!to.isInit) return;
    const goesOn = from !== null && continues(from, to);
    for (const wal of to.isWal2 ? [0, 1] : [0]) {
      const last = to.frames[wal];
      const first = goesOn ? /** @type {Header} */ (from).frames[wal] + 1 : 1;
      // What is not in the file is in the tail.
      const tail = wal === to.current ? head[TAIL.from] >>> 0 : last;
      if (wal === to.current && (head[TAIL.wal] !== wal || head[TAIL.salt] !== to.salts[0] || tail + head[TAIL.count] !== last)) {
        throw new Error('the tail of the WAL index is not of its header');
      }
      eachRegion(to, wal, first, last, (region, entry, count, frame) => {
        if (region >= this.regions.length || (only >= 0 && region !== only)) return;
        this.appendTo(region, entry, count, frame, tail, head);
      });
    }
  }

  /**
   * As walIndexAppend() for `count` frames of a region.
   * @param {number} region
   * @param {number} entry from 1
   * @param {number} count
   * @param {number} frame of the first entry
   * @param {number} tail frames beyond it are in the head's tail
   * @param {Int32Array} head
   */
  appendTo(region, entry, count, frame, tail, head) {
    const { engine } = this;
    const { i32, u8 } = engine;
    const base = this.regions[region];
    const numbers = this.numbersOf(region);
    const hash = (base + NUMBERS) >> 1;
    if (this.u16.buffer !== u8.buffer) this.u16 = new Uint16Array(u8.buffer);
    const { u16 } = this;
    if (entry === 1) {
      u8.fill(0, (numbers + 1) << 2, base + REGION);
    } else if (i32[numbers + entry] !== 0) {
      // Left by a transaction of ours that was rolled back.
      for (let i = hash; i < hash + HASH_SLOTS; i++) if (u16[i] >= entry) u16[i] = 0;
      u8.fill(0, (numbers + entry) << 2, base + NUMBERS);
    }
    const written = Math.max(0, Math.min(count, tail - frame + 1));
    if (written > 0) {
      const at = (numbers + entry) << 2;
      readAll(this.fd, u8, at, 4 * written, region * NUMBERS + (at - base));
    }
    for (let i = written; i < count; i++) i32[numbers + entry + i] = head[TAIL.pages + (frame + i - tail - 1)];
    for (let i = entry; i < entry + count; i++) {
      const page = i32[numbers + i];
      if (page === 0) throw new Error(`${this.name} has lost a page number`);
      let key = Math.imul(page, HASH) & (HASH_SLOTS - 1);
      while (u16[hash + key] !== 0) key = (key + 1) & (HASH_SLOTS - 1);
      u16[hash + key] = i;
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

  /** The mirror into the files. Throws if they cannot be written. */
  publish() {
    if (!this.isShared) return;
    const { shadow, out, at } = this;
    const { i32 } = this.engine;
    const same = sameWords(i32, at, shadow, HEADER, HEADER_WORDS);
    if (!same) {
      if (this.recovered) this.stamp();
      for (let i = 0; i < HEADER_WORDS; i++) out[HEADER + i] = i32[at + i];
      this.publishFrames(describe(shadow, HEADER), describe(out, HEADER));
    }
    for (let word = 0; word < WORDS; word++) {
      if (this.raised !== 0 && (this.raised << MARK) & (1 << word)) continue;
      const value = i32[at + WORD_AT[word]];
      if (value === shadow[word]) continue;
      const known = shadow[word];
      shadow[word] = value;
      try {
        this.writeHead(word, 1);
      } catch (error) {
        shadow[word] = known;
        throw error;
      }
    }
    if (!same) {
      shadow.set(out.subarray(TAIL.wal), TAIL.wal);
      this.writeHead(TAIL.wal, HEAD - TAIL.wal);
      this.recovered = false;
    }
  }

  /**
   * Gives the WAL that begins after a recovery from an empty one the salts 0 and the count of recoveries. (In any other
   * the first is not 0; the first life's are 0, 0.) Whoever has recovered the header sees it change, and reads it again.
   */
  stamp() {
    const { at, shadow } = this;
    const { i32 } = this.engine;
    const { isInit, isWal2, frames, salts } = describe(i32, at);
    if (describe(shadow, HEADER).isInit || !isInit || isWal2 || frames[0] > 0 || salts[0] !== 0) return;
    i32[at + AT.salts + 1] = shadow[RECOVERIES];
    let [first, second] = [0, 0];
    for (let i = 0; i < AT.checksum; i += 2) {
      first = (first + i32[at + i] + second) | 0;
      second = (second + i32[at + i + 1] + first) | 0;
    }
    i32[at + AT.checksum] = first;
    i32[at + AT.checksum + 1] = second;
    i32.copyWithin(at + COPY, at, at + COPY);
  }

  /**
   * The page numbers of what is new into this.out's tail, or into FILE-shm.
   * @param {Header} from
   * @param {Header} to
   */
  publishFrames(from, to) {
    const { shadow, out } = this;
    const wal = to.current;
    const last = to.frames[wal];
    const goesOn = !this.recovered && continues(from, to);
    const since = goesOn ? shadow[TAIL.from] >>> 0 : 0;
    out[TAIL.wal] = wal;
    out[TAIL.salt] = to.salts[0];
    if (goesOn && last - since <= TAIL_PAGES) {
      const known = from.frames[wal] - since;
      for (let i = 0; i < known; i++) out[TAIL.pages + i] = shadow[TAIL.pages + i];
      out[TAIL.from] = since;
      out[TAIL.count] = last - since;
      eachRegion(to, wal, from.frames[wal] + 1, last, (region, entry, count, frame) => {
        const numbers = this.numbersOf(region) + entry;
        for (let i = 0; i < count; i++) out[TAIL.pages + (frame + i - since - 1)] = this.engine.i32[numbers + i];
      });
      return;
    }
    out[TAIL.from] = last;
    out[TAIL.count] = 0;
    for (const each of to.isWal2 ? [0, 1] : [0]) {
      if (goesOn && each !== wal) continue;
      eachRegion(to, each, each === wal ? since + 1 : 1, to.frames[each], (region, entry, count) => {
        const at = (this.numbersOf(region) + entry) << 2;
        writeAll(this.fd, this.engine.u8, at, 4 * count, region * NUMBERS + (at - this.regions[region]));
      });
    }
  }

  /** Index in engine.i32 of the page number before the first, since entries count from 1. @param {number} region */
  numbersOf(region) {
    return ((this.regions[region] + (region === 0 ? FIRST : 0)) >> 2) - 1;
  }

  /** Words of the shadow into the table. @param {number} first @param {number} count */
  writeHead(first, count) {
    const bytes = new Uint8Array(this.shadow.buffer, 4 * first, 4 * count);
    writeAll(this.table.fd, bytes, 0, 4 * count, HEAD_AT + 4 * first);
  }

  /**
   * Makes the header invalid everywhere, so that whoever reads it next recovers
   * the index from the WAL (6). Under WRITE, or an exclusive lock on the database.
   */
  invalidate() {
    if (this.fd < 0) return;
    if (this.regions.length > 0) this.engine.i32.fill(0, this.at, this.at + HEADER_WORDS);
    this.shadow.fill(0, TAIL.wal);
    this.shadow[RECOVERIES]++;
    this.writeHead(RECOVERIES, HEAD - RECOVERIES);
    this.table.recoveryBegun();
  }

  get isWal2() {
    return this.engine.i32[this.at + AT.version] >>> 0 >= VERSION_WAL2;
  }

  /** Whether a checkpoint has copied all that it may: the WAL, in wal2 mode the one that is not written to. */
  get isBackfilled() {
    const backfill = this.engine.i32[this.at + WORD_AT[BACKFILL]];
    return backfill === (this.isWal2 ? 1 : this.engine.i32[this.at + AT.mxFrame]);
  }

  /** Those of the slots (bits) whose read mark may be raised: the file has one that others go by. @param {number} slots */
  raisable(slots) {
    let result = 0;
    for (let slot = SLOT.read + 1, rest = slots >> slot; rest !== 0; slot++, rest >>= 1) {
      if ((rest & 1) === 0) continue;
      const mark = this.shadow[MARK + slot - SLOT.read];
      if (mark !== NOT_USED && mark >>> 0 <= this.engine.i32[this.at + AT.mxFrame] >>> 0) result |= 1 << slot;
    }
    return result;
  }

  /** After SQLite has set the mark of a slot that we hold shared. @param {number} slot */
  raise(slot) {
    const mark = slot - SLOT.read;
    const at = this.at + WORD_AT[MARK + mark];
    const known = this.shadow[MARK + mark];
    if (this.engine.i32[at] >>> 0 < known >>> 0) this.engine.i32[at] = known; // SQLite will see, and begin again
    if (this.engine.i32[at] !== known) this.raised |= 1 << mark;
  }

  /** The marks of slots as in the file again. @param {number} slots bits */
  lower(slots) {
    const marks = this.raised & (slots >> SLOT.read);
    if (marks === 0) return;
    this.raised &= ~marks;
    for (let mark = 0; mark < 5; mark++) {
      if (marks & (1 << mark)) this.engine.i32[this.at + WORD_AT[MARK + mark]] = this.shadow[MARK + mark];
    }
  }

  /** A mark whose slot we hold exclusively is to be published. @param {number} slot */
  settle(slot) {
    this.raised &= ~(1 << (slot - SLOT.read));
    this.publish();
  }
}

/** @param {Int32Array} a @param {number} from @param {Int32Array} b @param {number} at @param {number} count */
function sameWords(a, from, b, at, count) {
  for (let i = 0; i < count; i++) if (a[from + i] !== b[at + i]) return false;
  return true;
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

/**
 * @param {number} fd
 * @param {Uint8Array} to
 * @param {number} at
 * @param {number} bytes
 * @param {number} offset
 */
function readAll(fd, to, at, bytes, offset) {
  for (let done = 0; done < bytes; ) {
    const n = fs.readSync(fd, to, at + done, bytes - done, offset + done);
    if (n === 0) throw new Error('the WAL index is shorter than its header says');
    done += n;
  }
}

module.exports = { WalIndex };
