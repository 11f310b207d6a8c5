'use strict';
/**
 * Who holds a lock, and whether it still runs.
 *
 * The name says the machine's boot and pid namespace, the process (id and start
 * time) and the thread (id and start time), so that a number which is used again
 * is not mistaken for its former owner. Whom we cannot judge (another container
 * on a shared volume, a thread on a system without /proc) counts as alive.
 */
const fs = require('fs');
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

/** This thread: `<world>:<pid>:<start>:<thread>:<start>`. */
const THREAD = (() => {
  const task = LINUX ? orEmpty(() => fs.readlinkSync('/proc/thread-self')) : '';
  const thread = task.split('/')[2] ?? `js${threadId}`;
  return [WORLD, process.pid, LINUX ? startTime(`${process.pid}`) : '', thread, task === '' ? '' : startTime(task)].join(':');
})();

/** A name for one more owner in this thread; at most 110 ASCII characters. */
function newOwner() {
  return `${THREAD}:${crypto.randomBytes(6).toString('hex')}`;
}

/** @param {string} owner whether it may still be running */
function isAlive(owner) {
  const [world, pid, started, thread, threadStarted] = owner.split(':');
  if (world !== WORLD || !/^\d+$/.test(pid ?? '')) return true;
  if (LINUX && started !== '') {
    if (startTime(pid) !== started) return false;
    return threadStarted === '' || startTime(`${pid}/task/${thread}`) === threadStarted;
  }
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

module.exports = { newOwner, isAlive };
