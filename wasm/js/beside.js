'use strict';
/** Files that lie beside a database and belong to whoever the database belongs to. */
const fs = require('fs');

const { O_RDWR, O_CREAT, O_NOFOLLOW = 0 } = fs.constants;
const DEFAULT_MODE = 0o644;

/**
 * A file that root makes for somebody else's database has to be theirs.
 * @param {number} fd
 * @param {fs.Stats} owner
 */
function giveTo(fd, owner) {
  if (typeof process.geteuid !== 'function' || process.geteuid() !== 0) return;
  try {
    fs.fchownSync(fd, owner.uid, owner.gid);
  } catch {
    // As in os_unix.c: it was worth the attempt.
  }
}

/**
 * Opens `name`, which is made with the mode and the owner of the database if it is not there.
 * @param {string} name
 * @param {string} database
 */
function openBeside(name, database) {
  const like = fs.statSync(database, { throwIfNoEntry: false });
  const isNew = !fs.existsSync(name);
  const fd = fs.openSync(name, O_RDWR | O_CREAT | O_NOFOLLOW, like === undefined ? DEFAULT_MODE : like.mode & 0o777);
  if (isNew && like !== undefined) giveTo(fd, like);
  return fd;
}

module.exports = { giveTo, openBeside };
