'use strict';
/**
 * The user's code that SQLite calls: functions, aggregates, window functions,
 * virtual tables (custom-function.cpp, custom-aggregate.cpp, custom-table.cpp).
 *
 * Each of them is kept under a number that C hands back. An exception is kept in
 * the engine and a code returned; from then on no more of the user's code runs
 * until the call into C is over (native has an exception pending then, too).
 */
const { TAG, bytesOf, cell } = require('./rows');

/** Of wf_result (engine.h): the cell, then room for a short text. */
const CELL_BYTES = 16;
const INLINE_BYTES = 240;

/** @typedef {import('./engine').Engine} Engine */

/** Numbers for objects that C knows by number; freed numbers are used again. */
class Table {
  constructor() {
    /** @type {Map<number, any>} */
    this.entries = new Map();
    this.next = 1;
  }

  /** @param {object} entry */
  add(entry) {
    while (this.entries.has(this.next)) this.next = (this.next % 0x3fffffff) + 1;
    const id = this.next;
    this.next = (this.next % 0x3fffffff) + 1;
    this.entries.set(id, entry);
    return id;
  }

  /** @param {number} id */
  get(id) {
    return this.entries.get(id);
  }

  /** @param {number} id */
  remove(id) {
    this.entries.delete(id);
  }
}

/**
 * @typedef {object} UserFunction
 * @property {string} name
 * @property {Function} fn scalar function, or the step of an aggregate
 * @property {unknown} [start]
 * @property {Function | null} [inverse]
 * @property {Function | null} [result]
 */

/** @typedef {{ value: unknown, isWindow: boolean, alive: boolean }} Accumulator */

/** @param {Engine} engine @param {number} argc @param {number} at */
function decodeArguments(engine, argc, at) {
  engine.fresh();
  const args = [];
  for (let i = 0; i < argc; i++, at += CELL_BYTES) args.push(cell(engine, engine.u8[at], at + 8));
  return args;
}

/**
 * Writes a result for wf_give_result(). Throws what native throws for a value
 * that SQLite cannot take; `prefix` begins the message.
 * @param {Engine} engine
 * @param {number} at
 * @param {unknown} value
 * @param {() => string} prefix
 */
function encodeResult(engine, at, value, prefix) {
  engine.fresh();
  if (typeof value === 'number') {
    engine.f64[(at + 8) >> 3] = value;
    engine.i32[at >> 2] = TAG.double;
  } else if (value === null || value === undefined) {
    engine.i32[at >> 2] = TAG.null;
  } else if (typeof value === 'string') {
    const room = value.length * 3 <= INLINE_BYTES ? INLINE_BYTES : engine.byteLength(value);
    const to = room === INLINE_BYTES ? at + CELL_BYTES : engine.allocate(room);
    encodeBytes(engine, at, TAG.utf8, to, engine.writeText(value, to, room));
  } else if (typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${prefix()} a bigint that was too big`);
    engine.i64[(at + 8) >> 3] = value;
    engine.i32[at >> 2] = TAG.int64;
  } else if (ArrayBuffer.isView(value)) {
    const bytes = bytesOf(value);
    const to = bytes.length <= INLINE_BYTES ? at + CELL_BYTES : engine.allocate(bytes.length);
    engine.u8.set(bytes, to);
    encodeBytes(engine, at, TAG.blob, to, bytes.length);
  } else {
    throw new TypeError(`${prefix()} an invalid value`);
  }
}

/**
 * @param {Engine} engine
 * @param {number} at
 * @param {number} tag
 * @param {number} address
 * @param {number} bytes
 */
function encodeBytes(engine, at, tag, address, bytes) {
  const owned = address === at + CELL_BYTES ? 0 : 1;
  engine.i32[at >> 2] = tag | (owned << 8);
  engine.i32[(at >> 2) + 2] = address;
  engine.i32[(at >> 2) + 3] = bytes;
}

/**
 * Runs the user's code one level deeper. Returns `threw` if it throws, now or
 * earlier in this call into C.
 * @param {Engine} engine
 * @param {() => number} body
 * @param {number} [threw]
 */
function contained(engine, body, threw = -1) {
  if (engine.hasPending) return threw;
  engine.depth++;
  engine.level++;
  try {
    return body();
  } catch (error) {
    engine.hasPending = true;
    engine.pending = error;
    return threw;
  } finally {
    engine.depth--;
    engine.level--;
  }
}

/** @param {Engine} engine */
function callbackImports(engine) {
  const { functions } = engine;
  const accumulators = new Table();
  const tables = new Table();
  const cursors = new Table();

  /** @param {UserFunction} f */
  const returned = (f) => () => `User-defined function ${f.name}() returned`;

  /**
   * The accumulator whose number is at `state`; made at the first call.
   * @param {UserFunction} f
   * @param {number} state
   * @returns {Accumulator}
   */
  function accumulator(f, state) {
    const known = engine.i32[state >> 2];
    if (known !== 0) return accumulators.get(known);
    /** @type {Accumulator} */
    const fresh = { value: undefined, isWindow: false, alive: false };
    engine.i32[state >> 2] = accumulators.add(fresh);
    fresh.value = typeof f.start === 'function' ? f.start() : f.start;
    fresh.alive = true;
    engine.fresh();
    return fresh;
  }

  /**
   * An exception ends the accumulator, as in native.
   * @param {number} state
   * @param {() => number} body
   */
  function aggregate(state, body) {
    const code = contained(engine, body);
    if (code !== 0) {
      engine.fresh();
      const known = accumulators.get(engine.i32[state >> 2]);
      if (known) known.alive = false;
    }
    return code;
  }

  return {
    /** @param {number} stmt */
    log_statement: (stmt) => contained(engine, () => {
      const db = /** @type {import('./database').DatabaseState} */ (engine.executing);
      db.log(stmt);
      return 0;
    }),

    /** @param {number} id @param {number} argc @param {number} args @param {number} result */
    function_call: (id, argc, args, result) => contained(engine, () => {
      /** @type {UserFunction} */
      const f = functions.get(id);
      const value = f.fn(...decodeArguments(engine, argc, args));
      encodeResult(engine, result, value, returned(f));
      return 0;
    }),

    /** @param {number} id */
    function_destroy: (id) => functions.remove(id),

    /** @param {number} id @param {number} state @param {number} argc @param {number} args @param {number} inverse */
    aggregate_step: (id, state, argc, args, inverse) => aggregate(state, () => {
      /** @type {UserFunction} */
      const f = functions.get(id);
      const values = decodeArguments(engine, argc, args);
      const acc = accumulator(f, state);
      if (!acc.alive) return 0;
      const fn = /** @type {Function} */ (inverse ? f.inverse : f.fn);
      const value = fn(acc.value, ...values);
      if (value !== undefined) acc.value = value;
      return 0;
    }),

    /** @param {number} id @param {number} state @param {number} isFinal @param {number} result */
    aggregate_value: (id, state, isFinal, result) => {
      engine.fresh();
      const known = engine.i32[state >> 2];
      const code = aggregate(state, () => {
        /** @type {UserFunction} */
        const f = functions.get(id);
        const acc = accumulator(f, state);
        if (!acc.alive) return 0;
        if (!isFinal) acc.isWindow = true;
        else if (acc.isWindow) return 0;
        const value = f.result ? f.result(acc.value) : acc.value;
        encodeResult(engine, result, value, returned(f));
        return 0;
      });
      if (isFinal) accumulators.remove(known || engine.i32[state >> 2]);
      return code;
    },

    /** @param {number} module @param {number} argc @param {number} argv @param {number} out */
    table_connect: (module, argc, argv, out) => contained(engine, () => {
      engine.fresh();
      const { factory, db } = functions.get(module);
      const args = [];
      for (let i = 0; i < argc; i++) args.push(engine.cString(engine.i32[(argv >> 2) + i]));
      const [sql, generator, parameters, safeIntegers, directOnly] = factory(...args);
      const safe = safeIntegers < 2 ? safeIntegers : +db.safeIntegers;
      const sqlAt = copyText(engine, `${sql}\0`);
      const namesAt = copyText(engine, `${parameters.join('\0')}\0`);
      const id = tables.add({ generator, name: functions.get(module).name, count: parameters.length });
      engine.i32.set([sqlAt, namesAt, id, parameters.length, safe, +directOnly], out >> 2);
      return 0;
    }),

    /** @param {number} id */
    table_disconnect: (id) => tables.remove(id),

    /** @param {number} id @param {number} cursor @param {number} given @param {number} argc @param {number} at */
    table_filter: (id, cursor, given, argc, at) => contained(engine, () => {
      const table = tables.get(id);
      if (cursor) cursors.remove(cursor);
      const values = decodeArguments(engine, argc, at);
      // No row can match a parameter that is NULL.
      if (values.includes(null)) return 0;
      const args = [];
      for (let i = 0; i < table.count; i++) args.push((given >>> i) & 1 ? values.shift() : undefined);
      return cursors.add({ iterator: table.generator(...args), row: [], table });
    }),

    /** @param {number} id */
    table_next: (id) => contained(engine, () => {
      const cursor = cursors.get(id);
      const { value, done } = cursor.iterator.next();
      if (!done) cursor.row = value;
      return done ? 1 : 0;
    }),

    /** @param {number} id @param {number} column @param {number} result */
    table_column: (id, column, result) => contained(engine, () => {
      const { row, table } = cursors.get(id);
      encodeResult(engine, result, row[column], () => `Virtual table module "${table.name}" yielded`);
      return 0;
    }),

    /** @param {number} id */
    table_close: (id) => cursors.remove(id),
  };
}

/** @param {Engine} engine @param {string} text */
function copyText(engine, text) {
  const room = engine.byteLength(text);
  const at = engine.allocate(room);
  engine.writeText(text, at, room);
  return at;
}

module.exports = { callbackImports, Table };
