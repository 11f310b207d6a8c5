'use strict';
/** Connections: opening one, and the methods that only hand on to the addon. */
const fs = require('fs');
const path = require('path');
const addon = require('../addon.cjs');
const { RAW, requireString, optionsOf, booleanOption, attachedOption } = require('./arguments');
const { defineFunction, defineAggregate } = require('./functions');
const defineTable = require('./table');
const transaction = require('./transaction');
const backup = require('./backup');

const MAX_TIMEOUT = 0x7fffffff;
/** Names that mean the package's own native addon, from its root: the engine stands for that. */
const OWN_BINDING = /^(build\/(Release|Debug)\/better_sqlite3|prebuilds\/[^/]+\/node\b[^/]*)\.node$/;
/** This file is in wasmfix/standalone/. */
const PACKAGE = path.resolve(__dirname, '..', '..');

/** @type {any} the class of SQLite's errors */
let errorClass = require('./sqlite-error');

/** For a package that still has a class of its own; before the first database is opened. @param {any} own */
function useSqliteError(own) {
  errorClass = own;
}

/**
 * @this {any}
 * @param {unknown} given a path, or the bytes of a serialized database
 * @param {unknown} options
 */
function Database(given, options) {
  if (new.target === undefined) return new /** @type {any} */ (Database)(given, options);
  const bytes = Buffer.isBuffer(given) ? given : null;
  const name = bytes !== null ? ':memory:' : (given ?? '');
  requireString(name, 'first');
  const settings = readOptions(optionsOf(options, 'second'));
  const file = name.trim();
  const anonymous = file === '' || file === ':memory:';
  if (settings.readonly && anonymous && bytes === null) throw new TypeError('In-memory/temporary databases cannot be readonly');
  checkOptions(settings);
  const binding = bindingOf(settings.nativeBinding);
  if (!anonymous && !file.startsWith('file:') && !fs.existsSync(path.dirname(file))) {
    throw new TypeError('Cannot open database because the directory does not exist');
  }
  const { readonly, fileMustExist, timeout, verbose } = settings;
  const raw = new binding.Database(file, name, anonymous, readonly, fileMustExist, timeout, verbose || null, bytes);
  Object.defineProperties(this, { [RAW]: { value: raw }, ...GETTERS });
}

/** @typedef {{ readonly: boolean, fileMustExist: boolean, timeout: any, verbose: any, nativeBinding: any }} Settings */

/** @param {Record<string, any>} options @returns {Settings} */
function readOptions(options) {
  if ('readOnly' in options) throw new TypeError('Misspelled option "readOnly" should be "readonly"');
  if ('memory' in options) throw new TypeError('Option "memory" was removed in v7.0.0 (use ":memory:" filename instead)');
  return {
    readonly: booleanOption(options, 'readonly'),
    fileMustExist: booleanOption(options, 'fileMustExist'),
    timeout: 'timeout' in options ? options.timeout : 5000,
    verbose: 'verbose' in options ? options.verbose : null,
    nativeBinding: 'nativeBinding' in options ? options.nativeBinding : null,
  };
}

/** @param {Settings} settings */
function checkOptions({ timeout, verbose, nativeBinding }) {
  if (!Number.isInteger(timeout) || timeout < 0) throw new TypeError('Expected the "timeout" option to be a positive integer');
  if (timeout > MAX_TIMEOUT) throw new RangeError(`Option "timeout" cannot be greater than ${MAX_TIMEOUT}`);
  if (verbose != null && typeof verbose !== 'function') throw new TypeError('Expected the "verbose" option to be a function');
  if (nativeBinding != null && !['string', 'object'].includes(typeof nativeBinding)) {
    throw new TypeError('Expected the "nativeBinding" option to be a string or addon object');
  }
}

/**
 * The addon: ours, unless the caller brings one.
 * @param {any} given
 */
function bindingOf(given) {
  const binding = typeof given === 'string' ? loadBinding(given) : (given ?? addon);
  if (!binding.isInitialized) {
    binding.setErrorConstructor(errorClass);
    binding.isInitialized = true;
  }
  return binding;
}

/** @param {string} named */
function loadBinding(named) {
  const file = `${path.resolve(named).replace(/\.node$/, '')}.node`;
  return OWN_BINDING.test(inPackage(file)) ? addon : require(file);
}

/** A path from the package's root. @param {string} file */
function inPackage(file) {
  let real = file;
  try {
    real = path.join(fs.realpathSync(path.dirname(file)), path.basename(file));
  } catch {
    // Its folder may be absent: then there is nothing to resolve.
  }
  return path.relative(PACKAGE, real).split(path.sep).join('/');
}

/** @type {PropertyDescriptorMap} */
const GETTERS = {};
for (const key of ['name', 'open', 'inTransaction', 'readonly', 'memory']) {
  /** @this {any} */
  const get = function () {
    return this[RAW][key];
  };
  GETTERS[key] = { get, enumerable: true };
}

/** What util.inspect() shows: the properties, under this name. */
const Shown = { Database: class Database {} }.Database;

/** @type {Record<PropertyKey, (this: any, ...args: any[]) => any>} */
const methods = {
  prepare(sql) {
    return this[RAW].prepare(sql, this, false);
  },
  transaction,
  pragma(source, options) {
    requireString(source, 'first');
    const simple = booleanOption(optionsOf(options, 'second'), 'simple');
    const statement = this[RAW].prepare(`PRAGMA ${source}`, this, true);
    return simple ? statement.pluck().get() : statement.all();
  },
  backup,
  serialize(options) {
    return this[RAW].serialize(attachedOption(optionsOf(options, 'first')));
  },
  function: defineFunction,
  aggregate: defineAggregate,
  table: defineTable,
  exec(sql) {
    this[RAW].exec(sql);
    return this;
  },
  close() {
    this[RAW].close();
    return this;
  },
  defaultSafeIntegers(...args) {
    this[RAW].defaultSafeIntegers(...args);
    return this;
  },
  unsafeMode(...args) {
    this[RAW].unsafeMode(...args);
    return this;
  },
  loadExtension(...args) {
    this[RAW].loadExtension(...args);
    return this;
  },
  [Symbol.for('nodejs.util.inspect.custom')]() {
    return Object.assign(new Shown(), this);
  },
};
Object.assign(Database.prototype, methods);

// Constants that an addon with scan status has.
for (const [key, value] of Object.entries(addon)) {
  if (key.startsWith('SQLITE_SCANSTAT_')) /** @type {any} */ (Database)[key] = value;
}

module.exports = { Database, useSqliteError };
