'use strict';
/** Takes rules of the WAL index out of the engine, so that a test can show that it notices. */
const fs = require('fs');

const { headOf, WORDS, COPY } = require('./layout.cjs');

/** Of the head, in words: those of checkpoints and readers come first. */
const HEAD_WORDS = 7;

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
    const { publish, writeHead } = walIndex.WalIndex.prototype;
    walIndex.WalIndex.prototype.publish = function () {
      const words = [];
      this.writeHead = (first, count) => {
        if (first < HEAD_WORDS) words.push([first, count]);
        else writeHead.call(this, first, count);
      };
      publish.call(this);
      for (const [first, count] of words) writeHead.call(this, first, count);
      delete this.writeHead;
    };
  },
  /** The header and then the words, each read once. */
  3: ({ walIndex, head }) => readInTwo(walIndex.WalIndex, [head.from + WORDS, head.to], [head.from, head.from + WORDS]),
  /** The same in the other order. */
  '3 backwards': ({ walIndex, head }) => readInTwo(walIndex.WalIndex, [head.from, head.from + WORDS], [head.from + WORDS, head.to]),
  /** A WAL that has begun anew is taken for the same one, grown. */
  4: ({ walIndex }) => {
    const { append } = walIndex.WalIndex.prototype;
    walIndex.WalIndex.prototype.append = function (to, from, ...rest) {
      append.call(this, to, from && { ...to, frames: from.frames }, ...rest);
    };
  },
  /** A dead holder leaves no sign. */
  6: ({ table }) => {
    Object.defineProperty(table.LockTable.prototype, 'needsRecovery', { get: () => false });
  },
  /** Who comes first believes what is there. */
  7: ({ walIndex, table, beside }) => {
    walIndex.WalIndex.prototype.open = function (name, database) {
      this.name = name;
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
  /** The copies of the header one by one, the second one first. */
  9: ({ head }) => {
    const { writeSync } = fs;
    const length = head.to - head.from - WORDS;
    fs.writeSync = (fd, from, start, bytes, offset) => {
      if (bytes !== length || offset !== head.from + WORDS) return writeSync(fd, from, start, bytes, offset);
      const first = length - COPY;
      fs.writeSync(fd, from, start + first, COPY, offset + first);
      fs.writeSync(fd, from, start, first, offset);
      return bytes;
    };
  },
  /** A WAL is deleted whatever happened to its database. */
  13: ({ locks }) => {
    locks.FileNodes.prototype.mustKeep = () => false;
  },
  /** A recovery is not counted. */
  14: ({ walIndex }) => {
    const { invalidate } = walIndex.WalIndex.prototype;
    walIndex.WalIndex.prototype.invalidate = function () {
      this.shadow[HEAD_WORDS]--;
      invalidate.call(this);
    };
  },
  /** A recovered index without frames is as SQLite makes it. */
  15: ({ walIndex }) => {
    walIndex.WalIndex.prototype.stamp = () => {};
  },
  /** A WAL is emptied before the index says so. */
  empty: ({ locks }) => {
    locks.FileNodes.prototype.mayEmpty = () => true;
  },
  /** A reader keeps the slot that it chose before it knew of a checkpoint. */
  again: ({ walIndex }) => {
    Object.defineProperty(walIndex.WalIndex.prototype, 'isBackfilled', { get: () => false });
  },
  /** Locks are granted without a look at the others. */
  look: ({ table }) => {
    table.LockTable.prototype.rival = function () {
      this.read();
      this.noteOthers();
      return -1;
    };
  },
};

function readInTwo(WalIndex, ...parts) {
  WalIndex.prototype.readHead = function () {
    for (const [from, to] of parts) fs.readSync(this.table.fd, this.table.view, from, to - from, from);
    this.takeHead();
    return !this.isShadow();
  };
}

/** @param {string} pkg @param {(number | string)[]} rules */
function without(pkg, rules) {
  const modules = {
    walIndex: require(`${pkg}/wasmfix/wal-index.js`),
    table: require(`${pkg}/wasmfix/lock-table.js`),
    locks: require(`${pkg}/wasmfix/locks.js`),
    beside: require(`${pkg}/wasmfix/beside.js`),
    head: headOf(pkg),
  };
  for (const rule of rules) OUT[rule](modules);
}

module.exports = { without };
