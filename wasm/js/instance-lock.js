'use strict';
/**
 * One lock for each database between engine instances.
 *
 * The lock is a symbolic link beside the database, `FILE-wasmfix`, whose target
 * names the owner: made in one system call together with its content, or not at
 * all (EEXIST). On Windows, where links need a privilege, and wherever there are
 * none (vfat, some network shares, Node's permission model) it is a small file.
 *
 * An owner that was killed must not block anybody. The name says the process
 * (id, start time, pid namespace, boot) and the thread, so that a used-again
 * number is not mistaken for it. An owner from another boot is gone, if the file
 * system is one that no other machine can have mounted. Whom we cannot judge
 * (another container, a thread on a system without /proc) counts as alive.
 *
 * Breaking the lock of a dead owner must not remove the lock that somebody else
 * has just taken. So only who has made the *tombstone* of that owner (a link
 * named after the owner's text) may remove a lock with that text; it looks at
 * the lock once more while it has the tombstone. A tombstone whose maker died is
 * broken in the same way.
 */
const fs = require('fs');
const path = require('path');
const crypto = require('crypto');
const { threadId } = require('worker_threads');
const { codes } = require('./errors');

const WINDOWS = process.platform === 'win32';
const LINUX = process.platform === 'linux';
const SUFFIX = '-wasmfix';

/** @param {() => string} read */
function orEmpty(read) {
  try {
    return read();
  } catch {
    return '';
  }
}

/** Start time of a process or thread, in clock ticks since boot; '' if there is none. @param {string} folder below /proc */
function startTime(folder) {
  const stat = orEmpty(() => fs.readFileSync(`/proc/${folder}/stat`, 'utf8'));
  // The name of the command, in parentheses, may hold anything.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** The machine and the pid namespace that a pid belongs to. */
const WORLD = LINUX
  ? `${orEmpty(() => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')).trim().slice(0, 8)}.${orEmpty(() => fs.readlinkSync('/proc/self/ns/pid')).replace(/\D/g, '')}`
  : process.platform;

/** This thread: `<world>:<pid>:<start>:<thread>:<start>:<random>`; locks add a number. */
const SELF = (() => {
  const task = LINUX ? orEmpty(() => fs.readlinkSync('/proc/thread-self')) : '';
  const thread = task.split('/')[2] ?? `js${threadId}`;
  const started = task === '' ? '' : startTime(`${task}`);
  return [WORLD, process.pid, LINUX ? startTime(`${process.pid}`) : '', thread, started, crypto.randomBytes(6).toString('hex')].join(':');
})();

/** File systems of one machine (statfs(2)): ext, xfs, btrfs, zfs, f2fs, tmpfs, overlay. */
const LOCAL = new Set([0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1, 0xf2f52010, 0x01021994, 0x794c7630]);

/**
 * Whether an owner in another world lived before this machine started.
 * @param {string} world
 * @param {string} name of the lock
 */
function isOfEarlierBoot(world, name) {
  const [boot, own] = [world, WORLD].map((text) => text.split('.')[0]);
  if (!LINUX || !/^[0-9a-f]{8}$/.test(boot) || own === '' || boot === own) return false;
  return LOCAL.has(fs.statfsSync(path.dirname(name)).type >>> 0);
}

/**
 * Whether the owner may still be running.
 * @param {string} owner
 * @param {string} name of the lock
 */
function isAlive(owner, name) {
  const [world, pid, started, thread, threadStarted] = owner.split(':');
  if (!/^\d+$/.test(pid ?? '')) return true;
  if (world !== WORLD) return !isOfEarlierBoot(world, name);
  if (LINUX && started !== '') {
    const now = startTime(pid);
    // Nothing in /proc: gone, or another user's where /proc hides those.
    if (now === '') return isRunning(pid);
    if (now !== started) return false;
    return threadStarted === '' || startTime(`${pid}/task/${thread}`) === threadStarted;
  }
  return isRunning(pid);
}

/** @param {string} pid */
function isRunning(pid) {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/** What symlink() fails with where there are no links; a folder that takes no file says some of them, too. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ERR_ACCESS_DENIED']);

/** @param {string} name @param {string} owner */
function make(name, owner) {
  if (!WINDOWS) {
    try {
      return fs.symlinkSync(owner, name);
    } catch (error) {
      if (!NO_LINKS.has(/** @type {NodeJS.ErrnoException} */ (error).code ?? '')) throw error;
    }
  }
  fs.writeFileSync(name, owner, { flag: 'wx' });
}

/** Takes `name` for us; false if somebody has it. @param {string} name @param {string} owner */
function take(name, owner = SELF) {
  try {
    make(name, owner);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
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
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EINVAL') throw error;
    }
  }
  return fs.readFileSync(name, 'utf8');
}

/** Who has `name`, or null. @param {string} name */
function ownerOf(name) {
  try {
    return readOwner(name);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Removes `name` if its owner is dead. True if it is worth to try again.
 * @param {string} name
 */
function breakDead(name) {
  const owner = ownerOf(name);
  if (owner === null) return true;
  if (isAlive(owner, name)) return false;
  const tombstone = `${name}.${crypto.createHash('sha256').update(owner).digest('hex').slice(0, 16)}`;
  if (!take(tombstone)) return breakDead(tombstone);
  try {
    if (ownerOf(name) === owner) fs.unlinkSync(name);
  } finally {
    fs.unlinkSync(tombstone);
  }
  return true;
}

/** Locks made so far: a lock of ours is not taken for another. */
let count = 0;

class InstanceLock {
  /** @param {string} database absolute path without links */
  constructor(database) {
    this.name = database + SUFFIX;
    this.owner = `${SELF}:${++count}`;
    this.database = database;
    this.holds = 0;
    this.taken = false;
  }

  /** One more hold. Returns SQLite's code. */
  acquire() {
    if (this.holds === 0) {
      const code = this.takeLock();
      if (code !== 0) return code;
    }
    this.holds++;
    return 0;
  }

  takeLock() {
    try {
      // Twice at the most: after a dead owner is out of the way.
      this.taken = take(this.name, this.owner) || (breakDead(this.name) && take(this.name, this.owner));
      return this.taken ? 0 : codes.BUSY;
    } catch (error) {
      return this.withoutLock(/** @type {NodeJS.ErrnoException} */ (error));
    }
  }

  /**
   * The folder takes no new file. Where nobody may write, a reader needs no lock,
   * as long as no living instance has one; who could write gets an error.
   * @param {NodeJS.ErrnoException} error
   */
  withoutLock(error) {
    if (!['EACCES', 'EROFS', 'EPERM', 'ERR_ACCESS_DENIED'].includes(error.code ?? '')) return codes.IOERR_LOCK;
    const owner = ownerOf(this.name);
    if (owner !== null && isAlive(owner, this.name)) return codes.BUSY;
    if (error.code === 'EROFS') return 0;
    try {
      fs.accessSync(this.database, fs.constants.W_OK);
      return codes.READONLY_CANTLOCK;
    } catch {
      return 0;
    }
  }

  release() {
    if (this.holds > 0 && --this.holds === 0) this.drop();
  }

  releaseAll() {
    this.holds = 0;
    this.drop();
  }

  drop() {
    if (!this.taken) return;
    try {
      // Somebody may have cleared up by hand, and somebody else may have it since.
      if (this.isIntact()) fs.unlinkSync(this.name);
    } catch (error) {
      // The folder is gone, then it is free. But a full stack must not leave it behind.
      if (error instanceof RangeError) throw error;
    }
    this.taken = false;
  }

  /** False if it was taken, and is not there any more. */
  isIntact() {
    try {
      return !this.taken || ownerOf(this.name) === this.owner;
    } catch (error) {
      if (error instanceof RangeError) throw error;
      return false;
    }
  }
}

module.exports = { InstanceLock, SUFFIX };
