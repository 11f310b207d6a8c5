'use strict';
// Written by wasmfix @VERSION@ (missing-lib): this file was missing. Undo with: wasmfix restore
module.exports = require('../wasmfix/standalone/sqlite-error');
