'use strict';
// Written by wasmfix @VERSION@ (missing-index): this file was missing. Undo with: wasmfix restore
// orez sqlite shim - none is needed here, the lines of this kind ask orez to leave the file as it is.
// mode: wasm, provided by wasmfix
// OrigDatabase: the word by which its first releases know a file of theirs
const Database = require('./database');

module.exports = Database;
module.exports.SqliteError = require('./sqlite-error');
