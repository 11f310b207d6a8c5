'use strict';
// Written by wasmfix @VERSION@ (engine): SQLite and its driver are in the folder wasmfix. Undo with: wasmfix restore
const { Database, SqliteError } = require('./wasmfix/standalone/bedrock');

module.exports = { Database, SqliteError };
