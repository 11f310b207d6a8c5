'use strict';
/**
 * What tests do to the engine from outside: stop it at a file operation, let one
 * fail, or take a rule of the WAL index out. The product has no such thing.
 */
const fs = require('fs');
const path = require('path');

/** Which file a descriptor is: `-shm`, `-wal`, `-wal2`, `-wasmfix`, or `` for the database. */
const names = new Map();
const { openSync, closeSync } = fs;
fs.openSync = (name, ...how) => {
  const fd = openSync(name, ...how);
  names.set(fd, path.basename(String(name)).replace(/^[^-]*/, ''));
  return fd;
};
fs.closeSync = (fd) => {
  names.delete(fd);
  return closeSync(fd);
};

/**
 * The parts of a WAL index file by offset: `header` 0 to 95, `words` 96 to 135, `pages` behind.
 * @param {number} offset
 */
function part(offset) {
  return offset < 96 ? 'header' : offset < 136 ? 'words' : 'pages';
}

/**
 * Watches file operations. `pause(point)` is called at those asked for.
 * @param {string} pkg
 * @param {(point: string) => void} pause
 */
function watch(pkg, pause) {
  const { readSync, writeSync } = fs;
  /** @type {{ event: string, file: string, part?: string, skip: number, act: () => void }[]} */
  let waiting = [];
  const { WalIndex } = require(`${pkg}/wasmfix/wal-index.js`);

  function at(event, fd, offset) {
    const file = names.get(fd);
    if (file === undefined) return;
    const found = waiting.find((one) => one.event === event && one.file === file && (!one.part || one.part === part(offset)));
    if (!found || found.skip-- > 0) return;
    waiting = waiting.filter((one) => one !== found);
    found.act();
  }

  fs.writeSync = (fd, from, start, length, offset) => {
    at('write', fd, offset);
    return writeSync(fd, from, start, length, offset);
  };
  fs.readSync = (fd, to, start, length, offset) => {
    const n = readSync(fd, to, start, length, offset);
    at('read', fd, offset);
    return n;
  };
  return {
    /** Pauses before a write, after a read. */
    pause: ({ event, file, part: which, skip = 0 }) => {
      waiting.push({ event, file, part: which, skip, act: () => pause(`${event} ${file} ${which ?? ''}`.trim()) });
    },
    /** A write fails. */
    fail: ({ event = 'write', file, part: which, skip = 0, code = 'ENOSPC' }) => {
      const act = () => {
        throw Object.assign(new Error(`${code}: made by the test`), { code, errno: -28 });
      };
      waiting.push({ event, file, part: which, skip, act });
    },
    /** Pauses before a write in the midst of a publish. */
    publish: ({ skip = 0 }) => {
      const { publish } = WalIndex.prototype;
      WalIndex.prototype.publish = function (...how) {
        const plain = fs.writeSync;
        fs.writeSync = (...write) => {
          if (skip-- === 0) {
            WalIndex.prototype.publish = publish;
            pause('publish');
          }
          return plain(...write);
        };
        try {
          return publish.apply(this, how);
        } finally {
          fs.writeSync = plain;
        }
      };
    },
    /** Pauses between header and words, in the first publish of both that sets nBackfill to 0; in whichever order they go. */
    between: () => {
      const { publish } = WalIndex.prototype;
      WalIndex.prototype.publish = function () {
        const mirror = this.fd >= 0 && this.regions.length > 0 ? this.mirror() : this.shadow;
        const both = mirror.compare(this.shadow, 0, 96, 0, 96) !== 0 && mirror.readUInt32LE(96) === 0 && this.shadow.readUInt32LE(96) !== 0;
        if (both) {
          WalIndex.prototype.publish = publish;
          const plain = fs.writeSync;
          let first = null;
          fs.writeSync = (fd, from, start, length, offset) => {
            if (fd === this.fd && part(offset) !== 'pages') {
              first ??= part(offset);
              if (part(offset) !== first) {
                fs.writeSync = plain;
                pause('between');
              }
            }
            return plain(fd, from, start, length, offset);
          };
        }
        return publish.call(this);
      };
    },
  };
}

const HEADERS = 96;
const HEAD = 136;
const REGION = 32768;

/** What each rule is without which the engine shall go wrong. By number. */
const OUT = {
  /** An exclusive lock on the database does not refresh. */
  1: ({ locks }) => {
    locks.FileNodes.prototype.beginExclusive = (node) => {
      if (node.index !== null) node.index.writing = true;
    };
  },
  /** The header before the words. */
  2: ({ walIndex }) => {
    const { publish } = walIndex.WalIndex.prototype;
    walIndex.WalIndex.prototype.publish = function () {
      if (this.fd < 0 || this.regions.length === 0) return;
      const { mirror, shadow } = { mirror: Buffer.from(this.mirror()), shadow: this.shadow };
      if (mirror.compare(shadow, 0, HEADERS, 0, HEADERS) !== 0) {
        for (const page of walIndex.changedPages(shadow, mirror, this.recovered)) {
          const skip = page === 0 ? HEAD : 0;
          fs.writeSync(this.fd, this.engine.u8, this.regions[page] + skip, REGION - skip, page * REGION + skip);
        }
        fs.writeSync(this.fd, mirror, 0, HEADERS, 0);
        mirror.copy(shadow, 0, 0, HEADERS);
      }
      publish.call(this);
    };
  },
  /** The header and then the words, each read once. */
  3: ({ walIndex }) => readInTwo(walIndex.WalIndex, [0, HEADERS], [HEADERS, HEAD]),
  /** The same in the other order. */
  '3 backwards': ({ walIndex }) => readInTwo(walIndex.WalIndex, [HEADERS, HEAD], [0, HEADERS]),
  /** Every byte that differs, in both directions. */
  4: ({ walIndex }) => naive(walIndex.WalIndex),
  /** A dead holder leaves no sign. */
  6: ({ table }) => {
    Object.defineProperty(table.LockTable.prototype, 'needsRecovery', { get: () => false });
  },
  /** Who comes first believes what is there. */
  7: ({ walIndex, table, beside }) => {
    walIndex.WalIndex.prototype.open = function (name, database) {
      this.fd = beside.openBeside(name, database);
      return this.table.acquire(table.SLOT.attached, 1, table.SHARED);
    };
  },
  /** An index that could not be written is given up as if nothing had happened. */
  8: ({ locks }) => {
    locks.FileNodes.prototype.publish = (node) => {
      try {
        node.index?.publish();
      } catch {
        // Nobody is told.
      }
      return true;
    };
  },
  /** The copies of the header one by one. */
  9: () => {
    const { writeSync } = fs;
    fs.writeSync = (fd, from, start, length, offset) => {
      if (length !== HEADERS || offset !== 0) return writeSync(fd, from, start, length, offset);
      fs.writeSync(fd, from, start + 48, 48, 48);
      fs.writeSync(fd, from, start, 48, 0);
      return length;
    };
  },
  /** A WAL is deleted whatever happened to its database. */
  13: ({ locks }) => {
    locks.FileNodes.prototype.mustKeep = () => false;
  },
  /** Locks are granted without a look at the others. */
  look: ({ table }) => {
    table.LockTable.prototype.rival = function () {
      this.read();
      return -1;
    };
  },
};

function readInTwo(WalIndex, ...parts) {
  WalIndex.prototype.readHead = function () {
    for (const [from, to] of parts) fs.readSync(this.fd, this.head, from, to - from, from);
    this.head.fill(0, 120, 128);
    return !this.head.equals(this.shadow);
  };
}

/** Refresh and publish by differing bytes, as first designed. */
function naive(WalIndex) {
  const shadows = new WeakMap();
  const shadowOf = (index, region) => {
    if (!shadows.has(index)) shadows.set(index, []);
    const all = shadows.get(index);
    return (all[region] ??= Buffer.alloc(REGION));
  };
  const mirrorOf = (index, region) => index.engine.bytes.subarray(index.regions[region], index.regions[region] + REGION);
  WalIndex.prototype.refresh = function () {
    if (this.fd < 0) return;
    const file = Buffer.alloc(REGION);
    fs.readSync(this.fd, file, 0, HEAD, 0);
    if (file.compare(shadowOf(this, 0), 0, 120, 0, 120) === 0) return;
    for (let region = 0; region < this.regions.length; region++) {
      file.fill(0);
      fs.readSync(this.fd, file, 0, REGION, region * REGION);
      const shadow = shadowOf(this, region);
      const mirror = mirrorOf(this, region);
      for (let i = 0; i < REGION; i++) {
        if (file[i] === shadow[i]) continue;
        if (mirror[i] === shadow[i]) mirror[i] = file[i];
        shadow[i] = file[i];
      }
    }
  };
  WalIndex.prototype.load = WalIndex.prototype.refresh;
  WalIndex.prototype.publish = function () {
    if (this.fd < 0) return;
    for (let region = this.regions.length - 1; region >= 0; region--) {
      const shadow = shadowOf(this, region);
      const mirror = mirrorOf(this, region);
      const first = region === 0 ? HEAD : 0;
      const order = [[first, REGION]];
      if (region === 0) order.push([HEADERS, HEAD], [0, HEADERS]);
      for (const [from, to] of order) {
        for (let i = from; i < to; i++) {
          if (mirror[i] === shadow[i]) continue;
          fs.writeSync(this.fd, mirror, i, 1, region * REGION + i);
          shadow[i] = mirror[i];
        }
      }
    }
  };
}

/** @param {string} pkg @param {(number | string)[]} rules */
function without(pkg, rules) {
  const modules = {
    walIndex: require(`${pkg}/wasmfix/wal-index.js`),
    table: require(`${pkg}/wasmfix/lock-table.js`),
    locks: require(`${pkg}/wasmfix/locks.js`),
    beside: require(`${pkg}/wasmfix/beside.js`),
  };
  for (const rule of rules) OUT[rule](modules);
}

module.exports = { watch, without };
