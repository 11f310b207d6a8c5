'use strict';
/**
 * The end of the process (or of a worker thread). Native closes its connections
 * after all `exit` listeners; so a user's listener may still use the database.
 * Listeners run in the order in which they were added, so ours moves behind each
 * that is added later. If it has to run too early all the same (a listener was
 * added and process.exit() called in one breath), it waits for reallyExit().
 */
const { announce, closeOthers } = require('./threads');

/** Marks our listener for other copies of this module: two that each move behind the other never stop. */
const OURS = Symbol.for('wasmfix.exit');
/** @type {Set<import('./engine').Engine>} */
const engines = new Set();
let watching = false;
/** Whether a listener was added behind ours. */
let overtaken = false;

function closeOurs() {
  for (const engine of engines) {
    for (const db of engine.databases) {
      try {
        if (!engine.isDead()) db.close();
      } catch {
        // Nobody is left to be told; the other connections have to be closed, too.
      }
    }
    engine.vfs.abandon();
  }
  engines.clear();
  settle();
}

function closeAll() {
  const wait = closeOthers();
  closeOurs();
  wait();
}

/** To be called when a database has been opened or closed. */
function settle() {
  let count = 0;
  for (const engine of engines) count += engine.databases.size;
  announce(count, closeOurs);
}

function onExit() {
  if (!overtaken) return closeAll();
  const target = /** @type {{ reallyExit?: (code: number) => void }} */ (/** @type {unknown} */ (process));
  const { reallyExit } = target;
  if (typeof reallyExit !== 'function') return closeAll();
  target.reallyExit = (code) => {
    closeAll();
    reallyExit.call(process, code);
  };
}

onExit[OURS] = true;

function moveBehind() {
  overtaken = false;
  process.removeListener('exit', onExit);
  process.on('exit', onExit);
}

/** @param {import('./engine').Engine} engine */
function watch(engine) {
  // Poisoned ones have given up everything, but they hold a memory.
  for (const known of engines) if (known.poisoned !== null && known.abandoned) engines.delete(known);
  engines.add(engine);
  settle();
  if (watching) return;
  watching = true;
  process.on('exit', onExit);
  // An exception that nobody catches ends the process before the microtask below runs.
  process.on('uncaughtExceptionMonitor', () => {
    if (overtaken) moveBehind();
  });
  process.on('newListener', (event, listener) => {
    // Once the event is being emitted, a new listener is not called any more.
    if (event !== 'exit' || listener[OURS] || /** @type {any} */ (process)._exiting) return;
    overtaken = true;
    queueMicrotask(moveBehind);
  });
}

module.exports = { watch, settle };
