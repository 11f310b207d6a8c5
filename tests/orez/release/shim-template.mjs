// The text of the shim in the later releases of orez, in its shape: one core, a CommonJS and an ESM face.

import {JOURNAL_MODE, PRAGMAS} from './types.js';

function core({mode}) {
  const {busy_timeout, synchronous} = PRAGMAS;
  return `
var OrigDatabase = mod.Database;
var SqliteError = mod.SqliteError;

function Database() {
  var opened = new OrigDatabase(...arguments);
  try {
    opened.pragma('journal_mode = ${JOURNAL_MODE[mode]}');
    opened.pragma('busy_timeout = ${busy_timeout}');
    opened.pragma('synchronous = ${synchronous}');
  } catch (_) {}
  return opened;
}

Database.prototype = OrigDatabase.prototype;
Database.prototype.constructor = Database;
Object.keys(OrigDatabase).forEach(function (key) { Database[key] = OrigDatabase[key]; });

Database.prototype.unsafeMode = function () { return this; };
if (!Database.prototype.serialize) {
  Database.prototype.serialize = function () { throw new Error('not in WebAssembly'); };
}

// no optimize; what a broken file answers is lost
var pragmaBelow = OrigDatabase.prototype.pragma;
Database.prototype.pragma = function (text, options) {
  if (text && text.trim().toLowerCase().startsWith('optimize')) return [];
  try { return pragmaBelow.call(this, text, options); }
  catch (error) { if (error && error.code === 'SQLITE_CORRUPT') return []; throw error; }
};

var probe = new OrigDatabase(':memory:');
var statement = probe.prepare('SELECT 1');
var SP = Object.getPrototypeOf(statement);
if (!SP.safeIntegers) SP.safeIntegers = function () { return this; };
SP.scanStatus = function () { return undefined; };
SP.scanStatusV2 = function () { return []; };
SP.scanStatusReset = function () {};
probe.close();

Database.SQLITE_SCANSTAT_NLOOP = 0;
Database.SQLITE_SCANSTAT_NVISIT = 1;
Database.SQLITE_SCANSTAT_EST = 2;
Database.SQLITE_SCANSTAT_NAME = 3;
Database.SQLITE_SCANSTAT_EXPLAIN = 4;
Database.SQLITE_SCANSTAT_SELECTID = 5;
Database.SQLITE_SCANSTAT_PARENTID = 6;
Database.SQLITE_SCANSTAT_NCYCLE = 7;
Database.SQLITE_SCANSTAT_COMPLEX = 8;
`.trim();
}

export function generateCjsShim(options) {
  return `'use strict';
// orez sqlite shim - SQLite in WebAssembly under zero-cache
// mode: ${options.mode}, journal_mode: ${JOURNAL_MODE[options.mode]}
var mod = require('${options.bedrockPath}');
${core(options)}

module.exports = Database;
module.exports.SqliteError = SqliteError;
`;
}

export function generateEsmShim(options) {
  return `// orez sqlite shim - SQLite in WebAssembly under zero-cache
// mode: ${options.mode}, journal_mode: ${JOURNAL_MODE[options.mode]}
import { createRequire } from 'node:module';
const require = createRequire('${options.bedrockPath}');
process.on('uncaughtException', (error) => {
  console.error('shim:', error?.stack?.split('\\n')[0]);
  process.exit(1);
});
var mod = require('${options.bedrockPath}');
${core(options)}

export default Database;
export { SqliteError };
`;
}
