'use strict';
// node probe.cjs PACKAGE: after safeIntegers() every integer is a BigInt, without it a small one is a number.
const path = require('node:path');
const { Database } = require(path.resolve(process.argv[2], 'dist/sqlite3.js'));

const db = new Database(':memory:');
try {
  db.exec('CREATE TABLE t (x INTEGER, y REAL)');
  const insert = db.prepare('INSERT INTO t VALUES (?, ?)');
  if (insert.run(7, 0.5).lastInsertRowid !== 1) throw new Error('the last rowid is not the number 1');
  if (typeof insert.safeIntegers !== 'function') throw new Error('stmt.safeIntegers is not a function');
  if (insert.safeIntegers(true).run(8, 1).lastInsertRowid !== 2n) throw new Error('the last rowid is not the BigInt 2n');
  const read = db.prepare('SELECT * FROM t LIMIT 1');
  const types = stmt => Object.values(stmt.get()).map(value => typeof value).join();
  if (types(read) !== 'number,number') throw new Error(`${types(read)} before safeIntegers()`);
  if (read.safeIntegers() !== read) throw new Error('safeIntegers() does not return the statement');
  if (types(read) !== 'bigint,number') throw new Error(`${types(read)} after safeIntegers()`);
  if (types(read.safeIntegers(false)) !== 'number,number') throw new Error('safeIntegers(false) is not heeded');
} catch (error) {
  console.log(error.message);
  process.exitCode = 1;
} finally {
  db.close();
}
