'use strict';
/**
 * Turns what a driver answers into JSON that loses nothing a program could see: the type of each
 * value, the order of keys, own properties of any name, the class of an error.
 */
const crypto = require('node:crypto');
const util = require('node:util');

/** Longer strings and buffers are compared by their length and digest: a diff must stay readable. */
const LONG = 4096;

/** @param {Buffer | string} data */
const digest = (data) => crypto.createHash('sha256').update(data).digest('hex');

/** @param {string} text @param {string} dir the claim's folder, which differs from run to run */
function tagString(text, dir) {
  // A lone surrogate cannot travel in UTF-8: send the UTF-16 code units.
  if (!text.isWellFormed()) return { type: 'string', utf16: Buffer.from(text, 'utf16le').toString('hex') };
  if (text.length > LONG) return { type: 'string', length: text.length, sha256: digest(text) };
  return dir ? text.split(dir).join('<dir>') : text;
}

/** @param {number} number */
function tagNumber(number) {
  if (Object.is(number, -0)) return { type: 'number', value: '-0' };
  return Number.isFinite(number) ? number : { type: 'number', value: String(number) };
}

/** @param {NodeJS.ArrayBufferView} view */
function tagBytes(view) {
  const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  const type = view.constructor.name;
  return bytes.length > LONG
    ? { type, length: bytes.length, sha256: digest(bytes) }
    : { type, hex: bytes.toString('hex') };
}

/** @param {any} error @param {string} dir */
function tagError(error, dir) {
  return {
    type: 'error',
    class: error.constructor.name,
    name: error.name,
    message: tagString(String(error.message), dir),
    code: tag(error.code, dir),
    keys: Object.keys(error),
  };
}

/**
 * @param {any} value
 * @param {string} [dir]
 * @returns {unknown}
 */
function tag(value, dir = '') {
  switch (typeof value) {
    case 'string': return tagString(value, dir);
    case 'number': return tagNumber(value);
    case 'bigint': return { type: 'bigint', value: String(value) };
    case 'undefined': return { type: 'undefined' };
    case 'boolean': return value;
    case 'symbol': return { type: 'symbol', value: String(value) };
    case 'function': return { type: 'function', name: value.name, length: value.length };
  }
  if (value === null) return null;
  if (ArrayBuffer.isView(value)) return tagBytes(value);
  if (util.types.isNativeError(value) || value instanceof Error) return tagError(value, dir);
  if (Array.isArray(value)) return Array.from(value, (item) => tag(item, dir));
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    return { type: 'instance', class: prototype.constructor && prototype.constructor.name };
  }
  return {
    type: prototype ? 'object' : 'object without prototype',
    entries: Object.entries(value).map(([key, item]) => [tag(key, dir), tag(item, dir)]),
  };
}

module.exports = { tag };
