'use strict';
/** What `bedrock-sqlite` exports: the driver, and the one method that only its statements have. */
/** @type {any} */
const addon = require('../addon.cjs');
const { Database, SqliteError } = require('./index');

/** Nothing to do: a statement goes with its database, or when nobody holds it any more. */
addon.Statement.prototype.finalize = function finalize() {
  return this;
};

module.exports = { Database, SqliteError };
