// What the first releases of orez do at start-up, written from the facts: a shim over the driver's entry point, the
// driver's database.js behind it replaced, too, nothing kept. "Patched" is who contains one word.

import fs from 'node:fs';
import path from 'node:path';

export function start(entry, bedrock) {
  const lib = path.dirname(entry);
  const index = path.join(lib, 'index.js');
  if (fs.existsSync(index) && fs.readFileSync(index, 'utf8').includes('OrigDatabase')) return 'left alone';
  const shim = `'use strict';
// patched by orez: SQLite in WebAssembly in place of the native addon
var mod = require('${bedrock}');
var OrigDatabase = mod.Database;
var SqliteError = mod.SqliteError;

// Each connection waits for locks.
function Database() {
  var opened = new OrigDatabase(...arguments);
  try {
    opened.pragma('busy_timeout = 30000');
    opened.pragma('cache_size = -8000');
  } catch (_) {}
  return opened;
}
Database.prototype = OrigDatabase.prototype;
Database.prototype.constructor = Database;
Object.keys(OrigDatabase).forEach(function (key) { Database[key] = OrigDatabase[key]; });
Database.prototype.unsafeMode = function (on) {
  this._unsafe = on === undefined || !!on;
  return this;
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

module.exports = Database;
module.exports.SqliteError = SqliteError;
`;
  fs.mkdirSync(lib, {recursive: true});
  fs.writeFileSync(index, shim);
  const database = path.join(lib, 'database.js');
  if (fs.existsSync(database)) fs.writeFileSync(database, `'use strict';\nmodule.exports = require('./index');\n`);
  return 'shimmed';
}

export function stop() {
  return 'left alone';
}
