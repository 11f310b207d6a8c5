'use strict';
/**
 * SQLite's locks and the WAL index.
 *
 * Between the connections of one instance they are as in os_unix.c: a node for
 * each file (by device and inode) has the file locks and the eight WAL-index
 * locks, and the regions of the WAL index lie in the instance's memory.
 *
 * Between instances (processes, worker threads) there is one lock for each
 * database, instance-lock.js: an instance holds it while any of its connections
 * has a lock on the file or is attached to the WAL index. So another instance
 * gets SQLITE_BUSY meanwhile, and a WAL database has one instance at a time.
 */
const fs = require('fs');
const { codes } = require('./errors');
const { InstanceLock } = require('./instance-lock');

/** sqlite.org/lockingv3.html */
const LEVEL = { none: 0, shared: 1, reserved: 2, pending: 3, exclusive: 4 };
const SHM = { unlock: 1, shared: 4 };
const SLOTS = 8;

/** @typedef {import('./vfs').OpenFile} OpenFile */

/** The WAL index of a file, shared by the connections of this instance. */
class WalIndex {
  constructor() {
    /** @type {number[]} addresses; a region never moves while anybody is attached */
    this.regions = [];
    /** @type {Set<OpenFile>} */
    this.attached = new Set();
    /** @type {Set<OpenFile>[]} */
    this.shared = Array.from({ length: SLOTS }, () => new Set());
    /** @type {(OpenFile | null)[]} */
    this.exclusive = new Array(SLOTS).fill(null);
  }
}

class FileNode {
  /** @param {string} key @param {InstanceLock} lock */
  constructor(key, lock) {
    this.key = key;
    this.lock = lock;
    this.files = 0;
    /** @type {Set<OpenFile>} */
    this.shared = new Set();
    /** @type {OpenFile | null} */ this.reserved = null;
    /** @type {OpenFile | null} */ this.pending = null;
    /** @type {OpenFile | null} */ this.exclusive = null;
    /** @type {WalIndex | null} */ this.index = null;
  }
}

class FileNodes {
  /** @param {import('./engine').Engine} engine */
  constructor(engine) {
    this.engine = engine;
    /** @type {Map<string, FileNode>} */
    this.nodes = new Map();
  }

  /** @param {OpenFile} file */
  attach(file) {
    const { dev, ino } = fs.fstatSync(file.fd, { bigint: true });
    const key = `${dev}:${ino}`;
    let node = this.nodes.get(key);
    if (node === undefined) this.nodes.set(key, (node = new FileNode(key, this.lockFor(file.name))));
    node.files++;
    return node;
  }

  /**
   * A file that was deleted while it is open here may have a successor of the same
   * name: their one lock is ours already. Unless it was deleted along with the file.
   * @param {string} name
   */
  lockFor(name) {
    for (const { lock } of this.nodes.values()) if (lock.database === name && lock.isIntact()) return lock;
    return new InstanceLock(name);
  }

  /** @param {OpenFile} file @param {FileNode} node */
  detach(file, node) {
    this.unlock(node, file, LEVEL.none);
    if (--node.files === 0) this.nodes.delete(node.key);
  }

  /** Gives everything up, as the end of the process would. */
  abandon() {
    for (const node of this.nodes.values()) node.lock.releaseAll();
    this.nodes.clear();
  }

  /**
   * @param {FileNode} node
   * @param {OpenFile} file
   * @param {number} level
   */
  lock(node, file, level) {
    if (level === LEVEL.shared) {
      if (node.pending !== null || node.exclusive !== null) return codes.BUSY;
      const code = node.lock.acquire();
      if (code === 0) node.shared.add(file);
      return code;
    }
    if (node.reserved !== null && node.reserved !== file) return codes.BUSY;
    if (node.pending !== null && node.pending !== file) return codes.BUSY;
    if (level >= LEVEL.reserved) node.reserved = file;
    if (level < LEVEL.pending) return 0;
    // A writer that waits for the readers to leave lets no new ones in.
    node.pending = file;
    if (level < LEVEL.exclusive) return 0;
    if (node.shared.size > 1) return codes.BUSY;
    node.exclusive = file;
    return 0;
  }

  /**
   * @param {FileNode} node
   * @param {OpenFile} file
   * @param {number} level shared or none
   */
  unlock(node, file, level) {
    if (node.reserved === file) node.reserved = null;
    if (node.pending === file) node.pending = null;
    if (node.exclusive === file) node.exclusive = null;
    if (level === LEVEL.none && node.shared.delete(file)) node.lock.release();
    return 0;
  }

  /**
   * @param {FileNode} node
   * @param {OpenFile} file
   * @param {number} region
   * @param {number} bytes of a region
   * @param {number} extend
   * @param {number} out
   */
  shmMap(node, file, region, bytes, extend, out) {
    const { engine } = this;
    node.index ??= new WalIndex();
    const { index } = node;
    if (!index.attached.has(file)) {
      const code = node.lock.acquire();
      if (code !== 0) return code;
      index.attached.add(file);
    }
    while (extend && index.regions.length <= region) {
      const at = engine.exports.wf_malloc(bytes);
      engine.fresh();
      if (at === 0) return codes.IOERR_NOMEM;
      engine.u8.fill(0, at, at + bytes);
      index.regions.push(at);
    }
    engine.fresh();
    engine.i32[out >> 2] = index.regions[region] ?? 0;
    return 0;
  }

  /**
   * @param {FileNode} node
   * @param {OpenFile} file
   * @param {number} offset first slot
   * @param {number} slots
   * @param {number} flags
   */
  shmLock(node, file, offset, slots, flags) {
    const index = /** @type {WalIndex} */ (node.index);
    const end = offset + slots;
    if (flags & SHM.unlock) {
      for (let i = offset; i < end; i++) {
        index.shared[i].delete(file);
        if (index.exclusive[i] === file) index.exclusive[i] = null;
      }
      return 0;
    }
    for (let i = offset; i < end; i++) {
      const holder = index.exclusive[i];
      if (holder !== null && holder !== file) return codes.BUSY;
      if (flags & SHM.shared) continue;
      if (index.shared[i].size > (index.shared[i].has(file) ? 1 : 0)) return codes.BUSY;
    }
    // All slots or none: only now is anything taken.
    for (let i = offset; i < end; i++) {
      if (flags & SHM.shared) index.shared[i].add(file);
      else index.exclusive[i] = file;
    }
    return 0;
  }

  /**
   * @param {FileNode} node
   * @param {OpenFile} file
   * @param {boolean} remove the last one out removes a -shm that native left behind
   */
  shmUnmap(node, file, remove) {
    const { index } = node;
    if (index === null || !index.attached.has(file)) return 0;
    this.shmLock(node, file, 0, SLOTS, SHM.unlock);
    index.attached.delete(file);
    if (index.attached.size === 0) {
      for (const at of index.regions) this.engine.exports.wf_free(at);
      node.index = null;
      if (remove) fs.rmSync(`${file.name}-shm`, { force: true });
    }
    node.lock.release();
    return 0;
  }
}

module.exports = { FileNodes, FileNode };
