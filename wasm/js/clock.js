'use strict';
/** Time as it is: libraries for tests replace the global clock and timers by ones that stand still. */
const { performance } = require('perf_hooks');
const { setImmediate, setTimeout } = require('timers');
const { runInNewContext } = require('vm');

/** Milliseconds since the start of the process. */
const now = performance.now.bind(performance);

/** @param {Function} value */
function isBuiltIn(value) {
  return /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(value));
}

/** V8's own: the engine is loaded when the first database is opened, and the global one may be replaced by then. */
const RealDate = isBuiltIn(Date) && isBuiltIn(Date.now) ? Date : /** @type {DateConstructor} */ (runInNewContext('Date'));

/** Milliseconds since 1970. */
const wall = RealDate.now.bind(RealDate);

/**
 * Calls `body` at the end of the event loop's turn, without keeping the process alive. An immediate that does not, does
 * not keep the loop from going to sleep before it, either; so a timer wakes it.
 * @param {() => void} body
 */
function afterTurn(body) {
  let isDone = false;
  const once = () => {
    if (isDone) return;
    isDone = true;
    body();
  };
  setImmediate(once).unref();
  setTimeout(once, 1).unref();
}

module.exports = { now, wall, afterTurn, RealDate };
