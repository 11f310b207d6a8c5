'use strict';
/**
 * Parameters: from JavaScript values to the array of wf_cell that C binds in one
 * go. The rules and messages are those of binder.cpp.
 *
 * Layout: 16 bytes a parameter at buf->params (tag, owned, index, 8 bytes of
 * value), and behind them room for short texts and blobs. What does not fit gets
 * memory of its own, which SQLite frees.
 */
const { isProxy } = require('util').types;
const { BUF } = require('./engine');
const { TAG, bytesOf } = require('./rows');
const { contract } = require('./contract');

const CELL = 16;
/** UTF-8 takes at most three bytes for each UTF-16 unit. */
const MAX_BYTES_A_UNIT = 3;
/** Below this a loop over the characters beats a call into Node's C++. */
const SHORT_TEXT = 24;
/** Room for texts that a grown buffer has. */
const SPARE_BYTES = 16384;

/** @typedef {import('./statement').StatementState} StatementState */

class Binder {
  /** @param {StatementState} statement */
  constructor(statement) {
    const { engine } = statement;
    this.statement = statement;
    this.engine = engine;
    this.maxLength = statement.db.maxLength;
    this.buf = engine.buffer();
    const cells = statement.parameterCount * CELL;
    if (cells + SPARE_BYTES > engine.i32[(this.buf + BUF.paramBytes) >> 2]) {
      if (engine.call('wf_buf_params', this.buf, cells + 4 * SPARE_BYTES) === 0) throw new Error('Out of memory');
    }
    this.cells = engine.i32[(this.buf + BUF.params) >> 2];
    this.room = this.cells + cells;
    this.end = this.cells + engine.i32[(this.buf + BUF.paramBytes) >> 2];
    this.count = 0;
    this.anonymous = 0;
    /** @type {number[] | null} memory that is SQLite's as soon as it is bound */
    this.owned = null;
  }

  /**
   * All arguments of one call. Returns how many cells were written. Getters and
   * proxies may use the database, this statement even: so the buffer is not for them.
   * @param {unknown[]} args
   */
  bindArguments(args) {
    const { engine } = this;
    engine.level++;
    try {
      return this.collect(args);
    } catch (error) {
      if (this.owned !== null && engine.suspect === null) for (const at of this.owned) engine.exports.wf_free(at);
      throw error;
    } finally {
      engine.level--;
    }
  }

  /** @param {unknown[]} args */
  collect(args) {
    let hasObject = false;
    let count = 0;
    for (const value of args) {
      if (typeof value === 'object' && value !== null) {
        if (Array.isArray(value)) {
          count += this.addArray(value);
          continue;
        }
        if (!ArrayBuffer.isView(value)) {
          if (isPlainObject(value)) {
            if (hasObject) throw new TypeError('You cannot specify named parameters in two different objects');
            hasObject = true;
            count += this.addNamed(value);
            continue;
          }
          if (this.statement.namedParameters().length > 0) throw new TypeError('Named parameters can only be passed within plain objects');
        }
      } else if (typeof value === 'function' && this.statement.namedParameters().length > 0) {
        throw new TypeError('Named parameters can only be passed within plain objects');
      }
      this.add(value, this.nextAnonymous());
      count++;
    }
    const wanted = this.statement.parameterCount;
    if (count < wanted) {
      if (!hasObject && this.statement.namedParameters().length > 0) throw new TypeError('Missing named parameters');
      throw new RangeError('Too few parameter values were provided');
    }
    if (count > wanted) throw new RangeError('Too many parameter values were provided');
    return this.count;
  }

  /** The index of the next `?`; past the last parameter it goes on counting. */
  nextAnonymous() {
    const names = this.statement.parameterNames();
    do this.anonymous++;
    while (names !== null && this.anonymous <= names.length && names[this.anonymous - 1] !== null);
    return this.anonymous;
  }

  /** @param {unknown[]} values */
  addArray(values) {
    const n = values.length;
    for (let i = 0; i < n; i++) {
      this.add(values[i], this.nextAnonymous());
    }
    return n;
  }

  /** @param {object} object */
  addNamed(object) {
    const pairs = this.statement.namedParameters();
    for (const { name, index } of pairs) {
      if (!Object.prototype.hasOwnProperty.call(object, name)) throw new RangeError(`Missing named parameter "${name}"`);
      this.add(/** @type {Record<string, unknown>} */ (object)[name], index);
    }
    return pairs.length;
  }

  /**
   * @param {unknown} value
   * @param {number} index from 1
   */
  add(value, index) {
    const { engine } = this;
    const fits = index <= this.statement.parameterCount;
    const at = this.cells + this.count * CELL;
    let tag;
    if (typeof value === 'number') {
      if (fits) engine.f64[(at + 8) >> 3] = value;
      tag = TAG.double;
    } else if (typeof value === 'string') {
      if (fits) return this.addText(value, index);
      tag = TAG.utf8;
    } else if (value === null || value === undefined) {
      tag = TAG.null;
    } else if (typeof value === 'bigint') {
      if (BigInt.asIntN(64, value) !== value) throw new RangeError('The bound string, buffer, or bigint is too big');
      if (fits) engine.i64[(at + 8) >> 3] = value;
      tag = TAG.int64;
    } else if (ArrayBuffer.isView(value)) {
      if (fits) return this.addBlob(value, index);
      tag = TAG.blob;
    } else {
      throw new TypeError('SQLite3 can only bind numbers, strings, bigints, buffers, and null');
    }
    if (!fits) throw new RangeError('Too many parameter values were provided');
    engine.i32[at >> 2] = tag;
    engine.i32[(at >> 2) + 1] = index;
    this.count++;
  }

  /**
   * @param {string} text
   * @param {number} index
   */
  addText(text, index) {
    const { engine, room } = this;
    const { length } = text;
    if (length <= SHORT_TEXT && room + length <= this.end) {
      const { u8 } = engine;
      let i = 0;
      for (; i < length; i++) {
        const c = text.charCodeAt(i);
        if (c > 127) break;
        u8[room + i] = c;
      }
      if (i === length) {
        this.room += length;
        return this.put(TAG.ascii, index, room, length, 0);
      }
    }
    if (room + length * MAX_BYTES_A_UNIT <= this.end) {
      const n = engine.writeText(text, room, this.end - room);
      this.room += n;
      return this.put(TAG.utf8, index, room, n, 0);
    }
    const n = engine.byteLength(text);
    const at = this.own(n);
    engine.writeText(text, at, n);
    return this.put(TAG.utf8, index, at, n, 1);
  }

  /**
   * @param {ArrayBufferView} view
   * @param {number} index
   */
  addBlob(view, index) {
    const { engine, room } = this;
    const bytes = bytesOf(view);
    const n = bytes.length;
    const inline = room + n <= this.end;
    const at = inline ? room : this.own(n);
    engine.u8.set(bytes, at);
    if (inline) this.room += n;
    return this.put(TAG.blob, index, at, n, inline ? 0 : 1);
  }

  /** @param {number} bytes */
  own(bytes) {
    if (bytes > this.maxLength) throw new RangeError('The bound string, buffer, or bigint is too big');
    const at = this.engine.allocate(bytes);
    (this.owned ??= []).push(at);
    return at;
  }

  /**
   * @param {number} tag
   * @param {number} index
   * @param {number} address
   * @param {number} bytes
   * @param {number} owned
   */
  put(tag, index, address, bytes, owned) {
    const { i32 } = this.engine;
    const at = (this.cells + this.count * CELL) >> 2;
    i32[at] = tag | (owned << 8);
    i32[at + 1] = index;
    i32[at + 2] = address;
    i32[at + 3] = bytes;
    this.count++;
  }
}

/**
 * Object literals and objects without a prototype, of any realm.
 * @param {object} object
 */
function isPlainObject(object) {
  const proto = prototypeOf(object);
  if (proto === null || proto === Object.prototype) return true;
  if (contract.nodeApi) return prototypeOf(proto) === null;
  // Another realm's Object.prototype: at the end of the chain, and not ours to name.
  return Object.getPrototypeOf(proto) === null && Object.prototype.hasOwnProperty.call(proto, 'isPrototypeOf');
}

/**
 * As V8 tells it to native code: a proxy has none, whatever it stands for, and is not asked.
 * @param {object} object
 * @returns {object | null}
 */
function prototypeOf(object) {
  return isProxy(object) ? null : Object.getPrototypeOf(object);
}

/**
 * What to throw for a code that sqlite3_bind_*() returned.
 * @param {number} code
 */
function bindError(code) {
  switch (code & 0xff) {
    case 18: return new RangeError('The bound string, buffer, or bigint is too big');
    case 25: return new RangeError('Too many parameter values were provided');
    case 7: return new Error('Out of memory');
    default: return new Error('An unexpected error occured while trying to bind parameters');
  }
}

module.exports = { Binder, bindError };
