'use strict';
/**
 * Workloads of one process on a database in a file: `node files.cjs PACKAGE_FOLDER
 * FOLDER MODE`, MODE is the journal mode, synchronous is NORMAL. Prints as
 * workloads.cjs does.
 *
 * Every statement is a transaction of its own but for the one that says otherwise,
 * so that each takes and gives back the locks of a reader or a writer. An UPDATE
 * always changes its row: SQLite would not write a page that stays as it is.
 */
const path = require('path');
const { measure } = require('./measure.cjs');
const { fill } = require('./items.cjs');

const [, , package_, folder, mode] = process.argv;
const ROWS = 50_000;
const GETS = 20_000;
const RANGES = 2_000;
const COMMITS = 2_000;
const TRANSACTIONS = 40;

const Database = require(package_);
const db = new Database(path.join(folder, `${mode}.db`));
if (db.pragma(`journal_mode = ${mode}`, { simple: true }) !== mode) throw new Error(`no ${mode}`);
db.pragma('synchronous = NORMAL');
fill(db, ROWS);
db.exec('CREATE TABLE log (id INTEGER PRIMARY KEY, title TEXT, at REAL)');

const byKey = db.prepare('SELECT * FROM items WHERE id = ?');
const range = db.prepare('SELECT * FROM items WHERE id > ? LIMIT 50');
const everything = db.prepare('SELECT * FROM items');
const insert = db.prepare('INSERT INTO log (title, at) VALUES (?, ?)');
const update = db.prepare('UPDATE items SET score = score + 1 WHERE id = ?');
const many = db.transaction((/** @type {number} */ from) => {
  for (let i = 0; i < 100; i++) update.run((from + i * 13) % ROWS);
});

measure(`${mode}: get by key x 20k`, () => {
  let sum = 0;
  for (let i = 0; i < GETS; i++) sum += byKey.get((i * 7919) % ROWS).owner;
  return sum;
});
measure(`${mode}: all, limit 50 range x 2k`, () => {
  for (let i = 0; i < RANGES; i++) range.all((i * 7919) % ROWS);
});
measure(`${mode}: iterate, limit 50 range x 2k`, () => {
  let sum = 0;
  for (let i = 0; i < RANGES; i++) for (const row of range.iterate((i * 7919) % ROWS)) sum += row.owner;
  return sum;
});
measure(`${mode}: iterate, 50k x 5`, () => {
  let sum = 0;
  for (const row of everything.iterate()) sum += row.owner;
  return sum;
});
measure(`${mode}: insert, commit x 2k`, () => {
  for (let i = 0; i < COMMITS; i++) insert.run(`entry ${i}`, i / 7);
});
measure(`${mode}: update, commit x 2k`, () => {
  for (let i = 0; i < COMMITS; i++) update.run((i * 7919) % ROWS);
});
measure(`${mode}: 100 updates, commit x 40`, () => {
  for (let i = 0; i < TRANSACTIONS; i++) many(i * 1009);
});
db.close();
