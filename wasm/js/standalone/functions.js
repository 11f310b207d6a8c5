'use strict';
/** SQL functions and aggregates that are written in JavaScript. */
const { RAW, requireString, requireFunction, optionsOf, booleanOption, safeIntegersOption } = require('./arguments');

/** SQLITE_MAX_FUNCTION_ARG, as the package's SQLite has it. */
const MAX_ARGUMENTS = 100;

/**
 * @this {any}
 * @param {unknown} name
 * @param {unknown} options may be left out
 * @param {unknown} fn
 */
function defineFunction(name, options, fn) {
  if (typeof options === 'function') [options, fn] = [{}, options];
  requireString(name, 'first');
  requireFunction(fn, 'last');
  const settings = optionsOf(options, 'second');
  requireName(name);
  const safe = safeIntegersOption(settings);
  const { deterministic, directOnly, varargs } = flagsOf(settings);
  const count = varargs ? -1 : bounded(lengthOf(fn));
  this[RAW].function(fn, name, count, safe, deterministic, directOnly);
  return this;
}

/**
 * @this {any}
 * @param {unknown} name
 * @param {unknown} options
 */
function defineAggregate(name, options) {
  requireString(name, 'first');
  if (options === undefined || options === null) throw new TypeError('Expected second argument to be an options object');
  const settings = optionsOf(options, 'second');
  requireName(name);
  const start = 'start' in settings ? settings.start : null;
  const step = functionOption(settings, 'step');
  if (step === null) throw new TypeError('Missing required option "step"');
  const inverse = functionOption(settings, 'inverse');
  const result = functionOption(settings, 'result');
  const safe = safeIntegersOption(settings);
  const { deterministic, directOnly, varargs } = flagsOf(settings);
  // The accumulator is the first parameter, and no argument in SQL.
  const parameters = varargs ? 0 : Math.max(lengthOf(step), inverse === null ? 0 : lengthOf(inverse));
  const count = varargs ? -1 : bounded(Math.max(0, parameters - 1));
  this[RAW].aggregate(start, step, inverse, result, name, count, safe, deterministic, directOnly);
  return this;
}

/** @param {string} name */
function requireName(name) {
  if (name === '') throw new TypeError('User-defined function name cannot be an empty string');
}

/** @param {Record<string, any>} options */
function flagsOf(options) {
  const deterministic = booleanOption(options, 'deterministic');
  const directOnly = booleanOption(options, 'directOnly');
  return { deterministic, directOnly, varargs: booleanOption(options, 'varargs') };
}

/** @param {Record<string, any>} options @param {string} key @returns {Function | null} */
function functionOption(options, key) {
  const value = key in options ? options[key] : null;
  if (value === null || value === undefined) return null;
  if (typeof value !== 'function') throw new TypeError(`Expected the "${key}" option to be a function`);
  return value;
}

/** How many parameters a function declares; anybody may have redefined that. @param {{ length: unknown }} fn @returns {number} */
function lengthOf({ length }) {
  if (typeof length === 'number' && Number.isInteger(length) && length >= 0) return length;
  throw new TypeError('Expected function.length to be a positive integer');
}

/** @param {number} count */
function bounded(count) {
  if (count > MAX_ARGUMENTS) throw new RangeError(`User-defined functions cannot have more than ${MAX_ARGUMENTS} arguments`);
  return count;
}

module.exports = { defineFunction, defineAggregate, lengthOf };
