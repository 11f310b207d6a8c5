'use strict';
/**
 * Where the engine's files have the parts of the WAL index, for hooks: `header`
 * (with the tail), `words` (of checkpoints and readers), `pages`. All of them are
 * called `index`, whichever file they are in.
 *
 * @typedef {{ name: string, part?: string }} Place
 */
const fs = require('fs');
const path = require('path');

/** As wal-index.js has them: bytes of the words, and of each copy of the header. */
const WORDS = 32;
const COPY = 48;

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

/** Where the head of the index is in the lock table. @param {string} pkg */
function headOf(pkg) {
  const { HEAD_AT, HEAD_END } = require(`${pkg}/wasmfix/lock-table.js`);
  return { from: HEAD_AT, to: HEAD_END };
}

/**
 * What a system call on a file is about; a read of the table is about its rows and the head at once.
 * @param {string} pkg
 * @param {string} event
 * @param {number} fd
 * @param {number} offset
 * @returns {Place[]}
 */
function placesOf(pkg, event, fd, offset) {
  const name = names.get(fd);
  if (name === undefined) return [];
  if (name === '-shm') return [{ name: 'index', part: 'pages' }];
  if (name !== '-wasmfix') return [{ name }];
  const { from, to } = headOf(pkg);
  if (event === 'read' && offset === 0) return [{ name }, { name: 'index', part: 'header' }];
  if (offset < from || offset >= to) return [{ name }];
  return [{ name: 'index', part: offset < from + WORDS ? 'words' : 'header' }];
}

module.exports = { placesOf, headOf, WORDS, COPY };
