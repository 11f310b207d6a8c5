'use strict';
/**
 * Limits on what one result may hold: a query that would take the process down
 * says so instead. Read once, from the environment; 0 turns a limit off.
 */
const { sqliteError } = require('./errors');

const QUERY_CHARACTERS = 200;

/** @param {string} name @param {number} fallback */
function limit(name, fallback) {
  const text = process.env[name];
  if (text === undefined || text.trim() === '') return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  process.emitWarning(`${name}=${text} is not a whole number; using ${fallback}`, { type: 'WasmfixWarning', code: 'WASMFIX_LIMIT' });
  return fallback;
}

const rowWarn = limit('WASMFIX_ROW_WARN', 100_000) || Infinity;
const rowLimit = limit('WASMFIX_ROW_LIMIT', 10_000_000) || Infinity;
/** Bytes; 2 GiB is more than SQLite allows, so it means none. */
const valueLimit = Math.min(limit('WASMFIX_BLOB_LIMIT', 100 * 1024 * 1024), 0x7fffffff);

/** Bytes. More than 2 GiB would make addresses negative. */
const maxMemory = Math.min(Math.max(limit('WASMFIX_MAX_MEMORY', 2 ** 31) || 2 ** 31, 8 * 2 ** 20), 2 ** 31);

/** The number of rows at which all() has to look. */
const rowCheck = Math.min(rowWarn, rowLimit);

/** @param {string} sql */
function shorten(sql) {
  const line = sql.replace(/\s+/g, ' ').trim();
  return line.length > QUERY_CHARACTERS ? `${line.slice(0, QUERY_CHARACTERS)}…` : line;
}

/**
 * @param {string} sql
 * @param {number} rows so far
 */
function warnRows(sql, rows) {
  const message = `all() has read ${rows} rows and goes on (WASMFIX_ROW_WARN=${rowWarn}); iterate() or LIMIT needs less memory. Query: ${shorten(sql)}`;
  process.emitWarning(message, { type: 'WasmfixWarning', code: 'WASMFIX_ROW_WARN' });
}

/** @param {string} sql */
function tooManyRows(sql) {
  return sqliteError(`all() has read ${rowLimit} rows, the limit (WASMFIX_ROW_LIMIT); use iterate() or LIMIT. Query: ${shorten(sql)}`, 'SQLITE_TOOBIG');
}

/**
 * @param {string} sql
 * @param {string} column
 * @param {number} bytes
 */
function valueTooBig(sql, column, bytes) {
  return sqliteError(
    `column "${column}" holds a value of ${bytes} bytes, the limit is ${valueLimit} (WASMFIX_BLOB_LIMIT). Query: ${shorten(sql)}`,
    'SQLITE_TOOBIG',
  );
}

module.exports = { rowWarn, rowLimit, rowCheck, valueLimit, maxMemory, shorten, warnRows, tooManyRows, valueTooBig };
