'use strict';
// Written by wasmfix @VERSION@ (stale-shim) in place of a shim whose original is lost. Undo with: wasmfix restore
const Database = require('./database');

module.exports = Database;
module.exports.SqliteError = require('./sqlite-error');
