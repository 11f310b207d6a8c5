'use strict';
// Written by wasmfix @VERSION@ (missing-lib): files of lib/ were missing. Undo with: wasmfix restore
const { Database, useSqliteError } = require('../wasmfix/standalone');

useSqliteError(require('./sqlite-error'));

module.exports = Database;
