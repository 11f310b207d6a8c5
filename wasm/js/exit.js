'use strict';
/**
 * The end of the process (or of a worker thread). Native closes its connections
 * after all `exit` listeners; so a user's listener may still use the database.
 * Listeners run in the order in which they were added, so ours moves behind each
 * that is added later. If it has to run too early all the same (a listener was
 * added and process.exit() called in one breath), it waits for reallyExit().
 *
 * A process may have several copies of the engine (nested duplicates of a package).
 * They share one watcher: two that each move behind the other would never stop.
 */
const { announce, announceClosing, closeOthers } = require('./threads');

/** The watcher's place on `process`. */
const WATCHER = Symbol.for('wasmfix.exit');
/** @type {Set<import('./engine').Engine>} */
const engines = new Set();

/** Closes what this copy of the engine has open. */
function closeEngines() {
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

/** To be called when a database has been opened or closed. */
function settle() {
  let count = 0;
  for (const engine of engines) count += engine.databases.size;
  announce(count, closeEngines);
}

/**
 * Listens, once for a thread. Returns the set of functions that are called at the end.
 * @returns {Set<() => void>}
 */
function startWatcher() {
  /** @type {Set<() => void>} */
  const closers = new Set();
  /** Whether a listener was added behind ours. */
  let overtaken = false;

  const closeAll = () => {
    closeOthers();
    for (const close of closers) close();
  };

  const onExit = () => {
    if (!overtaken) return closeAll();
    const target = /** @type {{ reallyExit?: (code: number) => void }} */ (/** @type {unknown} */ (process));
    const { reallyExit } = target;
    if (typeof reallyExit !== 'function') return closeAll();
    target.reallyExit = (code) => {
      closeAll();
      reallyExit.call(process, code);
    };
  };

  const moveBehind = () => {
    overtaken = false;
    process.removeListener('exit', onExit);
    process.on('exit', onExit);
  };

  process.on('exit', onExit);
  // An exception that nobody catches ends the process before the microtask below runs.
  process.on('uncaughtExceptionMonitor', () => {
    if (overtaken) moveBehind();
  });
  process.on('newListener', (event, listener) => {
    // Once the event is being emitted, a new listener is not called any more.
    if (event !== 'exit' || listener === onExit || /** @type {any} */ (process)._exiting) return;
    overtaken = true;
    queueMicrotask(moveBehind);
  });
  return closers;
}

/** @param {import('./engine').Engine} engine */
function watch(engine) {
  // Poisoned ones have given up everything, but they hold a memory.
  for (const known of engines) if (known.poisoned !== null && known.abandoned) engines.delete(known);
  engines.add(engine);
  settle();
  const target = /** @type {any} */ (process);
  if (!(WATCHER in target)) Object.defineProperty(target, WATCHER, { value: startWatcher() });
  target[WATCHER].add(closeEngines);
}

module.exports = { watch, settle, announceClosing };
