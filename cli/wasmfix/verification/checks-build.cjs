'use strict';
/** Is it the engine, and is it the SQLite that the package brings? */
const path = require('path');
const { Skip, expect, show } = require('./runner.cjs');

/** @typedef {import('./runner.cjs').Context} Context */

/** @param {Context} context */
function loads(context) {
  const { job } = context;
  // The class itself, or an object with the class in it, as bedrock-sqlite has it.
  const exported = require(job.packageDir);
  const Database = typeof exported === 'function' ? exported : exported.Database;
  expect(typeof Database === 'function', `require gives ${typeof exported}, not the Database class`);
  expect(typeof exported.SqliteError === 'function', 'the package exports no SqliteError');
  const db = new Database(':memory:');
  const row = db.prepare('SELECT 1 AS one').get();
  expect(row && row.one === 1, `SELECT 1 gives ${show(row)}`);
  db.close();
  // Symlinks are resolved in require's cache, and job.packageDir is a real path.
  const loaded = Object.keys(require.cache).filter((file) => file.startsWith(job.packageDir + path.sep));
  const native = loaded.find((file) => file.endsWith('.node'));
  const engine = loaded.find((file) => path.relative(job.packageDir, file) === path.join(job.engineFolder, 'addon.cjs'));
  if (job.expectEngine) {
    expect(native === undefined, `it loads the native ${path.relative(job.packageDir, native || '')}`);
    expect(engine !== undefined, `it does not load ${job.engineFolder}/addon.cjs`);
  }
  context.Database = Database;
  context.SqliteError = exported.SqliteError;
  return engine ? `${job.engineFolder}/addon.cjs in Node ${process.versions.node}` : `native, in Node ${process.versions.node}`;
}

/** @param {Context} context */
function version({ Database, job }) {
  const db = new Database(':memory:');
  const got = db.prepare('SELECT sqlite_version()').pluck().get();
  db.close();
  expect(got === job.sqliteVersion, `it runs SQLite ${got}, the package's own is ${job.sqliteVersion}`);
  return got;
}

/**
 * Options that differ by design: facts of the compiler and the platform, and what WebAssembly cannot do
 * (extension libraries, mapped files, threads).
 */
const PLATFORM = /^(COMPILER|ATOMIC_INTRINSICS|MAX_MMAP_SIZE|DEFAULT_MMAP_SIZE|MUTEX_\w+|OMIT_LOAD_EXTENSION|OMIT_SEH|OS_\w+|ENABLE_LOCKING_STYLE|HAVE_\w+|USE_URI)$/;

/** @param {string} option "NAME" or "NAME=value" @returns {[string, string]} a bare name means 1 */
function split(option) {
  const at = option.indexOf('=');
  return at < 0 ? [option, '1'] : [option.slice(0, at), option.slice(at + 1) || '1'];
}

/** @param {Context} context */
function options(context) {
  const { Database, job } = context;
  if (job.knownOptions === null) throw new Skip('the zero-sqlite3 that its SQLite was built from is not here');
  const db = new Database(':memory:');
  const reported = new Map(db.pragma('compile_options').map((/** @type {any} */ row) => split(row.compile_options)));
  db.close();
  const known = new Set(job.knownOptions);
  const dropped = new Set(job.expectEngine ? job.dropped.map((name) => name.replace(/^SQLITE_/, '')) : []);
  const wanted = new Map(
    job.defines
      .filter((define) => define.startsWith('SQLITE_'))
      .map((define) => split(define.slice('SQLITE_'.length)))
      .filter(([name]) => known.has(name) && !dropped.has(name) && !PLATFORM.test(name)),
  );
  const wrong = [];
  for (const [name, value] of wanted) {
    const got = reported.get(name);
    // SQLite reports some options with their value only when they have one (CTIMEOPT_VAL in ctime.c).
    if (value !== '0' && got !== value) wrong.push(`${name}: ${got === undefined ? 'missing' : got}, expected ${value}`);
  }
  for (const name of reported.keys()) {
    const feature = /^(ENABLE|OMIT)_/.test(String(name)) && !PLATFORM.test(String(name));
    if (feature && !wanted.has(name)) wrong.push(`${name}: not among the package's options`);
  }
  expect(wrong.length === 0, wrong.join('; '));
  expect(wanted.size > 5, `only ${wanted.size} options to compare: the package's list was not understood`);
  return dropped.size > 0 ? `${wanted.size} options; left out by rule: ${[...dropped].join(', ')}` : `${wanted.size} options`;
}

/** @param {Context} context */
function unicode({ Database, job }) {
  if (!job.unicodeCase) throw new Skip('this version has SQLite\'s own lower() and upper()');
  const db = new Database(':memory:');
  const got = db.prepare('SELECT lower(?) AS lower, upper(?) AS upper').get('ÄÖÜ ΣΑΣ ЖЗ İ', 'straße éø жз ŉ');
  db.close();
  const expected = { lower: 'ÄÖÜ ΣΑΣ ЖЗ İ'.toLowerCase(), upper: 'straße éø жз ŉ'.toUpperCase() };
  expect(got.lower === expected.lower, `lower() gives ${show(got.lower)}, expected ${show(expected.lower)}`);
  expect(got.upper === expected.upper, `upper() gives ${show(got.upper)}, expected ${show(expected.upper)}`);
  return 'as JavaScript does it';
}

/** @type {import('./runner.cjs').Check[]} */
module.exports = [
  { id: 'V001', title: 'the package loads, on the engine', phases: ['all', 'quick', 'guards'], run: loads },
  { id: 'V002', title: 'SQLite has the package\'s version', phases: ['all', 'quick'], run: version },
  { id: 'V003', title: 'SQLite has the package\'s compile options', phases: ['all'], run: options },
  { id: 'V004', title: 'lower() and upper() know Unicode', phases: ['all'], run: unicode },
];
