'use strict';
// Written by wasmfix @VERSION@ (missing-index): this file was missing. Undo with: wasmfix restore
const createDatabase = require('./database');

module.exports = createDatabase(require('./binding').getBinding, true);
module.exports.SqliteError = require('./sqlite-error');
