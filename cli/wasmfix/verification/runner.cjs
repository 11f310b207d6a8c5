'use strict';
/** Runs a list of checks one after the other; each passes, fails with a reason, or is skipped with a reason. */
const path = require('path');

/**
 * What the parent asks for.
 * @typedef {object} Job
 * @property {string} packageDir
 * @property {string} engineFolder in it
 * @property {string} workDir an empty folder, removed by the parent
 * @property {'all' | 'quick' | 'guards'} phase
 * @property {boolean} expectEngine false to run the checks on a native driver
 * @property {string} sqliteVersion
 * @property {string[]} defines the package's own
 * @property {string[]} dropped names of those that the engine leaves out by rule
 * @property {string[] | null} knownOptions the options that this SQLite reports when they are set; null if nobody knows
 * @property {boolean} bedrock wal2 and BEGIN CONCURRENT are to be there
 * @property {boolean} unicodeCase
 * @property {string[]} native candidates for a native addon to compare with
 * @property {string | null} hugeJournal where to put a database that has a journal of over 2^53 bytes beside it
 * @property {string} hugeJournalReason why there is none
 * @property {{rowWarn: number, rowLimit: number, blobLimit: number}} guards
 */

/**
 * What a check gets.
 * @typedef {object} Context
 * @property {Job} job
 * @property {any} Database
 * @property {any} SqliteError
 * @property {(name: string) => string} file a path in the work folder
 */

/** @typedef {{id: string, title: string, phases: string[], run: (context: Context) => string | Promise<string>}} Check */

class Skip extends Error {}

/**
 * @param {unknown} condition
 * @param {string} message what is wrong, as a user should read it
 */
function expect(condition, message) {
  if (!condition) throw new Error(message);
}

/** @param {unknown} value */
function show(value) {
  const text = JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner));
  return text === undefined ? String(value) : text.slice(0, 300);
}

/**
 * The error that `action` throws; it must be the package's own SqliteError with that code.
 * @param {Context} context
 * @param {string} code
 * @param {() => unknown} action
 */
function expectError(context, code, action) {
  let result;
  try {
    result = action();
  } catch (error) {
    const got = /** @type {any} */ (error);
    expect(got instanceof context.SqliteError, `expected a SqliteError ${code}, got ${got && got.name}: ${got && got.message}`);
    expect(got.code === code, `expected the code ${code}, got ${show(got.code)} (${got.message})`);
    return got;
  }
  throw new Error(`expected a SqliteError ${code}, got the result ${show(result)}`);
}

/** @param {unknown} error */
function reason(error) {
  if (!(error instanceof Error)) return `threw ${show(error)}`;
  const code = /** @type {any} */ (error).code;
  return error.constructor === Error && !code ? error.message : `${error.name}${code ? ` ${code}` : ''}: ${error.message}`;
}

/**
 * @param {Job} job
 * @param {(message: Record<string, unknown>) => void} say
 */
async function run(job, say) {
  /** @type {Check[]} */
  const checks = require('./checks.cjs').checks.filter((/** @type {Check} */ check) => check.phases.includes(job.phase));
  say({ plan: checks.map(({ id, title }) => ({ id, title })) });
  /** @type {Context} */
  const context = { job, Database: null, SqliteError: null, file: (name) => path.join(job.workDir, name) };
  for (const { id, title, run: check } of checks) {
    say({ start: id });
    const started = process.hrtime.bigint();
    let status = 'ok';
    let detail = '';
    try {
      detail = await check(context);
    } catch (error) {
      status = error instanceof Skip ? 'skip' : 'fail';
      detail = error instanceof Skip ? error.message : reason(error);
    }
    say({ id, title, status, detail, ms: Number((process.hrtime.bigint() - started) / 1000000n) });
    // Nothing else can work without the package.
    if (context.Database === null) break;
  }
  say({ done: true });
}

module.exports = { run, Skip, expect, expectError, show };
