'use strict';
/**
 * Who holds a lock, and whether it still runs.
 *
 * The name says the machine's boot and pid namespace, the process (id and start
 * time) and the thread (id and start time), so that a number which is used again
 * is not mistaken for its former owner. Who ran before the last boot is dead, if
 * the file system is one that no other machine can have mounted. Whom we cannot
 * judge (another container on a shared volume, a process that /proc hides from
 * us, a thread on a system without /proc) counts as alive.
 */
const fs = require('fs');
const path = require('path');
const crypto = require('crypto');
const { threadId } = require('worker_threads');

const LINUX = process.platform === 'linux';

/** @param {() => string} read */
function orEmpty(read) {
  try {
    return read();
  } catch {
    return '';
  }
}

/**
 * State (proc_pid_stat(5): Z and X have ended) and start time, in clock ticks since boot.
 * @param {string} folder of a process or thread below /proc
 */
function status(folder) {
  const stat = fs.readFileSync(`/proc/${folder}/stat`, 'utf8');
  // The name of the command, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { ended: fields[0] === 'Z' || fields[0] === 'X', started: fields[19] ?? '' };
}

/** @param {string} folder @returns {string} '' if there is no /proc */
function startTime(folder) {
  return orEmpty(() => status(folder).started);
}

/** Of this boot, 8 digits; '' if it cannot be told. */
const BOOT = LINUX ? orEmpty(() => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')).trim().slice(0, 8) : '';

/** The machine and the pid namespace that a pid belongs to. */
const WORLD = LINUX ? `${BOOT}.${orEmpty(() => fs.readlinkSync('/proc/self/ns/pid')).replace(/\D/g, '')}` : process.platform;

/** This thread: `<world>:<pid>:<start>:<thread>:<start>`. */
const THREAD = (() => {
  const task = LINUX ? orEmpty(() => fs.readlinkSync('/proc/thread-self')) : '';
  const thread = task.split('/')[2] ?? `js${threadId}`;
  return [WORLD, process.pid, LINUX ? startTime(`${process.pid}`) : '', thread, task === '' ? '' : startTime(task)].join(':');
})();

/** File systems of one machine (statfs(2)): ext, xfs, btrfs, zfs, f2fs, tmpfs, overlay. */
const LOCAL = new Set([0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1, 0xf2f52010, 0x01021994, 0x794c7630]);

/**
 * Whether an owner in another world lived before this machine started.
 * @param {string} world
 * @param {string} file that names the owner
 */
function isOfEarlierBoot(world, file) {
  const boot = world.split('.')[0];
  if (!LINUX || !/^[0-9a-f]{8}$/.test(boot) || BOOT === '' || boot === BOOT) return false;
  return LOCAL.has(fs.statfsSync(path.dirname(file)).type >>> 0);
}

/** A name for one more owner in this thread; at most 110 ASCII characters. */
function newOwner() {
  return `${THREAD}:${crypto.randomBytes(6).toString('hex')}`;
}

/** Whether a process of this name exists, whoever may look at it. @param {string} pid */
function exists(pid) {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * Whether the process or thread that had this start time is still there.
 * @param {string} folder below /proc
 * @param {string} started
 * @param {() => boolean} otherwise if /proc has no such folder
 */
function runs(folder, started, otherwise) {
  try {
    const now = status(folder);
    return !now.ended && now.started === started;
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    // ESRCH: it ended between open and read. Anything else (no file descriptor left) says nothing about it.
    return code === 'ENOENT' || code === 'ESRCH' ? otherwise() : true;
  }
}

/**
 * Whether the owner may still be running.
 * @param {string} owner
 * @param {string} file that names it
 */
function isAlive(owner, file) {
  const [world, pid, started, thread, threadStarted] = owner.split(':');
  if (!/^\d+$/.test(pid ?? '')) return true;
  if (world !== WORLD) return !isOfEarlierBoot(world, file);
  if (!LINUX || started === '') return exists(pid);
  // Hidden from us (hidepid) or gone: kill() knows.
  if (threadStarted === '') return runs(pid, started, () => exists(pid));
  // By its thread, for whose end others of the process may still be waited: the main thread's status says less.
  return runs(`${pid}/task/${thread}`, threadStarted, () => !fs.existsSync(`/proc/${pid}`) && exists(pid));
}

/** Whether an owner is of this thread. @param {string} owner */
function isOurs(owner) {
  return owner.startsWith(`${THREAD}:`);
}

module.exports = { newOwner, isAlive, isOurs };
