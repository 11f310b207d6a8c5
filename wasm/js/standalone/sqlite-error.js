'use strict';
/** The class of every error that SQLite reports. */

/**
 * A function and not a class: it may be called without `new`, and what extends it gets a plain SqliteError.
 * @this {any}
 * @param {string} message
 * @param {string} code the name of an extended result code
 */
function SqliteError(message, code) {
  if (new.target !== SqliteError) return new /** @type {any} */ (SqliteError)(message, code);
  if (typeof code !== 'string') throw new TypeError('Expected second argument to be a string');
  hide(this, 'message', '' + message);
  Error.captureStackTrace(this, SqliteError);
  this.code = code;
}
Object.setPrototypeOf(SqliteError, Error);
Object.setPrototypeOf(SqliteError.prototype, Error.prototype);
hide(SqliteError.prototype, 'name', 'SqliteError');

/** @param {object} object @param {string} key @param {string} value */
function hide(object, key, value) {
  Object.defineProperty(object, key, { value, writable: true, enumerable: false, configurable: true });
}

module.exports = SqliteError;
