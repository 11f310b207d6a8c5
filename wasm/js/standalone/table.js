'use strict';
/** Virtual tables whose rows come from a generator. */
const { RAW, requireString } = require('./arguments');
const { lengthOf } = require('./functions');

/** SQLite counts what a query gives to a table in a mask of 32 bits. */
const MAX_PARAMETERS = 32;
const GENERATOR = Object.getPrototypeOf(function* () {});

/**
 * What the addon wants to know of a table: the statement that declares it, its rows as arrays of parameters and
 * columns, the names of its parameters, safeIntegers (0, 1, 2), directOnly.
 * @typedef {[string, (...args: any[]) => Iterator<unknown[]>, string[], number, boolean]} Parsed
 */

/**
 * @this {any}
 * @param {unknown} name
 * @param {unknown} factory a definition, or a function that makes one for each CREATE VIRTUAL TABLE
 */
function defineTable(name, factory) {
  requireString(name, 'first');
  if (name === '') throw new TypeError('Virtual table module name cannot be an empty string');
  if (typeof factory === 'object' && factory !== null) {
    const parsed = parse(factory, 'used', name);
    this[RAW].table(() => parsed, name, true);
  } else if (typeof factory === 'function') {
    this[RAW].table(factoryOf(factory), name, false);
  } else {
    throw new TypeError('Expected second argument to be a function or a table definition object');
  }
  return this;
}

/** @param {Function} factory */
function factoryOf(factory) {
  return function virtualTableFactory(/** @type {string} */ module, /** @type {string} */ database, /** @type {string} */ table, /** @type {string[]} */ ...args) {
    const definition = Reflect.apply(factory, { module, database, table }, args);
    if (typeof definition !== 'object' || definition === null) {
      throw new TypeError(`Virtual table module "${module}" did not return a table definition object`);
    }
    return parse(definition, 'returned', module);
  };
}

/**
 * @param {any} definition
 * @param {string} verb how it came: `used`, `returned`
 * @param {string} module
 * @returns {Parsed}
 */
function parse(definition, verb, module) {
  /** @param {string} what @param {new (message: string) => Error} [Kind] */
  const wrong = (what, Kind = TypeError) => new Kind(`Virtual table module "${module}" ${verb} a table definition ${what}`);
  for (const key of ['rows', 'columns']) {
    if (!Object.hasOwn(definition, key)) throw wrong(`without a "${key}" property`);
  }
  const { rows } = definition;
  if (typeof rows !== 'function' || Object.getPrototypeOf(rows) !== GENERATOR) {
    throw wrong('with an invalid "rows" property (should be a generator function)');
  }
  const columns = names(definition.columns);
  if (columns === null) throw wrong('with an invalid "columns" property (should be an array of strings)');
  if (repeats(columns)) throw wrong('with duplicate column names');
  if (columns.length === 0) throw wrong('with zero columns', RangeError);
  const parameters = Object.hasOwn(definition, 'parameters') ? names(definition.parameters) : numbered(lengthOf(rows));
  if (parameters === null) throw wrong('with an invalid "parameters" property (should be an array of strings)');
  if (repeats(parameters)) throw wrong('with duplicate parameter names');
  if (parameters.length > MAX_PARAMETERS) throw wrong(`with more than the maximum number of ${MAX_PARAMETERS} parameters`, RangeError);
  const both = parameters.find((name) => columns.includes(name));
  if (both !== undefined) throw wrong(`with column "${both}" which was ambiguously defined as both a column and parameter`);
  const safe = flag(definition, 'safeIntegers', wrong);
  const directOnly = flag(definition, 'directOnly', wrong) ?? false;
  const declared = [...parameters.map((name) => `${quoted(name)} HIDDEN`), ...columns.map(quoted)];
  return [`CREATE TABLE x(${declared.join(', ')});`, rowsOf(rows, columns, module), parameters, safe === undefined ? 2 : Number(safe), directOnly];
}

/** A copy of an array of strings, null if it is none. @param {unknown} value @returns {string[] | null} */
function names(value) {
  if (!Array.isArray(value)) return null;
  const copy = [...value];
  return copy.every((name) => typeof name === 'string') ? copy : null;
}

/** @param {string[]} list */
function repeats(list) {
  return new Set(list).size !== list.length;
}

/** @param {number} count */
function numbered(count) {
  return Array.from({ length: count }, (_, at) => `$${at + 1}`);
}

/** @param {string} name */
function quoted(name) {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * @param {any} definition
 * @param {string} key
 * @param {(what: string) => Error} wrong
 * @returns {boolean | undefined}
 */
function flag(definition, key, wrong) {
  if (!Object.hasOwn(definition, key)) return undefined;
  const value = definition[key];
  if (typeof value !== 'boolean') throw wrong(`with an invalid "${key}" property (should be a boolean)`);
  return value;
}

/**
 * The generator, yielding one array again and again: the parameters, then the columns of a row.
 * @param {(...args: any[]) => Iterable<unknown>} generator
 * @param {string[]} columns
 * @param {string} module
 */
function rowsOf(generator, columns, module) {
  const places = new Map(columns.map((name, at) => [name, at]));
  /** @param {string} what */
  const wrong = (what) => new TypeError(`Virtual table module "${module}" yielded ${what}`);
  return function* virtualTable(/** @type {unknown[]} */ ...args) {
    // Copies: the generator may write into its arguments, and these are what the hidden columns say.
    const output = args.map((value) => (Buffer.isBuffer(value) ? Buffer.from(value) : value));
    const first = output.length;
    for (let at = 0; at < columns.length; at += 1) output.push(null);
    for (const row of generator(...args)) {
      if (Array.isArray(row)) {
        if (row.length !== columns.length) throw wrong('a row with an incorrect number of columns');
        for (let at = 0; at < columns.length; at += 1) output[first + at] = row[at];
      } else if (typeof row === 'object' && row !== null) {
        const keys = Object.keys(row);
        for (const key of keys) {
          const at = places.get(key);
          if (at === undefined) throw wrong(`a row with an undeclared column "${key}"`);
          output[first + at] = /** @type {any} */ (row)[key];
        }
        if (keys.length !== columns.length) throw wrong('a row with missing columns');
      } else {
        throw wrong("something that isn't a valid row object");
      }
      yield output;
    }
  };
}

module.exports = defineTable;
