'use strict';
/**
 * The addon: what `build/Release/better_sqlite3.node` exports, on WebAssembly.
 * The package's own lib/database.js loads it in place of the native one.
 */
const { hasExport } = require('./engine');
const { Database, Statement, Backup } = require('./database');
const { StatementIterator, toString } = require('./statement');
const { setErrorConstructor } = require('./errors');
const { useNodeApi } = require('./contract');
const checks = require('./checks');

/** @type {Record<string, unknown>} */
const addon = { Database, Statement, StatementIterator, Backup, setErrorConstructor, initialize };

/**
 * What better-sqlite3 from 13 on calls first, see contract.js. Rows, arrays and records are made here, in one go; so of
 * its factories only the one for rows is of use.
 * @param {...unknown} args SqliteError, arrayFactory, arrayAppender, rowFactory, recordFactory
 */
function initialize(...args) {
  checks.requireArguments(args, 'function', 'function', 'function', 'function', 'function');
  const [SqliteError, , , rowFactory] = /** @type {any[]} */ (args);
  setErrorConstructor(SqliteError);
  useNodeApi(rowFactory);
  delete addon.setErrorConstructor;
  Object.defineProperty(Statement.prototype, 'toString', { value: toString, writable: true, enumerable: true, configurable: true });
}

/** sqlite.org/c3ref/c_scanstat_complex.html */
const SCANSTAT = { NLOOP: 0, NVISIT: 1, EST: 2, NAME: 3, EXPLAIN: 4, SELECTID: 5, PARENTID: 6, NCYCLE: 7, COMPLEX: 1 };
if (hasExport('wf_scan_status')) for (const [name, value] of Object.entries(SCANSTAT)) addon[`SQLITE_SCANSTAT_${name}`] = value;

module.exports = addon;
