'use strict';
/** Transactions around functions. Inside another transaction, one is a savepoint. */
const { RAW, requireFunction } = require('./arguments');

/** How each variant of a transaction function begins. */
const BEGIN = { default: 'BEGIN', deferred: 'BEGIN DEFERRED', immediate: 'BEGIN IMMEDIATE', exclusive: 'BEGIN EXCLUSIVE' };
/** A name that nobody else gives to a savepoint; better-sqlite3's, so that `verbose` shows the same. */
const SAVEPOINT = '`\t_bs3.\t`';

/**
 * The statements of a connection, prepared once.
 * @typedef {object} Statements
 * @property {Record<string, any>} begin by variant
 * @property {any} commit
 * @property {any} rollback
 * @property {any} savepoint
 * @property {any} release
 * @property {any} rollbackTo
 */

/** @type {WeakMap<object, Statements>} */
const known = new WeakMap();

/** @param {any} database @returns {Statements} */
function statementsOf(database) {
  const raw = database[RAW];
  let statements = known.get(raw);
  if (statements === undefined) {
    const prepare = (/** @type {string} */ sql) => raw.prepare(sql, database, false);
    statements = {
      commit: prepare('COMMIT'),
      rollback: prepare('ROLLBACK'),
      savepoint: prepare(`SAVEPOINT ${SAVEPOINT}`),
      release: prepare(`RELEASE ${SAVEPOINT}`),
      rollbackTo: prepare(`ROLLBACK TO ${SAVEPOINT}`),
      begin: Object.fromEntries(Object.entries(BEGIN).map(([variant, sql]) => [variant, prepare(sql)])),
    };
    known.set(raw, statements);
  }
  return statements;
}

/**
 * Runs `fn` in a transaction and undoes what it did if it throws.
 * @param {any} raw
 * @param {Statements} statements
 * @param {string} variant
 * @param {() => any} fn
 */
function run(raw, statements, variant, fn) {
  const nested = raw.inTransaction;
  const leave = nested ? statements.release : statements.commit;
  (nested ? statements.savepoint : statements.begin[variant]).run();
  try {
    const result = fn();
    if (result && typeof result.then === 'function') throw new TypeError('Transaction function cannot return a promise');
    leave.run();
    return result;
  } catch (error) {
    // SQLite may have rolled back by itself (sqlite.org/lang_transaction.html, "Response To Errors").
    if (raw.inTransaction) {
      (nested ? statements.rollbackTo : statements.rollback).run();
      if (nested) leave.run();
    }
    throw error;
  }
}

/**
 * @this {any}
 * @param {unknown} fn
 */
module.exports = function transaction(fn) {
  requireFunction(fn, 'first');
  const raw = this[RAW];
  const statements = statementsOf(this);
  const variants = Object.keys(BEGIN).map((variant) => {
    /** @this {unknown} */
    function sqliteTransaction() {
      return run(raw, statements, variant, () => Reflect.apply(/** @type {Function} */ (fn), this, arguments));
    }
    return /** @type {const} */ ([variant, sqliteTransaction]);
  });
  /** @type {PropertyDescriptorMap} each variant has all of them */
  const properties = {};
  for (const [variant, value] of variants) properties[variant] = { value };
  properties.database = { value: this, enumerable: true };
  for (const [, value] of variants) Object.defineProperties(value, properties);
  return properties.default.value;
};
