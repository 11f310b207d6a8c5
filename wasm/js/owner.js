'use strict';
/**
 * Who holds a lock, and whether it still runs.
 *
 * The name says the machine's boot, the pid namespace, the run of the container, the
 * process (id and start time) and the thread (id and start time), so that a number
 * which is used again is not mistaken for its former owner. Who ran before the last
 * boot is dead, if the file system is one that no other machine can have mounted; so
 * is who was in an earlier run of our container (container.js). Whom we cannot judge
 * (another container on a shared volume, a process that /proc hides from us, a
 * thread on a system without /proc) counts as alive.
 */
const fs = require('fs');
const path = require('path');
const crypto = require('crypto');
const { threadId } = require('worker_threads');
const { warnOnce } = require('./warn');
const { container } = require('./container');

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

/** Whether /proc shows our pid namespace: `unshare -p` alone leaves that of the parent. */
const PROC = LINUX && orEmpty(() => fs.readlinkSync('/proc/self')) === `${process.pid}`;

/** The machine and the pid namespace that a pid belongs to. */
const WORLD = LINUX ? `${BOOT}.${orEmpty(() => fs.readlinkSync('/proc/self/ns/pid')).replace(/\D/g, '')}` : process.platform;

/** `<container>.<run>`, or ''. */
const CONTAINER = PROC ? container() : '';

/** This thread: `<world>[.<container>.<run>]:<pid>:<start>:<thread>:<start>`. */
const THREAD = (() => {
  const world = CONTAINER === '' ? WORLD : `${WORLD}.${CONTAINER}`;
  const task = PROC ? orEmpty(() => fs.readlinkSync('/proc/thread-self')) : '';
  const thread = task.split('/')[2] ?? `js${threadId}`;
  return [world, process.pid, PROC ? startTime(`${process.pid}`) : '', thread, task === '' ? '' : startTime(task)].join(':');
})();

/** File systems of one machine (statfs(2)): ext, xfs, btrfs, zfs, f2fs, tmpfs, overlay. */
const LOCAL = new Set([0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1, 0xf2f52010, 0x01021994, 0x794c7630]);

/**
 * Whether an owner in another world lived before this machine started.
 * @param {string} boot
 * @param {string} file that names the owner
 */
function isOfEarlierBoot(boot, file) {
  if (!LINUX || !/^[0-9a-f]{8}$/.test(boot) || BOOT === '' || boot === BOOT) return false;
  return LOCAL.has(fs.statfsSync(path.dirname(file)).type >>> 0);
}

/**
 * Whether an owner in another pid namespace of this boot was in an earlier run of our container.
 * @param {string} theirs `<container>.<run>`
 * @param {string} started
 */
function isOfEarlierRun(theirs, started) {
  const [id, run] = theirs.split('.');
  const [ourId, ourRun] = CONTAINER.split('.');
  if (BOOT === '' || CONTAINER === '' || id !== ourId || run === ourRun || !/^\d+$/.test(started)) return false;
  // Who is in a pid namespace below ours has started after our first process.
  const first = startTime('1');
  return first !== '' && BigInt(started) < BigInt(first);
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
 * 'unknown' if it is beyond us: then nobody but the user can say.
 * @param {string} owner
 * @param {string} file that names it
 * @returns {'alive' | 'dead' | 'unknown'}
 */
function judge(owner, file) {
  const [where, pid, started, thread, threadStarted] = owner.split(':');
  if (!/^\d+$/.test(pid ?? '')) return 'unknown';
  const [boot, namespace, ...theirs] = where.split('.');
  if (LINUX ? `${boot}.${namespace}` !== WORLD : where !== WORLD) {
    if (isOfEarlierBoot(boot, file)) return 'dead';
    return boot === BOOT && isOfEarlierRun(theirs.join('.'), started ?? '') ? 'dead' : 'unknown';
  }
  return isRunning(pid, started ?? '', thread ?? '', threadStarted ?? '') ? 'alive' : 'dead';
}

/** In our pid namespace. @param {string} pid @param {string} started @param {string} thread @param {string} threadStarted */
function isRunning(pid, started, thread, threadStarted) {
  if (!PROC || started === '') return exists(pid);
  // Hidden from us (hidepid) or gone: kill() knows.
  if (threadStarted === '') return runs(pid, started, () => exists(pid));
  // By its thread, for whose end others of the process may still be waited: the main thread's status says less.
  return runs(`${pid}/task/${thread}`, threadStarted, () => !fs.existsSync(`/proc/${pid}`) && exists(pid));
}

/**
 * Whether the owner may still be running.
 * @param {string} owner
 * @param {string} file that names it
 */
function isAlive(owner, file) {
  return judge(owner, file) !== 'dead';
}

/**
 * Whether the owner counts as alive only because nobody can tell from here.
 * @param {string} owner
 * @param {string} file that names it
 */
function isUnknown(owner, file) {
  return judge(owner, file) === 'unknown';
}

/**
 * Says once for a file that an unknown owner is in the way, and how the user can help.
 * @param {string} owner
 * @param {string} file that names it: the lock table `DATABASE-wasmfix` or its mutex
 */
function warnOfUnknown(owner, file) {
  const [where, pid] = owner.split(':');
  const who = /^\d+$/.test(pid ?? '') ? `process ${pid} of another container or machine (${where})` : `"${owner}"`;
  const message =
    `${who} has a lock in ${file}, and from here nobody can tell whether it still runs; ` +
    `if it is gone, stop all that use the database and delete ${file}, never while one of them runs`;
  warnOnce(file, 'WASMFIX_UNKNOWN_OWNER', message);
}

/** Whether an owner is of this thread. @param {string} owner */
function isOurs(owner) {
  return owner.startsWith(`${THREAD}:`);
}

module.exports = { newOwner, isAlive, isUnknown, warnOfUnknown, isOurs };
