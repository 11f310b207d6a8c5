'use strict';
/**
 * A lock between processes for a few system calls: a symbolic link whose target
 * names the owner, made in one system call together with its content, or not at
 * all (EEXIST). On Windows, where links need a privilege, and wherever there are
 * none (vfat, some network shares, Node's permission model), a small file.
 *
 * Breaking the mutex of a dead owner must not remove one that somebody else has
 * just taken. So only who has made the *tombstone* of that owner (a link named
 * after the owner's text) may remove a mutex with that text, and looks at it once
 * more while it has the tombstone. A tombstone whose maker died is broken alike.
 *
 * Bodies do not nest, so a mutex of this very thread is one that could not be
 * removed (a full stack), and is broken, too.
 */
const fs = require('fs');
const path = require('path');
const crypto = require('crypto');
const clock = require('./clock');
const { newOwner, isAlive, isOurs, isUnknown, warnOfUnknown } = require('./owner');

const WINDOWS = process.platform === 'win32';
const PAUSE = 1;

/** What symlink() fails with where there are no links; a folder that takes no file says some of them, too. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ERR_ACCESS_DENIED']);

/** @param {unknown} error */
function errorCode(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code ?? '';
}

/** @param {string} name @param {string} owner */
function make(name, owner) {
  if (!WINDOWS) {
    try {
      return fs.symlinkSync(owner, name);
    } catch (error) {
      if (!NO_LINKS.has(errorCode(error))) throw error;
    }
  }
  fs.writeFileSync(name, owner, { flag: 'wx' });
}

/** Takes `name` for `owner`; false if somebody has it. @param {string} name @param {string} owner */
function take(name, owner) {
  try {
    make(name, owner);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** @param {string} name */
function readOwner(name) {
  if (!WINDOWS) {
    try {
      return fs.readlinkSync(name);
    } catch (error) {
      // EINVAL: a file.
      if (errorCode(error) !== 'EINVAL') throw error;
    }
  }
  return fs.readFileSync(name, 'utf8');
}

/** Who has `name`, or null. @param {string} name */
function ownerOf(name) {
  try {
    return readOwner(name);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Removes `name` if its owner is dead. True if it is worth to try again.
 * @param {string} name
 * @param {string} me
 */
function breakDead(name, me) {
  const owner = ownerOf(name);
  if (owner === null) return true;
  if (isAlive(owner, name) && !isOurs(owner)) return false;
  const tombstone = `${name}.${crypto.createHash('sha256').update(owner).digest('hex').slice(0, 16)}`;
  if (!take(tombstone, me)) return breakDead(tombstone, me);
  try {
    if (ownerOf(name) === owner) fs.unlinkSync(name);
  } finally {
    fs.unlinkSync(tombstone);
  }
  return true;
}

/** @param {number} ms */
function pause(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/**
 * Runs `body` while nobody else is in a body of this name. Returns null if it
 * could not be had in time.
 * @template T
 * @param {string} name
 * @param {number} patience milliseconds
 * @param {() => T} body
 * @returns {T | null}
 */
function exclusively(name, patience, body) {
  const me = newOwner();
  const end = clock.now() + patience;
  while (!take(name, me)) {
    if (breakDead(name, me)) continue;
    if (clock.now() > end) {
      const owner = ownerOf(name);
      if (owner !== null && isUnknown(owner, name)) warnOfUnknown(owner, name);
      return null;
    }
    pause(PAUSE);
  }
  try {
    return body();
  } finally {
    try {
      fs.unlinkSync(name);
    } catch (error) {
      // The folder is gone; or the stack is full, then the next body of this thread breaks it.
      if (error instanceof RangeError) throw error;
    }
  }
}

/** Tombstones whose makers died before they could remove them. Under the mutex. @param {string} name of the mutex */
function sweep(name) {
  const me = newOwner();
  const prefix = `${path.basename(name)}.`;
  for (const entry of fs.readdirSync(path.dirname(name))) if (entry.startsWith(prefix)) breakDead(path.join(path.dirname(name), entry), me);
}

module.exports = { exclusively, sweep, pause };
