'use strict';
/**
 * The standalone driver: better-sqlite3's JavaScript face over our addon, for packages that have none of their own
 * (`bedrock-sqlite`, and a zero-sqlite3 or better-sqlite3 whose lib/ is gone). It does and says what their lib/ does;
 * the tests ask both the same (tests/standalone).
 */
const { Database, useSqliteError } = require('./database');
const SqliteError = require('./sqlite-error');

module.exports = { Database, SqliteError, useSqliteError };
