'use strict';
/** Time as it is: libraries for tests replace the global clock and timers by ones that stand still. */
const { performance } = require('perf_hooks');
const { setImmediate } = require('timers');

/** Milliseconds since the start of the process. */
const now = performance.now.bind(performance);

module.exports = { now, setImmediate };
