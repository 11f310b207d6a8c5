'use strict';
// node probe.cjs PACKAGE: errors have the extended result code's name, from each path.
const path = require('node:path');
const { Database, SqliteError } = require(path.resolve(process.argv[2], 'dist/sqlite3.js'));

const db = new Database(':memory:');
db.exec('CREATE TABLE t (id TEXT PRIMARY KEY, n INTEGER NOT NULL CHECK (n > 0), u UNIQUE)');
db.exec("INSERT INTO t VALUES ('a', 1, 1)");

const cases = {
  SQLITE_CONSTRAINT_PRIMARYKEY: () => db.prepare("INSERT INTO t VALUES ('a', 1, 2)").run(),
  SQLITE_CONSTRAINT_NOTNULL: () => db.exec("INSERT INTO t VALUES ('b', NULL, 2)"),
  SQLITE_CONSTRAINT_CHECK: () => db.prepare("INSERT INTO t VALUES ('b', 0, 2) RETURNING id").get(),
  SQLITE_CONSTRAINT_UNIQUE: () => db.prepare("INSERT INTO t VALUES ('b', 1, 1) RETURNING id").all(),
  SQLITE_ERROR: () => db.prepare('SELECT nothing'),
  SQLITE_CANTOPEN: () => new Database('/no such folder/a.db'),
};
try {
  for (const [code, act] of Object.entries(cases)) {
    let thrown;
    try {
      act();
    } catch (error) {
      thrown = error;
    }
    if (code === 'SQLITE_CANTOPEN' && thrown instanceof TypeError) continue; // how better-sqlite3 says it
    if (!(thrown instanceof SqliteError)) throw new Error(`no SqliteError where ${code} belongs: ${thrown}`);
    if (thrown.code !== code) throw new Error(`${thrown.code} instead of ${code}: ${thrown.message}`);
  }
} catch (error) {
  console.log(error.message);
  process.exitCode = 1;
} finally {
  db.close();
}
