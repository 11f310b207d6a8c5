'use strict';
/**
 * SQLite's locks, of the file and of the WAL index.
 *
 * A node stands for a file (by device and inode) within this instance, as
 * unixInodeInfo and unixShmNode do in os_unix.c: its connections settle their
 * locks among themselves first. Only the first holder of a lock takes it in the
 * lock table, where the other instances look (lock-table.js), and only the last
 * one gives it back there.
 *
 * The order of refresh and publish (wal-index.js) against the table is what makes
 * the index right: a lock is taken, then the index refreshed; the index is
 * published, then the lock given up.
 */
const fs = require('fs');
const clock = require('./clock');
const { codes } = require('./errors');
const { LockTable, LockTableLost, SLOT, FREE, SHARED, EXCLUSIVE } = require('./lock-table');
const { WalIndex } = require('./wal-index');
const { foreignLocks } = require('./foreign-locks');
const { warnOnce } = require('./warn');

/** sqlite.org/lockingv3.html */
const LEVEL = { none: 0, shared: 1, reserved: 2, pending: 3, exclusive: 4 };
const SHM = { unlock: 1, shared: 4 };
const SLOTS = 8;
/** So many read locks in so many milliseconds are a burst. */
const BURST = 64;
const BURST_MS = 8;
/** For so many milliseconds none is kept after somebody wished one back; the second, who waits for it (and sleeps up to 100 ms between two attempts). */
const PAUSE_MS = [1, 150];
/** How long a checkpoint looks for read locks to be given back, on top of what SQLite's busy handler does. */
const PATIENCE_MS = 0.2;

/** @typedef {import('./vfs').OpenFile} OpenFile */

class FileNode {
  /** @param {string} key @param {string} name */
  constructor(key, name) {
    this.key = key;
    this.name = name;
    this.files = 0;
    this.table = new LockTable(name, key);
    /** The folder takes no lock table: whoever only reads goes without (see joinTable). */
    this.alone = false;
    this.othersMayCome = false;
    /** Writing the database failed and has not succeeded since: its WAL must stay (13). */
    this.failed = false;
    /** @type {Set<OpenFile>} */
    this.shared = new Set();
    /** @type {OpenFile | null} */ this.reserved = null;
    /** @type {OpenFile | null} */ this.pending = null;
    /** @type {OpenFile | null} */ this.exclusive = null;
    /** @type {WalIndex | null} */ this.index = null;
    /** @type {Set<OpenFile>} */
    this.attached = new Set();
    /** @type {Set<OpenFile>[]} */
    this.slotShared = Array.from({ length: SLOTS }, () => new Set());
    /** @type {(OpenFile | null)[]} */
    this.slotExclusive = new Array(SLOTS).fill(null);
    /** Read slots (bits) that we have shared in the table, though no connection has. */
    this.kept = 0;
    /** Slots (bits) that a connection has exclusively, and we have shared in the table: see takeExclusive(). */
    this.inside = 0;
    /** We have WRITE in the table, though no connection has: see takeAhead(). */
    this.ahead = false;
    /** The index is as it was when we took it ahead, or later. Not so if the stack was full in between. */
    this.looked = false;
    this.burst = new Burst();
  }

  /** Whether somebody who may write has come since we went without a table. */
  isJoined() {
    return this.othersMayCome && fs.existsSync(this.table.name);
  }

  /** Gives WRITE back if no connection has asked for it. */
  dropAhead() {
    if (!this.ahead) return;
    this.ahead = false;
    this.table.put(SLOT.write, 1, FREE);
  }

  /** Gives back the locks that no connection has. */
  giveBack() {
    this.dropAhead();
    for (let slot = SLOT.read; this.kept !== 0 && slot < SLOTS; slot++) {
      const bit = 1 << slot;
      if (!(this.kept & ~this.inside & bit)) continue;
      this.kept &= ~bit;
      this.index?.lower(bit);
      this.table.put(slot, 1, FREE);
    }
  }
}

/**
 * Whether read locks come so fast, in one turn of the event loop, that it is worth
 * to keep one between two statements. A kept lock keeps others from finishing a
 * checkpoint, so that it must not be left behind for long: it goes at the end of the
 * turn, and when somebody wishes it back (lock-table.js), for which it is looked
 * at every read lock. Only a thread that reads fast and then blocks, before its
 * event loop turns, keeps one; as it would with a read transaction left open.
 */
class Burst {
  constructor() {
    this.count = 0;
    this.since = 0;
    this.isOn = false;
    /** No read lock is kept until then. */
    this.pausedUntil = 0;
    /** As last seen. */
    this.wishes = 0;
    this.demands = 0;
  }

  /** To be called at each read lock. @param {import('./lock-table').LockTable} table */
  next(table) {
    const { wishes, demands } = table;
    if (wishes !== this.wishes || demands !== this.demands) {
      const pause = clock.now() + PAUSE_MS[demands !== this.demands ? 1 : 0];
      this.pausedUntil = Math.max(this.pausedUntil, pause);
      this.wishes = wishes;
      this.demands = demands;
      this.isOn = false;
      this.count = 0;
    }
    if (++this.count < BURST) return;
    const now = clock.now();
    this.isOn = now - this.since < BURST_MS && now > this.pausedUntil;
    this.since = now;
    this.count = 0;
  }
}

class FileNodes {
  /** @param {import('./engine').Engine} engine */
  constructor(engine) {
    this.engine = engine;
    /** @type {Map<string, FileNode>} */
    this.nodes = new Map();
    /** @type {Set<WalIndex>} those that other instances may have, too */
    this.indexes = new Set();
    /** Whether endTurn() is going to be called. */
    this.waits = false;
    /** Slots (bits) of the last attempt that failed; and of the one after which the busy handler slept. */
    this.denied = 0;
    this.awaited = 0;
    /** @type {FileNode | null} where a connection has got WRITE since somebody set this to null */
    this.written = null;
    this.patience = PATIENCE_MS;
  }

  /** Kept read locks go at the end of the event loop's turn. */
  awaitEndOfTurn() {
    if (this.waits) return;
    this.waits = true;
    clock.afterTurn(() => {
      this.waits = false;
      this.endTurn();
    });
  }

  /** Before a pause: who holds up what we wait for may be waiting for a lock that we keep. */
  beforeSleep() {
    this.endTurn();
    this.awaited = this.denied;
    this.denied = 0;
  }

  endTurn() {
    if (this.engine.isDead()) return;
    try {
      for (const node of this.nodes.values()) {
        node.table.catchUp();
        node.giveBack();
      }
    } catch {
      // The next lock says what is wrong with the table.
    }
  }

  /**
   * Before a statement that began a write transaction on this node when it ran last.
   * It would look at the index when it gets its read lock, which is kept, and again
   * when it gets WRITE. With WRITE first, one look does for both.
   * @param {FileNode} node
   */
  takeAhead(node) {
    const { index, table } = node;
    if (node.kept === 0 || index === null || node.slotExclusive[SLOT.write] !== null || this.engine.isDead()) return;
    try {
      node.looked = false;
      if (!table.acquire(SLOT.write, 1, EXCLUSIVE)) return;
      node.ahead = true;
      index.refresh(true);
      node.looked = true;
    } catch {
      // The lock that follows will say so.
      this.dropAhead(node);
    }
  }

  /** After it. @param {FileNode} node */
  dropAhead(node) {
    if (node.ahead) this.guarded(codes.IOERR_SHMLOCK, () => (node.dropAhead(), 0));
  }

  /** Whether refreshEarly() has anything to do. */
  get isEager() {
    if (this.indexes.size === 0) return false;
    for (const index of this.indexes) if (index.eager > 0) return true;
    return false;
  }

  /** See WalIndex.refreshEarly(). @param {boolean} [always] also where nobody else has written lately */
  refreshEarly(always = false) {
    for (const index of this.indexes) {
      if (always) index.eager = Math.max(index.eager, 1);
      index.refreshEarly();
    }
  }

  /** @param {OpenFile} file */
  attach(file) {
    const { dev, ino } = fs.fstatSync(file.fd, { bigint: true });
    const key = `${dev}:${ino}`;
    let node = this.nodes.get(key);
    if (node === undefined) this.nodes.set(key, (node = new FileNode(key, file.name)));
    node.files++;
    return node;
  }

  /** @param {OpenFile} file @param {FileNode} node */
  detach(file, node) {
    this.unlock(node, file, LEVEL.none);
    if (--node.files > 0) return;
    this.nodes.delete(node.key);
    node.table.detach();
  }

  /** Whether `name` is a WAL that has what its database lacks (13). @param {string} name */
  mustKeep(name) {
    for (const node of this.nodes.values()) {
      if (node.failed && (name === `${node.name}-wal` || name === `${node.name}-wal2`)) return true;
    }
    return false;
  }

  /**
   * Before a WAL is truncated. SQLite has just said in the index that no frame is left. If we were killed between
   * the two, others would look for the frames of the old index in an empty file.
   * @param {string} name
   */
  mayEmpty(name) {
    for (const node of this.nodes.values()) {
      if (name === `${node.name}-wal` && node.index?.writing) return this.publish(node);
    }
    return true;
  }

  /** Gives everything up, as the end of the process would. */
  abandon() {
    for (const node of this.nodes.values()) {
      node.index?.close();
      node.index = null;
      node.table.detach();
    }
    this.indexes.clear();
    this.nodes.clear();
  }

  /**
   * Runs `body`, which uses the lock table or the WAL index. What the instance
   * cannot go on after stops it, locks held.
   * @param {number} code for an ordinary error
   * @param {() => number} body
   */
  guarded(code, body) {
    // After an interrupted call, nothing is changed any more: abandon() leaves as the dead do.
    if (this.engine.isDead()) return code;
    try {
      return body();
    } catch (error) {
      // A full stack leaves anything half done: the call ends here, and the instance gives up everything.
      if (error instanceof RangeError) throw error;
      if (error instanceof LockTableLost) this.engine.stop(error.message);
      else this.catchUp();
      return this.engine.vfs.failed(error, code);
    }
  }

  /** After an error in the midst of something; if it lasts, again at the end of the turn. */
  catchUp() {
    for (const node of this.nodes.values()) if (!node.table.catchUp()) this.awaitEndOfTurn();
  }

  /**
   * Publishes, or stops the instance: SQLite does not look at the result of an unlock.
   * @param {FileNode} node
   */
  publish(node) {
    try {
      node.index?.publish();
      return true;
    } catch (error) {
      if (error instanceof RangeError) throw error;
      this.engine.stop(`the WAL index of ${node.name} could not be written (${error instanceof Error ? error.message : error})`);
      return false;
    }
  }

  /**
   * Joins the lock table at the first lock. Returns SQLite's code.
   * @param {FileNode} node
   */
  joinTable(node) {
    if (node.table.attached || node.alone) return 0;
    const native = foreignLocks(node.name);
    if (native !== null) {
      warnOfNative(node.name, native);
      return codes.BUSY;
    }
    try {
      return node.table.attach() ? 0 : codes.BUSY;
    } catch (error) {
      return this.goAlone(node, /** @type {NodeJS.ErrnoException} */ (error));
    }
  }

  /**
   * The folder takes no new file. Where nobody may write, a reader needs no lock;
   * who could write gets an error.
   * @param {FileNode} node
   * @param {NodeJS.ErrnoException} error
   */
  goAlone(node, error) {
    // Not of the system, or not what a lock table is: SQLite's code alone would not tell where to look.
    if (error.code === undefined || error.code === 'EISDIR' || error.code === 'ELOOP') {
      warnOnce(node.table.name, 'WASMFIX_LOCK_TABLE', `${node.name} cannot be locked: ${error.message}`);
    }
    if (!['EACCES', 'EROFS', 'EPERM', 'ERR_ACCESS_DENIED'].includes(error.code ?? '')) return this.engine.vfs.failed(error, codes.IOERR_LOCK);
    if (error.code !== 'EROFS') {
      if (fs.existsSync(node.table.name)) return codes.READONLY_CANTLOCK;
      try {
        fs.accessSync(node.name, fs.constants.W_OK);
        return codes.READONLY_CANTLOCK;
      } catch {
        // Not for us to write.
      }
    }
    node.alone = true;
    node.othersMayCome = error.code !== 'EROFS';
    return 0;
  }

  /**
   * @param {FileNode} node
   * @param {OpenFile} file
   * @param {number} level
   */
  lock(node, file, level) {
    return this.guarded(codes.IOERR_LOCK, () => {
      if (level === LEVEL.shared) return this.lockShared(node, file);
      const { table } = node;
      if (node.reserved !== null && node.reserved !== file) return codes.BUSY;
      if (node.pending !== null && node.pending !== file) return codes.BUSY;
      // Not on the way from shared to exclusive: whoever rolls back a hot journal must not seem to be its writer.
      if (level === LEVEL.reserved && node.reserved === null) {
        if (!node.alone && !table.acquire(SLOT.reserved, 1, EXCLUSIVE)) return codes.BUSY;
        node.reserved = file;
      }
      if (level < LEVEL.pending) return 0;
      // A writer that waits for the readers to leave lets no new ones in. Only a writer: who asks for EXCLUSIVE
      // without RESERVED (a hot journal, locking_mode in wal) would keep PENDING after it was refused.
      if (node.pending === null && node.reserved === file) {
        if (!node.alone && !table.acquire(SLOT.pending, 1, EXCLUSIVE)) return codes.BUSY;
        node.pending = file;
      }
      if (level < LEVEL.exclusive) return 0;
      if (node.shared.size > 1) return codes.BUSY;
      if (!node.alone && !table.acquire(SLOT.shared, 1, EXCLUSIVE)) return codes.BUSY;
      node.exclusive = file;
      this.beginExclusive(node);
      return 0;
    });
  }

  /** @param {FileNode} node @param {OpenFile} file */
  lockShared(node, file) {
    if (node.pending !== null || node.exclusive !== null) return codes.BUSY;
    if (node.shared.size === 0) {
      const code = this.joinTable(node);
      if (code !== 0) return code;
      if (node.alone && node.isJoined()) return codes.READONLY_CANTLOCK;
      if (!node.alone && !node.table.acquire(SLOT.shared, 1, SHARED, SLOT.pending)) return codes.BUSY;
    }
    node.shared.add(file);
    return 0;
  }

  /** The database is ours alone: SQLite may now use the WAL index without its locks. @param {FileNode} node */
  beginExclusive(node) {
    const { index, table } = node;
    if (index === null) return;
    node.giveBack();
    index.refresh(false, true);
    if (table.attached && table.needsRecovery) index.invalidate();
    index.writing = true;
  }

  /**
   * @param {FileNode} node
   * @param {OpenFile} file
   * @param {number} level shared or none
   */
  unlock(node, file, level) {
    return this.guarded(codes.IOERR_UNLOCK, () => {
      if (node.exclusive === file) {
        if (!this.publish(node)) return codes.IOERR_UNLOCK;
        if (node.index !== null) node.index.writing = false;
      }
      const { table } = node;
      const top = node.reserved === file || node.pending === file || node.exclusive === file;
      if (node.reserved === file) node.reserved = null;
      if (node.pending === file) node.pending = null;
      if (node.exclusive === file) node.exclusive = null;
      if (level === LEVEL.none) node.shared.delete(file);
      if (!table.attached || (!top && node.shared.size > 0)) return 0;
      // One write for all three, so that nobody sees a mixture.
      table.held[SLOT.shared] = node.shared.size > 0 ? SHARED : FREE;
      table.held[SLOT.reserved] = node.reserved === null ? FREE : EXCLUSIVE;
      table.held[SLOT.pending] = node.pending === null ? FREE : EXCLUSIVE;
      if (top) table.giveUp(SLOT.shared);
      else table.write(SLOT.shared, 3);
      return 0;
    });
  }

  /** Whether anybody holds RESERVED. @param {FileNode} node */
  isReserved(node) {
    return node.reserved !== null || (node.table.attached && node.table.isHeld(SLOT.reserved));
  }

  /**
   * @param {FileNode} node
   * @param {OpenFile} file
   * @param {number} region
   * @param {boolean} extend
   * @param {number} out
   */
  shmMap(node, file, region, extend, out) {
    return this.guarded(codes.IOERR_SHMMAP, () => {
      const { engine } = this;
      if (node.index === null) {
        const code = this.joinTable(node);
        if (code !== 0) return code;
        const index = new WalIndex(engine, node.table);
        if (!node.alone && !index.open(`${node.name}-shm`, node.name)) return codes.BUSY;
        node.index = index;
        if (!node.alone) this.indexes.add(index);
      }
      node.attached.add(file);
      const at = node.index.map(region, extend);
      if (at < 0) return codes.IOERR_NOMEM;
      engine.fresh();
      engine.i32[out >> 2] = at;
      return 0;
    });
  }

  /**
   * @param {FileNode} node
   * @param {OpenFile} file
   * @param {number} offset first slot
   * @param {number} slots
   * @param {number} flags
   */
  shmLock(node, file, offset, slots, flags) {
    return this.guarded(codes.IOERR_SHMLOCK, () => {
      const shared = (flags & SHM.shared) !== 0;
      if (flags & SHM.unlock) return shared ? this.releaseShared(node, file, offset) : this.releaseExclusive(node, file, offset, slots);
      return shared ? this.takeShared(node, file, offset) : this.takeExclusive(node, file, offset, slots);
    });
  }

  /** @param {FileNode} node @param {OpenFile} file @param {number} slot */
  takeShared(node, file, slot) {
    const index = /** @type {WalIndex} */ (node.index);
    const holders = node.slotShared[slot];
    if (holders.has(file)) return 0;
    if (node.slotExclusive[slot] !== null) return codes.BUSY;
    const bit = 1 << slot;
    let looked = false;
    let isFresh = false;
    if (holders.size === 0 && node.alone && node.isJoined()) return codes.READONLY_CANTLOCK;
    if (holders.size === 0 && !node.alone) {
      if (node.kept & bit) {
        node.kept &= ~bit;
        isFresh = node.ahead && node.looked;
      } else {
        if (!node.table.acquire(slot, 1, SHARED)) return codes.BUSY;
        looked = true;
      }
    }
    holders.add(file);
    try {
      if (!isFresh) index.refresh(looked);
    } catch (error) {
      this.releaseShared(node, file, slot);
      throw error;
    }
    if (slot < SLOT.read || node.alone) return 0;
    if (index.finished) {
      index.finished = false;
      // SQLite has chosen the slot by a mirror from before that checkpoint: one that keeps the WAL from being begun
      // anew. So it is to choose again. (A writer that has switched, in wal2 mode, has no choice.)
      if (slot > SLOT.read && !index.writing) {
        this.releaseShared(node, file, slot);
        return codes.BUSY;
      }
    }
    node.burst.next(node.table);
    if (node.kept !== 0 && !node.burst.isOn) node.giveBack();
    return 0;
  }

  /** @param {FileNode} node @param {OpenFile} file @param {number} slot */
  releaseShared(node, file, slot) {
    const holders = node.slotShared[slot];
    // SQLite gives back slots that it does not have; that must not free somebody else's (10).
    if (!holders.delete(file) || holders.size > 0 || node.alone) return 0;
    if (slot >= SLOT.read && node.burst.isOn) {
      this.keep(node, 1 << slot);
      return 0;
    }
    node.index?.lower(1 << slot);
    node.table.put(slot, 1, FREE);
    return 0;
  }

  /** @param {FileNode} node @param {number} slots bits */
  keep(node, slots) {
    node.kept |= slots;
    this.awaitEndOfTurn();
  }

  /**
   * A reader that wants a read slot for itself, to set its mark to the end of the
   * WAL, gets it within the instance only, if we have the slot shared: see WalIndex
   * on raised marks.
   * @param {FileNode} node
   * @param {OpenFile} file
   * @param {number} first
   * @param {number} count
   */
  takeExclusive(node, file, first, count) {
    const index = /** @type {WalIndex} */ (node.index);
    const { table } = node;
    for (let slot = first; slot < first + count; slot++) {
      if (node.slotExclusive[slot] !== null || node.slotShared[slot].size > 0) return codes.BUSY;
    }
    const isAhead = first === SLOT.write && node.ahead;
    const bits = ((1 << count) - 1) << first;
    let inside = false;
    const marks = count === 1 && !node.alone && setsMark(node, index, first);
    if (marks) {
      const raisable = index.raisable(node.kept);
      inside = (raisable & bits) !== 0;
      // One that we have is as good; and one that somebody else has is not worth the writes.
      if (!inside && (raisable !== 0 || !table.isFree(first))) return codes.BUSY;
    }
    // Each commit beyond 1,000 frames tries a checkpoint, also while another instance is at it.
    if (first === SLOT.checkpoint && !node.alone && !table.isFree(first)) return codes.BUSY;
    if (inside) {
      node.inside |= bits;
    } else if (isAhead) {
      node.ahead = false;
    } else if (!node.alone) {
      const checkpoints = first >= SLOT.read && node.slotExclusive[SLOT.checkpoint] !== null;
      if (!table.acquire(first, count, EXCLUSIVE) && !(checkpoints && this.outwaits(table, first, count))) {
        if (first >= SLOT.read && !marks) table.wish(checkpoints && bits === this.awaited);
        this.denied = bits;
        return codes.BUSY;
      }
      index.lower(bits);
      node.kept &= ~bits;
    }
    node.slotExclusive.fill(file, first, first + count);
    // Nothing is granted to who gets it inside; the shared lock that follows refreshes.
    if (inside) return 0;
    try {
      if (!isAhead || !node.looked) index.refresh(!isAhead && !node.alone);
      if (first === SLOT.write && !node.alone && table.needsRecovery) index.invalidate();
      if (bits & (1 << SLOT.checkpoint)) this.settleMarks(node, index);
    } catch (error) {
      node.slotExclusive.fill(null, first, first + count);
      if (!node.alone) table.put(first, count, FREE);
      throw error;
    }
    if (first === SLOT.write) {
      index.writing = true;
      this.written = node;
    }
    if (first === SLOT.checkpoint) this.denied = this.awaited = 0;
    if (bits & (1 << SLOT.recover)) index.recovered = true;
    return 0;
  }

  /**
   * A checkpoint that a read lock stops in the middle syncs two files for a part of
   * its work, and the next commit begins another. So it asks for what is only kept,
   * and looks a few times more: who reads fast gives it back at its next statement.
   * @param {LockTable} table
   * @param {number} first
   * @param {number} count
   */
  outwaits(table, first, count) {
    if (!table.wish(false)) return false;
    for (const end = clock.now() + this.patience; clock.now() < end; ) {
      if (table.isFree(first) && table.acquire(first, count, EXCLUSIVE)) return true;
    }
    return false;
  }

  /** Before a checkpoint of ours goes by the marks: they are published, or as in the file again. @param {FileNode} node @param {WalIndex} index */
  settleMarks(node, index) {
    if (index.raised === 0) return;
    for (let slot = SLOT.read; slot < SLOTS; slot++) {
      if (!(index.raised & (1 << (slot - SLOT.read)))) continue;
      if (node.table.acquire(slot, 1, EXCLUSIVE)) {
        try {
          index.settle(slot);
        } finally {
          node.table.put(slot, 1, SHARED);
        }
      } else {
        index.lower(1 << slot);
      }
    }
  }

  /** @param {FileNode} node @param {OpenFile} file @param {number} first @param {number} count */
  releaseExclusive(node, file, first, count) {
    const index = /** @type {WalIndex} */ (node.index);
    let held = 0;
    for (let slot = first; slot < first + count; slot++) if (node.slotExclusive[slot] === file) held++;
    if (held === 0) return 0;
    const bits = ((1 << count) - 1) << first;
    if (node.inside & bits) {
      index.raise(first);
      node.inside &= ~bits;
      node.slotExclusive[first] = null;
      return 0;
    }
    if (!this.publish(node)) return codes.IOERR_SHMLOCK;
    if (node.slotExclusive[SLOT.write] === file && first <= SLOT.write) index.writing = node.exclusive !== null;
    node.slotExclusive.fill(null, first, first + count);
    if (node.alone) return 0;
    // A reader that has set its mark takes the slot shared next.
    const keep = count === 1 && node.burst.isOn && setsMark(node, index, first);
    node.table.put(first, count, keep ? SHARED : FREE);
    if (keep) this.keep(node, bits);
    return 0;
  }

  /**
   * @param {FileNode} node
   * @param {OpenFile} file
   * @param {boolean} remove the connection is the last of all: the file goes, too
   */
  shmUnmap(node, file, remove) {
    if (node.index === null || !node.attached.delete(file)) return 0;
    return this.guarded(codes.OK, () => {
      for (let slot = 0; slot < SLOTS; slot++) {
        this.releaseShared(node, file, slot);
        if (node.slotExclusive[slot] !== file) continue;
        node.slotExclusive[slot] = null;
        if (slot === SLOT.write && node.index !== null) node.index.writing = false;
        if (!node.alone) node.table.put(slot, 1, FREE);
      }
      if (node.attached.size > 0) return 0;
      node.giveBack();
      if (remove) fs.rmSync(`${node.name}-shm`, { force: true });
      const { index } = node;
      node.index = null;
      if (index === null) return 0;
      this.indexes.delete(index);
      index.close();
      return 0;
    });
  }
}

/**
 * Whether who wants this slot alone is a reader that sets its mark: not a checkpoint, not a writer that begins the WAL anew.
 * @param {FileNode} node
 * @param {WalIndex} index
 * @param {number} slot
 */
function setsMark(node, index, slot) {
  return slot > SLOT.read && node.slotExclusive[SLOT.checkpoint] === null && !index.writing && !index.isWal2;
}

/** @param {string} name @param {number} pid */
function warnOfNative(name, pid) {
  const message = `${name} is locked by process ${pid}, which uses native SQLite; it and the engine do not see each other's locks, so the engine answers SQLITE_BUSY`;
  warnOnce(name, 'WASMFIX_NATIVE_LOCK', message);
}

module.exports = { FileNodes, FileNode };
