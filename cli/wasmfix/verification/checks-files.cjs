'use strict';
/** Database files: what is written is there again, in each journal mode, at every offset. */
const fs = require('fs');
const { Skip, expect, expectError, show } = require('./runner.cjs');

/** @typedef {import('./runner.cjs').Context} Context */

/**
 * Write through one connection, read through the next, in a journal mode.
 * @param {Context} context
 * @param {string} mode
 */
function roundTrip(context, mode) {
  const file = context.file(`${mode}.db`);
  const writer = new context.Database(file);
  const got = writer.pragma(`journal_mode = ${mode}`, { simple: true });
  expect(got === mode, `PRAGMA journal_mode = ${mode} gives ${show(got)}`);
  writer.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, text, bytes)');
  const insert = writer.prepare('INSERT INTO t VALUES (?, ?, ?)');
  writer.transaction(() => {
    for (let id = 1; id <= 500; id += 1) insert.run(id, `row ${id} é`, Buffer.alloc(id, id));
  })();
  try {
    writer.transaction(() => {
      writer.exec('DELETE FROM t');
      throw new Error('roll back');
    })();
  } catch (error) {
    if (/** @type {Error} */ (error).message !== 'roll back') throw error;
  }
  writer.close();
  const reader = new context.Database(file);
  expect(reader.pragma('integrity_check', { simple: true }) === 'ok', `integrity_check in ${mode} mode`);
  const sum = reader.prepare('SELECT count(*) AS rows, sum(length(bytes)) AS bytes, max(text) AS last FROM t').get();
  expect(sum.rows === 500 && sum.bytes === 125250 && sum.last === 'row 99 é', `after reopening in ${mode} mode: ${show(sum)}`);
  // Only the WAL modes are written into the file.
  const stays = !mode.startsWith('wal') || reader.pragma('journal_mode', { simple: true }) === mode;
  expect(stays, `the file does not stay in ${mode} mode`);
  reader.close();
}

/** @param {Context} context */
function journals(context) {
  for (const mode of ['delete', 'truncate', 'persist', 'wal']) roundTrip(context, mode);
  return 'delete, truncate, persist, wal';
}

/** @param {Context} context */
function wal2(context) {
  if (!context.job.bedrock) throw new Skip('stock SQLite has no wal2');
  roundTrip(context, 'wal2');
  const header = fs.readFileSync(context.file('wal2.db')).subarray(18, 20);
  expect(header[0] === 3 && header[1] === 3, `the file's format bytes are ${header[0]} and ${header[1]}, expected 3`);
  return 'read again after closing';
}

/** @param {Context} context */
function concurrent(context) {
  if (!context.job.bedrock) throw new Skip('stock SQLite has no BEGIN CONCURRENT');
  const file = context.file('concurrent.db');
  const first = new context.Database(file, { timeout: 0 });
  first.pragma('journal_mode = wal2');
  first.exec('CREATE TABLE a (x); CREATE TABLE b (x)');
  const second = new context.Database(file, { timeout: 0 });
  first.exec('BEGIN CONCURRENT; INSERT INTO a VALUES (1)');
  second.exec('BEGIN CONCURRENT; INSERT INTO b VALUES (2)');
  first.exec('COMMIT');
  second.exec('COMMIT');
  const rows = first.prepare('SELECT (SELECT x FROM a) AS a, (SELECT x FROM b) AS b').get();
  expect(rows.a === 1 && rows.b === 2, `two concurrent transactions left ${show(rows)}`);
  first.exec('BEGIN CONCURRENT; UPDATE a SET x = 10');
  second.exec('BEGIN CONCURRENT; UPDATE a SET x = 20');
  first.exec('COMMIT');
  expectError(context, 'SQLITE_BUSY_SNAPSHOT', () => second.exec('COMMIT'));
  second.exec('ROLLBACK');
  second.close();
  first.close();
  return 'disjoint pages commit, the same page gives SQLITE_BUSY_SNAPSHOT';
}

const PAGE = 65536;
const FAR_PAGE = 70000; // begins at 4.59 * 10^9, past 32 bits

/**
 * A table whose only page lies past 4 GiB, in a file that is a hole otherwise.
 * @param {Context} context
 */
function farPage(context) {
  // A file with a hole of 4 GiB takes 4 GiB there.
  if (process.platform === 'win32') throw new Skip('needs sparse files');
  const file = context.file('far.db');
  const maker = new context.Database(file);
  maker.exec(`PRAGMA page_size = ${PAGE}; CREATE TABLE t (x); INSERT INTO t VALUES ('far')`);
  const root = maker.prepare('SELECT rootpage FROM sqlite_schema').pluck().get();
  maker.close();
  const handle = fs.openSync(file, 'r+');
  const page = Buffer.alloc(PAGE);
  fs.readSync(handle, page, 0, PAGE, (root - 1) * PAGE);
  fs.writeSync(handle, page, 0, PAGE, (FAR_PAGE - 1) * PAGE);
  // Size in pages at byte 28 of the header, big-endian (fileformat2.html#the_database_header).
  const size = Buffer.alloc(4);
  size.writeUInt32BE(FAR_PAGE);
  fs.writeSync(handle, size, 0, 4, 28);
  fs.closeSync(handle);
  const mover = new context.Database(file);
  mover.unsafeMode(true);
  mover.pragma('writable_schema = ON');
  mover.prepare('UPDATE sqlite_schema SET rootpage = ?').run(FAR_PAGE);
  mover.close();
  const db = new context.Database(file);
  const got = db.prepare('SELECT x FROM t').pluck().get();
  expect(got === 'far', `a row past 4 GiB reads as ${show(got)}`);
  db.prepare('INSERT INTO t VALUES (?)').run('written');
  db.close();
  const again = new context.Database(file, { readonly: true });
  const rows = again.prepare('SELECT x FROM t').pluck().all();
  again.close();
  expect(JSON.stringify(rows) === '["far","written"]', `rows past 4 GiB are ${show(rows)}`);
  fs.unlinkSync(file);
  return 'read and written at 4.59 GB';
}

/**
 * SQLite reads a hot journal's last bytes first (readSuperJournal in pager.c): the one way to an offset past 2^53
 * that needs no file of that many bytes. Native reads there; a driver may refuse, by a SqliteError.
 * @param {Context} context
 */
function hugeOffset(context) {
  const { job } = context;
  if (job.hugeJournal === null) throw new Skip(job.hugeJournalReason);
  // Made elsewhere and copied: beside a hot journal a database cannot be made.
  const maker = new context.Database(context.file('small.db'));
  maker.exec('CREATE TABLE t (x)');
  maker.close();
  fs.copyFileSync(context.file('small.db'), job.hugeJournal);
  const db = new context.Database(job.hugeJournal);
  let outcome;
  try {
    const row = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get();
    expect(row.tables === 1, `a database with one table and a hot journal of 2^53 bytes reads as ${show(row)}`);
    outcome = 'read';
  } catch (caught) {
    const error = /** @type {any} */ (caught);
    const clean = error instanceof context.SqliteError && /^SQLITE_(IOERR|FULL|TOOBIG|CANTOPEN|CORRUPT)/.test(error.code);
    if (!clean) throw error;
    outcome = `refused: ${error.code}`;
  }
  db.close();
  const next = new context.Database(':memory:');
  expect(next.prepare('SELECT 2').pluck().get() === 2, 'the driver does not work afterwards');
  next.close();
  return outcome;
}

/** @type {import('./runner.cjs').Check[]} */
module.exports = [
  { id: 'V030', title: 'files hold what was written, in each journal mode', phases: ['all'], run: journals },
  { id: 'V031', title: 'wal2', phases: ['all'], run: wal2 },
  { id: 'V032', title: 'BEGIN CONCURRENT', phases: ['all'], run: concurrent },
  { id: 'V033', title: 'offsets past 4 GiB', phases: ['all'], run: farPage },
  { id: 'V034', title: 'offsets past 2^53 are read or refused cleanly', phases: ['all'], run: hugeOffset },
];
