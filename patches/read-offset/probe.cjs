'use strict';
// node probe.cjs PACKAGE: every position that the package hands to fs.readSync is a number.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const readSync = fs.readSync;
let bigints = 0;
fs.readSync = (...args) => {
  if (typeof args[4] === 'bigint') bigints++;
  return readSync(...args);
};

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'probe-'));
try {
  const { Database } = require(path.resolve(process.argv[2], 'dist/sqlite3.js'));
  const db = new Database(path.join(folder, 'a.db'));
  db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(20000))');
  db.close();
  const again = new Database(path.join(folder, 'a.db'));
  const sum = again.prepare('SELECT sum(length(x)) AS sum FROM t').get().sum;
  again.close();
  if (Number(sum) !== 20000) throw new Error(`read ${sum} bytes of 20000`);
  if (bigints) throw new Error(`${bigints} reads were given a BigInt for a position`);
} catch (error) {
  console.log(error.message);
  process.exitCode = 1;
} finally {
  fs.rmSync(folder, { recursive: true });
}
