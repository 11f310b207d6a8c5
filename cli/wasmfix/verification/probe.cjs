'use strict';
/**
 * What does an installed driver really do? Asked for `wasmfix diagnose`, in a Node of its own; the driver may be broken
 * in any way. A line of JSON for each thing that the parent has to know: {node}, {start}, {step, ok, kind, detail}, {done}.
 *
 * Arguments: a JSON object, the Job. Or `second` and a Task: the second process of the step `processes`.
 */
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');

/**
 * @typedef {object} Job
 * @property {string} packageDir
 * @property {string} workDir an empty folder, removed by the parent
 * @property {boolean} bedrock wal2 is to be there
 * @property {boolean} scanStatus statements are to have scanStatusV2
 */

/** @typedef {{packageDir: string, file: string, write: boolean}} Task */

/** @typedef {{job: Job, Database: any, SqliteError: any, file: (name: string) => string}} Context */

/** What is wrong; `kind` tells the parent which of several things it is. */
class Wrong extends Error {
  /** @param {string} message @param {string} [kind] */
  constructor(message, kind = '') {
    super(message);
    this.kind = kind;
  }
}

const MANY = 10000;
const [SELECTID, PARENTID, EST, EXPLAIN, COMPLEX] = [5, 6, 2, 4, 1];

/** @param {Record<string, unknown>} message */
function say(message) {
  // Synchronous: the next thing that happens may be the end of this process.
  fs.writeSync(1, JSON.stringify(message) + '\n');
}

/** @param {unknown} value */
function show(value) {
  const text = JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner));
  return text === undefined ? String(value) : text.slice(0, 200);
}

/** @param {unknown} error */
function reason(error) {
  if (!(error instanceof Error)) return `threw ${show(error)}`;
  const code = /** @type {any} */ (error).code;
  const line = error.message.split('\n')[0].slice(0, 300);
  return `${error.name}${code ? ` ${code}` : ''}: ${line}`;
}

/** @param {string} packageDir */
function load(packageDir) {
  // The class itself, or an object with the class in it, as bedrock-sqlite has it.
  const exported = require(packageDir);
  const Database = typeof exported === 'function' ? exported : exported.Database;
  if (typeof Database !== 'function') throw new Wrong(`require gives ${typeof exported}, not the class Database`);
  return { Database, SqliteError: exported.SqliteError };
}

/** @param {Context} context */
function loads(context) {
  const { packageDir } = context.job;
  const { Database, SqliteError } = load(packageDir);
  const db = new Database(':memory:');
  const row = db.prepare('SELECT sqlite_version() AS version').get();
  db.close();
  if (typeof SqliteError !== 'function') throw new Wrong('it exports no SqliteError');
  context.Database = Database;
  context.SqliteError = SqliteError;
  const loaded = Object.keys(require.cache);
  const native = loaded.find((file) => file.endsWith('.node'));
  const engine = loaded.find((file) => path.basename(file) === 'addon.cjs' && file.startsWith(packageDir + path.sep));
  const how = native ? `native (${path.basename(native)})` : engine ? 'the engine' : 'no native binary';
  return `SQLite ${row && row.version}, ${how}, Node ${process.versions.node}`;
}

/** @param {Context} context */
function scanStatus({ Database, job }) {
  const db = new Database(':memory:');
  db.exec('CREATE TABLE t (a INTEGER PRIMARY KEY, b); CREATE TABLE u (c, d); CREATE INDEX u_c ON u (c)');
  const statement = db.prepare('SELECT * FROM t JOIN u ON u.c = t.a WHERE t.b > ? ORDER BY u.d');
  if (typeof statement.scanStatusV2 !== 'function') {
    if (job.scanStatus) throw new Wrong('statements have no scanStatusV2', 'none');
    return 'statements have no scanStatusV2';
  }
  statement.all(0);
  let count = 0;
  for (; statement.scanStatusV2(count, SELECTID, COMPLEX) !== undefined; count += 1) {
    if (count === MANY) {
      throw new Wrong(`scanStatusV2(${count}) still answers ${show(statement.scanStatusV2(count, SELECTID, COMPLEX))}`, 'endless');
    }
  }
  if (count === 0) throw new Wrong('scanStatusV2(0) answers undefined: it reports no loop of a query that has two', 'none');
  for (let index = 0; index < count; index += 1) {
    const [parent, explain, estimate] = [PARENTID, EXPLAIN, EST].map((op) => statement.scanStatusV2(index, op, COMPLEX));
    if (!Number.isInteger(parent) || typeof explain !== 'string' || typeof estimate !== 'number') {
      throw new Wrong(`loop ${index} has the parent ${show(parent)}, the plan ${show(explain)}, the estimate ${show(estimate)}`, 'none');
    }
  }
  db.close();
  return `${count} loops, then undefined`;
}

/**
 * Throws unless `action` throws the package's own SqliteError with that code.
 * @param {Context} context @param {string} code @param {() => unknown} action
 */
function expectCode({ SqliteError }, code, action) {
  try {
    action();
  } catch (error) {
    const got = /** @type {any} */ (error);
    if (got instanceof SqliteError && got.code === code) return;
    const primary = code.split('_').slice(0, 2).join('_');
    const kind = got instanceof SqliteError && got.code === primary ? 'extended' : 'lost';
    throw new Wrong(`instead of ${code}: ${reason(got)}`, kind);
  }
  throw new Wrong(`instead of ${code}: no error`, 'lost');
}

/** @param {Context} context */
function codes(context) {
  const { Database } = context;
  const file = context.file('codes.db');
  const first = new Database(file);
  first.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE, n NOT NULL); INSERT INTO t VALUES (1, 1, 1)');
  const second = new Database(file, { timeout: 0 });
  first.exec('BEGIN IMMEDIATE');
  // The primary ones first: what Zero retries on is worse to lose than a suffix.
  expectCode(context, 'SQLITE_BUSY', () => second.exec('BEGIN IMMEDIATE'));
  first.exec('COMMIT');
  second.close();
  expectCode(context, 'SQLITE_CONSTRAINT_PRIMARYKEY', () => first.prepare('INSERT INTO t VALUES (1, 2, 3)').run());
  expectCode(context, 'SQLITE_CONSTRAINT_UNIQUE', () => first.prepare('INSERT INTO t VALUES (2, 1, 3)').run());
  expectCode(context, 'SQLITE_CONSTRAINT_NOTNULL', () => first.exec('INSERT INTO t VALUES (2, 2, NULL)'));
  first.close();
  return 'busy and constraints';
}

/** @param {Context} context */
function values({ Database }) {
  const db = new Database(':memory:');
  if (typeof db.unsafeMode !== 'function') throw new Wrong('it has no unsafeMode, which Zero calls before the initial copy');
  db.exec('CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 9007199254740993), (2, 5), (3, 6)');
  const statement = db.prepare('SELECT a, b FROM t ORDER BY a');
  const exact = statement.safeIntegers(true).all().map((/** @type {any} */ row) => row.b);
  if (show(exact) !== '["9007199254740993n","5n","6n"]') throw new Wrong(`safeIntegers(true) gives ${show(exact)} for 9007199254740993, 5, 6`);
  let seen = 0;
  for (const row of statement.iterate()) {
    seen += Number(row.a);
    if (seen >= 3) break;
  }
  if (seen !== 3) throw new Wrong(`iterate() left after two rows saw the sum ${seen}`);
  const again = [...statement.iterate()].length;
  if (again !== 3) throw new Wrong(`iterate() after one that was left early gives ${again} rows of 3`);
  const [text, bytes] = db.prepare('SELECT ?, ?').raw().get('a\0b é', Buffer.from([0, 255]));
  if (text !== 'a\0b é' || Buffer.compare(bytes, Buffer.from([0, 255])) !== 0) throw new Wrong(`a text with a NUL and two bytes come back as ${show([text, [...bytes]])}`);
  db.close();
  return 'integers past 2^53, iterate, texts with a NUL';
}

/** @param {Context} context */
function wal2(context) {
  if (!context.job.bedrock) return 'stock SQLite has none';
  const db = new context.Database(context.file('wal2.db'));
  const mode = db.pragma('journal_mode = wal2', { simple: true });
  db.close();
  if (mode !== 'wal2') throw new Wrong(`PRAGMA journal_mode = wal2 gives ${show(mode)}`);
  return 'set and kept';
}

/** @param {Context} context */
function processes(context) {
  const modes = context.job.bedrock ? ['wal2', 'wal', 'delete'] : ['wal', 'delete'];
  for (const mode of modes) {
    const file = context.file(`${mode}-processes.db`);
    const db = new context.Database(file, { timeout: 0 });
    db.pragma(`journal_mode = ${mode}`);
    db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1); BEGIN IMMEDIATE; INSERT INTO t VALUES (2)');
    const refused = second(context, file, false);
    db.exec('COMMIT');
    if (refused.code === undefined) throw new Wrong(`in ${mode} mode a second process may write while one does`);
    // A code that is lost is what the step `codes` is about.
    if (refused.code !== 'SQLITE_BUSY' && !/locked/.test(String(refused.error))) throw new Wrong(`in ${mode} mode a second process that may not write gets ${refused.error}`);
    const other = second(context, file, true);
    if (other.error) throw new Wrong(`in ${mode} mode a second process gets ${other.error}`);
    if (other.rows !== 2) throw new Wrong(`in ${mode} mode a second process sees ${other.rows} of 2 committed rows`);
    const rows = db.prepare('SELECT count(*) FROM t').pluck().get();
    if (rows !== 3) throw new Wrong(`in ${mode} mode the first process sees ${rows} of 3 rows after the second has committed one`);
    db.close();
  }
  return modes.join(', ');
}

/**
 * @param {Context} context @param {string} file @param {boolean} write
 * @returns {{rows?: number, code?: string, error?: string}}
 */
function second(context, file, write) {
  const task = JSON.stringify({ packageDir: context.job.packageDir, file, write });
  const done = spawnSync(process.execPath, [...process.execArgv, __filename, 'second', task], { encoding: 'utf8', timeout: 25000 });
  const line = (done.stdout || '').split('\n').find((each) => each.startsWith('{'));
  if (line === undefined) {
    throw new Wrong(`the second process says nothing (${done.signal || `exit code ${done.status}`}): ${(done.stderr || '').slice(-300)}`);
  }
  return JSON.parse(line);
}

/** @param {Task} task */
function asSecond({ packageDir, file, write }) {
  const { Database } = load(packageDir);
  // Who may write may have to wait a moment, for who cleans up after the last one.
  const db = new Database(file, { timeout: write ? 2000 : 0 });
  /** @type {{rows?: number, code?: string, error?: string}} */
  const answer = {};
  try {
    if (write) answer.rows = db.prepare('SELECT count(*) FROM t').pluck().get();
    db.exec('BEGIN IMMEDIATE');
    if (write) db.exec('INSERT INTO t VALUES (3)');
    db.exec(write ? 'COMMIT' : 'ROLLBACK');
  } catch (error) {
    answer.error = reason(error);
    answer.code = String(/** @type {any} */ (error).code);
  }
  db.close();
  say(answer);
}

/** @param {Context} context */
function offsets(context) {
  if (typeof context.Database.prototype.unsafeMode !== 'function') return 'not asked: there is no unsafeMode';
  const { Skip } = require('./runner.cjs');
  const check = /** @type {any[]} */ (require('./checks-files.cjs')).find(({ id }) => id === 'V033');
  try {
    return String(check.run(context));
  } catch (error) {
    if (error instanceof Skip) return error.message;
    // No room, or no sparse files here.
    if (['ENOSPC', 'EFBIG', 'EDQUOT'].includes(/** @type {any} */ (error).code)) return reason(error);
    throw error;
  }
}

/** @type {[string, (context: Context) => string][]} */
const STEPS = [
  ['load', loads],
  ['scan-status', scanStatus],
  ['codes', codes],
  ['values', values],
  ['wal2', wal2],
  ['processes', processes],
  ['offsets', offsets],
];

/** @param {Job} job */
function probe(job) {
  /** @type {Context} */
  const context = { job, Database: null, SqliteError: null, file: (name) => path.join(job.workDir, name) };
  for (const [step, run] of STEPS) {
    say({ start: step });
    try {
      say({ step, ok: true, kind: '', detail: run(context) });
    } catch (error) {
      const wrong = error instanceof Wrong;
      say({ step, ok: false, kind: wrong ? error.kind : '', detail: wrong ? error.message : reason(error) });
    }
    // Nothing else can work without the package.
    if (context.Database === null) break;
  }
  say({ done: true });
}

if (process.argv[2] === 'second') {
  asSecond(JSON.parse(process.argv[3]));
} else {
  say({ node: process.version });
  probe(JSON.parse(process.argv[2]));
}
