'use strict';
/**
 * Rows: from the buffer that C fills (engine.h, wf_buf) to JavaScript values.
 *
 * A row is one tag byte a column, padded to 8, then 8 bytes a column. Objects are
 * made by a function that is generated for the column names, so that all rows
 * of a statement share one hidden class; where code generation is forbidden
 * (--disallow-code-generation-from-strings) a plain loop does the same, slower.
 */

const { contract } = require('./contract');

/** Tags of a cell (engine.h). */
const TAG = { null: 0, int32: 1, double: 2, int64: 3, ascii: 4, utf8: 5, blob: 6 };

/** How rows are shaped; Data::FLAT … of the addon. */
const MODE = { flat: 0, pluck: 1, expand: 2, raw: 3 };

/** Below this, String.fromCharCode beats a call into Node's C++. */
const SHORT_TEXT = 9;

/** Rows of a shape that are read by a loop before a function is generated for it. */
const GENERATE_AFTER = 32;

/** Generated functions that are kept, by shape. */
const CACHE_ENTRIES = 500;

/** @typedef {import('./engine').Engine} Engine */
/** @typedef {(engine: Engine, row: number, count: number, out: unknown[]) => void} Reader */

/**
 * An ASCII text.
 * @param {Engine} engine
 * @param {number} at
 * @param {number} n
 */
function ascii(engine, at, n) {
  if (n < SHORT_TEXT) {
    const { u8 } = engine;
    switch (n) {
      case 0: return '';
      case 1: return String.fromCharCode(u8[at]);
      case 2: return String.fromCharCode(u8[at], u8[at + 1]);
      case 3: return String.fromCharCode(u8[at], u8[at + 1], u8[at + 2]);
      case 4: return String.fromCharCode(u8[at], u8[at + 1], u8[at + 2], u8[at + 3]);
      case 5: return String.fromCharCode(u8[at], u8[at + 1], u8[at + 2], u8[at + 3], u8[at + 4]);
      case 6: return String.fromCharCode(u8[at], u8[at + 1], u8[at + 2], u8[at + 3], u8[at + 4], u8[at + 5]);
      case 7: return String.fromCharCode(u8[at], u8[at + 1], u8[at + 2], u8[at + 3], u8[at + 4], u8[at + 5], u8[at + 6]);
      default: return String.fromCharCode(u8[at], u8[at + 1], u8[at + 2], u8[at + 3], u8[at + 4], u8[at + 5], u8[at + 6], u8[at + 7]);
    }
  }
  return engine.latin1Slice(at, at + n);
}

/**
 * A copy of bytes in a Buffer.
 * @param {Engine} engine
 * @param {number} at
 * @param {number} n
 */
function copyBytes(engine, at, n) {
  const copy = Buffer.allocUnsafeSlow(n);
  copy.set(engine.u8.subarray(at, at + n));
  return copy;
}

/**
 * The bytes of a view; none if its buffer has been transferred away. Whoever wants
 * their number asks the result: a view may carry a `byteLength` of the user's.
 * @param {ArrayBufferView} view
 */
function bytesOf(view) {
  return view.byteLength === 0 ? new Uint8Array(0) : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/**
 * One value.
 * @param {Engine} engine
 * @param {number} tag
 * @param {number} at address of its 8 bytes
 * @returns {null | number | bigint | string | Buffer}
 */
function cell(engine, tag, at) {
  switch (tag) {
    case 1: return engine.i32[at >> 2];
    case 2: return engine.f64[at >> 3];
    case 3: return engine.i64[at >> 3];
    case 4: return ascii(engine, engine.i32[at >> 2], engine.i32[(at >> 2) + 1]);
    case 5: return engine.utf8Slice(engine.i32[at >> 2], engine.i32[at >> 2] + engine.i32[(at >> 2) + 1]);
    case 6: return copyBytes(engine, engine.i32[at >> 2], engine.i32[(at >> 2) + 1]);
    default: return null;
  }
}

/** Bytes of the tags of a row. @param {number} columns */
function tagBytes(columns) {
  return (columns + 7) & ~7;
}

/** @param {object} row @param {string} name @param {unknown} value */
function setOwn(row, name, value) {
  // An assignment would run the setter that objects inherit.
  if (name === '__proto__') Object.defineProperty(row, name, { value, writable: true, enumerable: true, configurable: true });
  else /** @type {Record<string, unknown>} */ (row)[name] = value;
}

/** @param {string[]} names @returns {Reader} */
function flatLoop(names) {
  const columns = names.length;
  const tags = tagBytes(columns);
  return (engine, row, count, out) => {
    const { u8 } = engine;
    for (let r = 0; r < count; r++, row += tags + columns * 8) {
      const object = {};
      for (let i = 0; i < columns; i++) setOwn(object, names[i], cell(engine, u8[row + i], row + tags + i * 8));
      out.push(object);
    }
  };
}

/**
 * Rows as the package makes them of their values.
 * @param {string[]} names
 * @param {import('./contract').RowFactory} factory
 * @returns {Reader}
 */
function factoryLoop(names, factory) {
  const make = factory(...names);
  const values = rawLoop(names.length);
  return (engine, row, count, out) => {
    /** @type {unknown[][]} */
    const rows = [];
    values(engine, row, count, /** @type {unknown[]} */ (rows));
    for (const one of rows) out.push(make(...one));
  };
}

/** @param {number} columns @returns {Reader} */
function rawLoop(columns) {
  const tags = tagBytes(columns);
  return (engine, row, count, out) => {
    const { u8 } = engine;
    for (let r = 0; r < count; r++, row += tags + columns * 8) {
      const values = [];
      for (let i = 0; i < columns; i++) values.push(cell(engine, u8[row + i], row + tags + i * 8));
      out.push(values);
    }
  };
}

/** @type {Reader} the first column alone */
function pluckLoop(engine, row, count, out) {
  for (let r = 0; r < count; r++, row += 16) out.push(cell(engine, engine.u8[row], row + 8));
}

/** @param {string[]} names @param {string[]} tables `$` for none @returns {Reader} */
function expandLoop(names, tables) {
  const columns = names.length;
  const tags = tagBytes(columns);
  return (engine, row, count, out) => {
    for (let r = 0; r < count; r++, row += tags + columns * 8) {
      /** @type {Record<string, Record<string, unknown>>} */
      const object = {};
      for (let i = 0; i < columns; i++) {
        // Plain assignments, here alone, as in Data::GetExpandedRowJS.
        if (!Object.hasOwn(object, tables[i])) object[tables[i]] = {};
        object[tables[i]][names[i]] = cell(engine, engine.u8[row + i], row + tags + i * 8);
      }
      out.push(object);
    }
  };
}

/**
 * JavaScript for one value; the common tags inline, the others by cell().
 * @param {number} i column
 * @param {number} tags
 */
function valueSource(i, tags) {
  const at = `row + ${tags + i * 8}`;
  return `(tag = u8[row + ${i}]) === 1 ? i32[(${at}) >> 2] : tag === 4 ? ascii(engine, i32[(${at}) >> 2], i32[(${at + '+4'}) >> 2]) : tag === 0 ? null : cell(engine, tag, ${at})`;
}

/**
 * Plain names: where all of them are computed, V8 may end up looking up each one for each row (twice the time, and
 * which it is depends on what ran before). `__proto__` as a plain name would set the prototype.
 * @param {string} name
 */
function propertySource(name) {
  return name === '__proto__' ? '["__proto__"]' : JSON.stringify(name);
}

/** @type {Map<string, Reader>} */
const generated = new Map();
let mayGenerate = true;

/**
 * A function that reads rows of these columns, or null where code may not be generated.
 * @param {string[]} names
 * @param {boolean} raw arrays, not objects
 * @returns {Reader | null}
 */
function generate(names, raw) {
  if (!mayGenerate) return null;
  const key = JSON.stringify([raw, raw ? names.length : names]);
  const known = generated.get(key);
  if (known) return known;
  const tags = tagBytes(names.length);
  const values = names.map((name, i) => (raw ? valueSource(i, tags) : `${propertySource(name)}: ${valueSource(i, tags)}`));
  const literal = raw ? `[${values.join(', ')}]` : `{ ${values.join(', ')} }`;
  const source = `'use strict'; return (engine, row, count, out) => {
    const { u8, i32 } = engine;
    let tag = 0;
    for (let r = 0; r < count; r++, row += ${tags + names.length * 8}) out.push(${literal});
  };`;
  try {
    const reader = /** @type {Reader} */ (new Function('cell', 'ascii', source)(cell, ascii));
    if (generated.size >= CACHE_ENTRIES) generated.delete(/** @type {string} */ (generated.keys().next().value));
    generated.set(key, reader);
    return reader;
  } catch (error) {
    if (!(error instanceof EvalError)) throw error;
    mayGenerate = false;
    return null;
  }
}

/** Rows wider than this are read by the loop: their function would be too large to be worth it. */
const GENERATE_COLUMNS = 100;

/**
 * A function that appends `count` rows to `out`. It is a loop at first; after
 * some rows it replaces itself by generated code.
 * @param {string[]} names
 * @param {string[] | null} tables for MODE.expand
 * @param {number} mode
 * @returns {Reader}
 */
function makeReader(names, tables, mode) {
  if (mode === MODE.pluck) return pluckLoop;
  if (mode === MODE.expand) return expandLoop(names, /** @type {string[]} */ (tables));
  const raw = mode === MODE.raw;
  if (!raw && contract.rowFactory !== null && names.includes('__proto__')) return factoryLoop(names, contract.rowFactory);
  let reader = raw ? rawLoop(names.length) : flatLoop(names);
  if (names.length > GENERATE_COLUMNS) return reader;
  let rows = 0;
  return (engine, row, count, out) => {
    if (rows < GENERATE_AFTER && (rows += count) >= GENERATE_AFTER) reader = generate(names, raw) ?? reader;
    reader(engine, row, count, out);
  };
}

module.exports = { TAG, MODE, makeReader, bytesOf, cell, copyBytes };
