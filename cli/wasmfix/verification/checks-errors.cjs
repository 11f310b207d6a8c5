'use strict';
/** Extended result codes on every path: Zero retries on BUSY and handles constraints by code. */
const fs = require('fs');
const path = require('path');
const { expect, expectError } = require('./runner.cjs');

/** @typedef {import('./runner.cjs').Context} Context */

const CONSTRAINTS = [
  ['SQLITE_CONSTRAINT_PRIMARYKEY', 'INSERT INTO t VALUES (1, 2, 3, 1, NULL)'],
  ['SQLITE_CONSTRAINT_UNIQUE', 'INSERT INTO t VALUES (2, 1, 3, 1, NULL)'],
  ['SQLITE_CONSTRAINT_NOTNULL', 'INSERT INTO t VALUES (2, 2, NULL, 1, NULL)'],
  ['SQLITE_CONSTRAINT_CHECK', 'INSERT INTO t VALUES (2, 2, 3, -1, NULL)'],
  ['SQLITE_CONSTRAINT_FOREIGNKEY', 'INSERT INTO t VALUES (2, 2, 3, 1, 99)'],
];

/** @param {Context} context */
function constraints(context) {
  const db = new context.Database(':memory:');
  db.pragma('foreign_keys = ON');
  db.exec(`
    CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE, n NOT NULL, c CHECK (c > 0), f REFERENCES t (id));
    INSERT INTO t VALUES (1, 1, 1, 1, NULL);
  `);
  for (const [code, sql] of CONSTRAINTS) expectError(context, code, () => db.prepare(sql).run());
  expectError(context, CONSTRAINTS[0][0], () => db.exec(CONSTRAINTS[0][1]));
  const error = expectError(context, 'SQLITE_ERROR', () => db.prepare('SELECT * FROM missing'));
  expect(/no such table: missing/.test(error.message), `the message is ${error.message}`);
  expect(db.prepare('SELECT count(*) FROM t').pluck().get() === 1, 'a refused row is in the table all the same');
  db.close();
  return CONSTRAINTS.map(([code]) => code.replace('SQLITE_CONSTRAINT_', '')).join(', ');
}

/** @param {Context} context */
function busy(context) {
  const file = context.file('busy.db');
  const first = new context.Database(file);
  first.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1); BEGIN IMMEDIATE');
  const second = new context.Database(file, { timeout: 0 });
  expectError(context, 'SQLITE_BUSY', () => second.exec('BEGIN IMMEDIATE'));
  first.exec('INSERT INTO t VALUES (2); COMMIT');
  second.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (3); COMMIT');
  const rows = first.prepare('SELECT x FROM t').pluck().all();
  expect(JSON.stringify(rows) === '[1,2,3]', `both connections wrote, and the table holds ${JSON.stringify(rows)}`);
  second.close();
  first.close();
  return 'refused while another connection writes, granted afterwards';
}

/** @param {Context} context */
function opening(context) {
  const folder = context.file('folder');
  fs.mkdirSync(folder, { recursive: true });
  expectError(context, 'SQLITE_CANTOPEN', () => new context.Database(context.file('absent.db'), { fileMustExist: true }));
  expect(!fs.existsSync(context.file('absent.db')), 'fileMustExist created the file');
  let error;
  try {
    new context.Database(folder).prepare('SELECT * FROM sqlite_schema').all();
  } catch (caught) {
    error = /** @type {any} */ (caught);
  }
  expect(error instanceof context.SqliteError && /^SQLITE_CANTOPEN/.test(error.code), `opening a folder gives ${error && error.code}`);
  const junk = context.file('junk.db');
  fs.writeFileSync(junk, Buffer.alloc(8192, 'no database '));
  const db = new context.Database(junk);
  expectError(context, 'SQLITE_NOTADB', () => db.prepare('SELECT * FROM sqlite_schema').all());
  db.close();
  const missing = path.join(folder, 'absent', 'x.db');
  let refusal;
  try {
    new context.Database(missing);
  } catch (caught) {
    refusal = caught;
  }
  expect(refusal instanceof TypeError, `a file in a folder that does not exist gives ${refusal}`);
  return 'CANTOPEN, NOTADB';
}

/** @type {import('./runner.cjs').Check[]} */
module.exports = [
  { id: 'V020', title: 'constraints have their extended codes', phases: ['all', 'quick'], run: constraints },
  { id: 'V021', title: 'a second writer is told SQLITE_BUSY', phases: ['all'], run: busy },
  { id: 'V022', title: 'what is no database is refused by code', phases: ['all'], run: opening },
];
