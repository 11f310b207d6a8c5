'use strict';
/**
 * The workloads, for one driver in one process: `node workloads.cjs PACKAGE_FOLDER`
 * prints one JSON line a measurement (measure.cjs).
 *
 * Data: `items` has 200,000 rows (items.cjs), in memory. Times are milliseconds.
 */
const { measure } = require('./measure.cjs');
const { fill } = require('./items.cjs');

const ROWS = 200_000;
const GETS = 50_000;
const RANGES = 4_000;
const INSERTS = 50_000;

const Database = require(process.argv[2]);

const db = new Database(':memory:');
fill(db, ROWS);

const everything = db.prepare('SELECT * FROM items');
const byKey = db.prepare('SELECT * FROM items WHERE id = ?');
const range = db.prepare('SELECT * FROM items WHERE id > ? LIMIT 50');
const scan = db.prepare("SELECT count(*), sum(score), max(owner) FROM items WHERE title LIKE '%99%' AND owner > 10");
const big = db.prepare('SELECT * FROM items').safeIntegers();

measure('all, 200k x 5', () => everything.all());
measure('all, 200k x 5, safeIntegers', () => big.all());
measure('iterate, 200k x 5', () => {
  let sum = 0;
  for (const row of everything.iterate()) sum += row.owner;
  return sum;
});
measure('get by key x 50k', () => {
  let sum = 0;
  for (let i = 0; i < GETS; i++) sum += byKey.get((i * 7919) % ROWS).owner;
  return sum;
});
measure('limit 50 range x 4k', () => {
  for (let i = 0; i < RANGES; i++) range.all((i * 7919) % ROWS);
});
measure('scan, LIKE and aggregates', () => scan.get());
const sum = db.prepare('SELECT sum(score) FROM items');
measure('scan, sum', () => sum.get());
const order = db.prepare('SELECT state, count(*), avg(score) FROM items GROUP BY state ORDER BY 3');
measure('group by, sorter', () => order.all());

let target;
measure('insert 50k, one transaction', () => {
  const insert = target.prepare('INSERT INTO copy VALUES (?, ?, ?, ?, ?)');
  target.transaction(() => {
    for (let i = 0; i < INSERTS; i++) insert.run(i, `title of item ${i}`, i / 7, i % 1000, 'open');
  })();
}, () => {
  target?.close();
  target = new Database(':memory:');
  target.exec('CREATE TABLE copy (id INTEGER PRIMARY KEY, title TEXT, score REAL, owner INTEGER, state TEXT)');
});
