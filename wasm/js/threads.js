'use strict';
/**
 * The end of the process while worker threads have databases open.
 *
 * Nothing runs in a worker thread when the main thread ends the process, and what
 * lies beside its databases would stay there until somebody opens them again. So
 * the main thread asks the others to close, and waits a moment. (zero-cache's
 * replicator is such a process: it tells its writer's thread to stop, and ends. With
 * native, the thread is mostly quick enough.)
 *
 * The threads share an array: a pair of words for each that has databases open,
 * the system's number of the thread and how many databases, or CLOSING.
 */
const fs = require('fs');
const { BroadcastChannel, getEnvironmentData, isMainThread, setEnvironmentData } = require('worker_threads');

const NAME = 'wasmfix.threads';
const THREADS = 128;
/** Milliseconds. Pauses are counted, not the time: while the whole machine stands still, no thread can close. */
const PAUSE = 10;
/** Of pauses, for all together. A thread that is busy for longer is left to the next who opens its databases. */
const PATIENCE = 100;
/** Of pauses, after which the next thread is asked, too. */
const TURN = 25;
/** Of pauses, for threads that are in the midst of closing: they wait for a disk, as we do with ours. */
const DISK = 1000;
const CLOSING = -1;

/** Other copies of this module use the same array. */
const words = (() => {
  const known = getEnvironmentData(NAME);
  if (known instanceof Int32Array) return known;
  const made = new Int32Array(new SharedArrayBuffer(THREADS * 8));
  if (isMainThread) setEnvironmentData(NAME, /** @type {any} */ (made));
  return made;
})();

/** -1 where the system does not say; threads are not told apart there. */
const ME = (() => {
  try {
    return Number(fs.readlinkSync('/proc/thread-self').split('/')[2]);
  } catch {
    return -1;
  }
})();

/** Our pair, or -1. */
let pair = -1;
/** @type {BroadcastChannel | null} */
let channel = null;

/**
 * Says how many databases this thread has open.
 * @param {number} count
 * @param {() => void} closeAll what to do when the process ends
 */
function announce(count, closeAll) {
  if (isMainThread) return;
  if (channel === null) {
    channel = new BroadcastChannel(NAME);
    channel.onmessage = (message) => {
      if (/** @type {{ data: unknown }} */ (message).data === ME) closeAll();
    };
    channel.unref();
  }
  for (let i = 0; pair < 0 && count > 0 && i < words.length; i += 2) {
    if (Atomics.compareExchange(words, i, 0, ME) === 0) pair = i;
  }
  if (pair < 0) return;
  Atomics.store(words, pair + 1, count);
  if (count > 0) return;
  const mine = pair;
  pair = -1;
  Atomics.store(words, mine, 0);
  Atomics.notify(words, mine);
}

/** Says that this thread has begun to close a database; announce() follows. */
function announceClosing() {
  if (pair >= 0) Atomics.store(words, pair + 1, CLOSING);
}

/** @param {number} thread */
function isRunning(thread) {
  return thread < 0 || fs.existsSync(`/proc/self/task/${thread}`);
}

/**
 * Waits until the thread has closed its databases, or has ended.
 * @param {number} i its pair
 * @param {number} pauses at most
 * @param {{ disk: number }} left of the pauses for those that are closing
 * @returns {number} pauses left
 */
function waitFor(i, pauses, left) {
  for (let thread = Atomics.load(words, i); thread !== 0; thread = Atomics.load(words, i)) {
    const isClosing = left.disk > 0 && Atomics.load(words, i + 1) === CLOSING;
    if ((pauses <= 0 && !isClosing) || !isRunning(thread)) break;
    if (Atomics.wait(words, i, thread, PAUSE) !== 'timed-out') continue;
    if (isClosing) left.disk--;
    else pauses--;
  }
  return pauses;
}

/**
 * Asks the other threads to close their databases, one after the other, and waits
 * until they have. Two that close a database at the same time each see the other,
 * so that neither is the last, who would remove the WAL.
 */
function closeOthers() {
  if (!isMainThread || words.every((word) => word === 0)) return;
  const asking = new BroadcastChannel(NAME);
  const left = { disk: DISK };
  let pauses = PATIENCE;
  for (let i = 0; i < words.length; i += 2) {
    const thread = Atomics.load(words, i);
    if (thread === 0) continue;
    asking.postMessage(thread);
    const turn = Math.min(pauses, TURN);
    pauses -= turn - waitFor(i, turn, left);
  }
  for (let i = 0; i < words.length; i += 2) pauses = waitFor(i, pauses, left);
  asking.close();
}

module.exports = { announce, announceClosing, closeOthers };
