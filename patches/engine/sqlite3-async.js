'use strict';
// Written by wasmfix @VERSION@ (engine): SQLite and its driver are in the folder wasmfix. Undo with: wasmfix restore

/**
 * Compiles SQLite without keeping this thread busy. What it resolves to works synchronously.
 * @param {Record<string, any>} [overrides] becomes the module, as it always did; settings of Emscripten's in it have no
 *   effect
 */
async function createSqliteModule(overrides = {}) {
  await require('./wasmfix/engine').precompile();
  const { Database, SqliteError } = require('./wasmfix/standalone/bedrock');
  return Object.assign(overrides, { Database, SqliteError });
}

module.exports = createSqliteModule;
module.exports.default = createSqliteModule;
