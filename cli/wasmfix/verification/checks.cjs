'use strict';
/** Every check that `wasmfix verify` makes, in order. The ids are stable: documents and scripts name them. */

/** @type {import('./runner.cjs').Check[]} */
const checks = [
  ...require('./checks-build.cjs'),
  ...require('./checks-scanstatus.cjs'),
  ...require('./checks-errors.cjs'),
  ...require('./checks-files.cjs'),
  ...require('./checks-guards.cjs'),
  ...require('./checks-memory.cjs'),
];

module.exports = { checks };
