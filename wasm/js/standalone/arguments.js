'use strict';
/** What the driver asks of its arguments, with better-sqlite3's messages; and the key under which the addon's object is kept. */

/** The addon's Database in ours. */
const RAW = Symbol('addon');

/** @param {unknown} value @param {string} which `first`, `second`, `last` @returns {asserts value is string} */
function requireString(value, which) {
  if (typeof value !== 'string') throw new TypeError(`Expected ${which} argument to be a string`);
}

/** @param {unknown} value @param {string} which @returns {asserts value is Function} */
function requireFunction(value, which) {
  if (typeof value !== 'function') throw new TypeError(`Expected ${which} argument to be a function`);
}

/**
 * The options object; an empty one for null and undefined.
 * @param {unknown} value
 * @param {string} which
 * @returns {Record<string, any>}
 */
function optionsOf(value, which) {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object') throw new TypeError(`Expected ${which} argument to be an options object`);
  return value;
}

/** @param {Record<string, any>} options @param {string} key @param {boolean} [fallback] @returns {boolean} */
function booleanOption(options, key, fallback = false) {
  if (!(key in options)) return fallback;
  if (typeof options[key] !== 'boolean') throw new TypeError(`Expected the "${key}" option to be a boolean`);
  return options[key];
}

/**
 * Whether integers come as BigInt, as the addon takes it: 0, 1, or 2 for what the connection says.
 * @param {Record<string, any>} options
 */
function safeIntegersOption(options) {
  return 'safeIntegers' in options ? Number(booleanOption(options, 'safeIntegers')) : 2;
}

/** The name of an attached database. @param {Record<string, any>} options @returns {string} */
function attachedOption(options) {
  const name = 'attached' in options ? options.attached : 'main';
  if (typeof name !== 'string') throw new TypeError('Expected the "attached" option to be a string');
  if (name === '') throw new TypeError('The "attached" option cannot be an empty string');
  return name;
}

module.exports = { RAW, requireString, requireFunction, optionsOf, booleanOption, safeIntegersOption, attachedOption };
