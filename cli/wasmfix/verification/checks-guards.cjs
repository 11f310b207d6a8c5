'use strict';
/** The limits that stop a query before it takes the process down. The parent has set them low for this run. */
const { Skip, expect, expectError, show } = require('./runner.cjs');

/** @typedef {import('./runner.cjs').Context} Context */

const ROWS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n';

/** @param {Context} context */
function requireGuards({ job }) {
  if (!job.expectEngine) throw new Skip('the native addon has no limits');
}

/** @param {Context} context */
async function warning(context) {
  requireGuards(context);
  const { rowWarn } = context.job.guards;
  /** @type {any[]} */
  const warnings = [];
  const listen = (/** @type {any} */ each) => warnings.push(each);
  process.on('warning', listen);
  const db = new context.Database(':memory:');
  const statement = db.prepare(ROWS);
  statement.all(rowWarn - 1);
  await new Promise(setImmediate);
  expect(warnings.length === 0, `${rowWarn - 1} rows warn already`);
  for (let round = 0; round < 3; round += 1) expect(statement.all(rowWarn + 5).length === rowWarn + 5, 'rows are missing');
  await new Promise(setImmediate);
  process.removeListener('warning', listen);
  db.close();
  expect(warnings.length === 1, `three results of ${rowWarn + 5} rows give ${warnings.length} warnings, expected one`);
  expect(typeof warnings[0].code === 'string', 'the warning has no code');
  expect(warnings[0].message.includes('WITH RECURSIVE'), `the warning does not name the query: ${warnings[0].message}`);
  return warnings[0].code;
}

/** @param {Context} context */
function rows(context) {
  requireGuards(context);
  const { rowLimit } = context.job.guards;
  const db = new context.Database(':memory:');
  const statement = db.prepare(ROWS);
  expect(statement.all(rowLimit - 1).length === rowLimit - 1, 'a result below the limit is refused');
  const error = expectError(context, 'SQLITE_TOOBIG', () => statement.all(rowLimit + 1));
  expect(error.message.includes(String(rowLimit)), `the message does not name the limit: ${error.message}`);
  expect(error.message.includes('WITH RECURSIVE'), `the message does not name the query: ${error.message}`);
  let count = 0;
  for (const row of statement.iterate(rowLimit + 1)) count += row.i > 0 ? 1 : 0;
  expect(count === rowLimit + 1, `iterate() gives ${count} rows, it has no limit`);
  db.close();
  return `SQLITE_TOOBIG past ${rowLimit} rows`;
}

/** @param {Context} context */
function values(context) {
  requireGuards(context);
  const { blobLimit } = context.job.guards;
  const db = new context.Database(':memory:');
  db.exec('CREATE TABLE t (v)');
  db.prepare('INSERT INTO t VALUES (?)').run(Buffer.alloc(blobLimit + 1));
  expectError(context, 'SQLITE_TOOBIG', () => db.prepare('SELECT v FROM t').get());
  expectError(context, 'SQLITE_TOOBIG', () => db.prepare('SELECT CAST(v AS TEXT) FROM t').all());
  const length = db.prepare('SELECT length(v) FROM t').pluck().get();
  expect(length === blobLimit + 1, `the value has ${show(length)} bytes`);
  const small = db.prepare('SELECT substr(v, 1, ?) FROM t').pluck().get(blobLimit - 1);
  expect(small.length === blobLimit - 1, 'a value below the limit is refused');
  expect(db.serialize().length > blobLimit, 'serialize() is limited');
  db.close();
  return `SQLITE_TOOBIG past ${blobLimit} bytes`;
}

/** @type {import('./runner.cjs').Check[]} */
module.exports = [
  { id: 'V040', title: 'many rows: one warning a statement', phases: ['guards'], run: warning },
  { id: 'V041', title: 'too many rows: an error that names query and limit', phases: ['guards'], run: rows },
  { id: 'V042', title: 'a value that is too large: an error', phases: ['guards'], run: values },
];
