'use strict';
/**
 * The addon: what `build/Release/better_sqlite3.node` exports, on WebAssembly.
 * The package's own lib/database.js loads it in place of the native one.
 */
const { hasExport } = require('./engine');
const { Database, Statement, Backup } = require('./database');
const { StatementIterator } = require('./statement');
const { setErrorConstructor } = require('./errors');

/** @type {Record<string, unknown>} */
const addon = { Database, Statement, StatementIterator, Backup, setErrorConstructor };

/** sqlite.org/c3ref/c_scanstat_complex.html */
const SCANSTAT = { NLOOP: 0, NVISIT: 1, EST: 2, NAME: 3, EXPLAIN: 4, SELECTID: 5, PARENTID: 6, NCYCLE: 7, COMPLEX: 1 };
if (hasExport('wf_scan_status')) for (const [name, value] of Object.entries(SCANSTAT)) addon[`SQLITE_SCANSTAT_${name}`] = value;

module.exports = addon;
