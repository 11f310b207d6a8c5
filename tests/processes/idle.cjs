'use strict';
/**
 * A thread that reads fast in a timer's turn and then has nothing to do: `node idle.cjs PACKAGE_FOLDER FILE`, once for
 * each line of its input. Prints whether it keeps a read lock.
 */
const fs = require('fs');
const readline = require('readline');

const [, , package_, file] = process.argv;
const Database = require(package_);
// A burst is so many read locks in so many milliseconds: this machine is a hundred times as fast, then.
const clock = require(`${package_}/wasmfix/clock.js`);
const { now } = clock;
clock.now = () => now() / 100;

const db = new Database(file);
db.pragma('journal_mode = wal');
db.exec('create table t(a); insert into t values(1)');
const read = db.prepare('select * from t');

function burst() {
  for (let i = 0; i < 1000; i++) read.get();
  const kept = fs.readFileSync(`${file}-wasmfix`).subarray(384 + 3, 384 + 8);
  // Not by console.log(), which would wake the event loop.
  fs.writeSync(1, `${kept.some((slot) => slot !== 0)}\n`);
}

readline.createInterface({ input: process.stdin }).on('line', () => setTimeout(burst, 30)).on('close', () => db.close());
