'use strict';
/** What a burst of commits does to files: `node kept.cjs PACKAGE_FOLDER FILE`. Prints JSON. */
const fs = require('fs');

const [, , package_, file] = process.argv;
/** @type {string[] | null} */
let calls = null;
/** Whether a write into our row of the lock table fails. */
let isFull = false;
for (const name of ['readSync', 'writeSync', 'openSync', 'statSync', 'readFileSync']) {
  const real = fs[name];
  fs[name] = (...args) => {
    if (calls !== null) calls.push(name);
    if (isFull && name === 'writeSync' && args[3] <= 16 && args[4] >= 384) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', errno: -28 });
    return real(...args);
  };
}
const Database = require(package_);
// A burst is so many read locks in so many milliseconds: this machine is a hundred times as fast, then.
const clock = require(`${package_}/wasmfix/clock.js`);
const { now } = clock;
clock.now = () => now() / 100;

/** Our row's byte of WAL_WRITE_LOCK, in the lock table. */
function writeByte() {
  return fs.readFileSync(`${file}-wasmfix`)[384];
}

const db = new Database(file);
db.pragma('journal_mode = wal');
db.pragma('synchronous = normal');
db.exec('create table t(k integer primary key, v)');
const insert = db.prepare('insert into t(v) values (?)');
// On a machine that others use, it may take several attempts all the same.
let inserted = 0;
/** @type {string[]} */
let counted = [];
for (let attempt = 0; attempt < 50 && (attempt === 0 || counted.length > 5); attempt++) {
  for (let i = 0; i < 500; i++) insert.run(i);
  calls = [];
  insert.run('counted');
  counted = calls;
  calls = null;
  inserted += 501;
}
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

// A concurrent transaction wants WRITE at its commit only; whoever waits for another writer in it must not hold it.
const concurrent = [];
db.function('seen', (value) => {
  concurrent.push(writeByte());
  return value;
});
const slow = db.prepare('insert into t(v) values (seen(?))');
for (let i = 0; i < 300; i++) slow.run(i);
concurrent.length = 0;
db.exec('begin concurrent');
slow.run('a');
slow.run('b');
db.exec('commit');

// No burst, so that nothing is kept. WRITE cannot be given up, and goes at the end of the turn.
clock.now = () => now() * 1e6;
const look = db.prepare('select 1 from t');
for (let i = 0; i < 200; i++) look.get();
db.function('fill', (value) => {
  isFull = true;
  return value;
});
db.prepare('insert into t(v) values (fill(?))').run('late');
const whileFull = writeByte();
isFull = false;
setImmediate(() => {
  const afterTurn = writeByte();
  const { n: rows } = db.prepare('select count(*) n from t').get();
  console.log(JSON.stringify({ counted, afterCommit, code, afterRefusal, inside, afterwards, concurrent, whileFull, afterTurn, inserted, rows }));
  db.close();
});
