'use strict';
// node probe.cjs PACKAGE: unsafeMode is a method of databases and returns the database.
const path = require('node:path');
const { Database } = require(path.resolve(process.argv[2], 'dist/sqlite3.js'));

const db = new Database(':memory:');
try {
  if (typeof db.unsafeMode !== 'function') throw new Error('db.unsafeMode is not a function');
  if (db.unsafeMode() !== db || db.unsafeMode(false) !== db) throw new Error('db.unsafeMode() does not return the database');
} catch (error) {
  console.log(error.message);
  process.exitCode = 1;
} finally {
  db.close();
}
