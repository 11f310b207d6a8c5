'use strict';
/** What a burst of commits does to files: `node kept.cjs PACKAGE_FOLDER FILE`. Prints JSON. */
const fs = require('fs');

const [, , package_, file] = process.argv;
/** @type {string[] | null} */
let calls = null;
for (const name of ['readSync', 'writeSync', 'openSync', 'statSync', 'readFileSync']) {
  const real = fs[name];
  fs[name] = (...args) => {
    if (calls !== null) calls.push(name);
    return real(...args);
  };
}
const Database = require(package_);

/** Our row's byte of WAL_WRITE_LOCK, in the lock table. */
function writeByte() {
  return fs.readFileSync(`${file}-wasmfix`)[384];
}

const db = new Database(file);
db.pragma('journal_mode = wal');
db.pragma('synchronous = normal');
db.exec('create table t(k integer primary key, v)');
const insert = db.prepare('insert into t(v) values (?)');
for (let i = 0; i < 500; i++) insert.run(i);
calls = [];
insert.run('counted');
const counted = calls;
calls = null;
const afterCommit = writeByte();

db.pragma('query_only = 1');
let code = '';
try {
  insert.run('refused');
} catch (error) {
  code = error.code;
}
const afterRefusal = writeByte();
db.pragma('query_only = 0');

// A transaction of its own: WRITE is SQLite's until the commit.
db.exec('begin');
for (let i = 0; i < 3; i++) insert.run(i);
const inside = writeByte();
db.exec('commit');
const afterwards = writeByte();
console.log(JSON.stringify({ counted, afterCommit, code, afterRefusal, inside, afterwards, rows: db.prepare('select count(*) n from t').get().n }));
db.close();
