'use strict';
/**
 * Prepared statements and their iterators (statement.cpp, statement-iterator.cpp).
 *
 * A StatementState has the SQLite handle only as long as somebody needs it: see
 * handles.js for the statements that are forgotten. A method that needs the
 * handle calls handle(), which prepares again if it has to.
 *
 * While SQLite runs, `db.busy` is true, so the user's code cannot come back in
 * on the same connection. It is set and cleared on every path, errors included.
 */
const { BUF } = require('./engine');
const { TAG, MODE, makeReader } = require('./rows');
const { Binder, bindError } = require('./bind');
const { sqliteError } = require('./errors');
const guards = require('./guards');
const { contract } = require('./contract');
const checks = require('./checks');

const ROW = 100;
const DONE = 101;
/** engine.h */
const BIND_FAILED = -2;
const TOO_BIG = -3;
const FLAG = { safeIntegers: 1, pluck: 2, clear: 4, one: 8 };
/** SQLITE_PREPARE_PERSISTENT */
const PERSISTENT = 1;
const MAX_ITERATORS = 0xffff;
const NO_LIMIT = 0x7fffffff;
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);
/** Longer texts are not written by a loop over their characters. */
const PLAIN_TEXT = 32;

/** @typedef {import('./database').DatabaseState} DatabaseState */
/** @typedef {import('./handles').Handle} Handle */

class StatementState {
  /**
   * @param {DatabaseState} db
   * @param {string} sql
   * @param {boolean} pragma as db.pragma() prepares: always with rows, not kept
   * @param {boolean} explain as db.explain() prepares: without parameters, not kept
   */
  constructor(db, sql, pragma, explain) {
    this.db = db;
    this.engine = db.engine;
    this.sql = sql;
    /** Whether nobody can hold the statement after it has run. */
    this.brief = pragma || explain;
    /** @type {Handle} */
    this.handle = db.engine.handles.add(db);
    this.readonly = false;
    /** @type {import('./locks').FileNode | null} where the last run() got WRITE */
    this.writes = null;
    this.parameterCount = 0;
    this.columnCount = 0;
    this.prepare();
    this.returnsData = pragma || this.columnCount > 0;
    this.locked = false;
    this.bound = explain;
    this.safeIntegers = db.safeIntegers;
    /** @type {number} */
    this.mode = MODE.flat;
    this.warned = false;
    /** @type {(string | null)[] | null} null: all are `?` */
    this.names = null;
    /** @type {{ name: string, index: number }[] | null} */
    this.named = null;
    /** Made at the first row; `readerFor` says for which preparation and mode. */
    /** @type {import('./rows').Reader | null} */
    this.reader = null;
    this.readerFor = -1;
    this.namesKnown = false;
    /** Whether it stands on a row that could not be read. */
    this.stuck = false;
    /** @type {Statement | null} */
    this.statement = null;
    /** @type {unknown[]} where get() and next() receive their row; empty otherwise */
    this.one = [];
  }

  prepare() {
    const { db, engine } = this;
    const buf = engine.buffer();
    let stmt;
    try {
      stmt = engine.withText(this.sql, (at, bytes) => engine.call('wf_prepare', db.pointer, at, bytes, this.brief ? 0 : PERSISTENT, buf));
    } catch (error) {
      engine.handles.remove(this.handle);
      throw error;
    }
    const field = buf >> 2;
    if (stmt === 0) {
      engine.handles.remove(this.handle);
      const code = engine.i32[field + 10];
      if (code === 0) throw new RangeError('The supplied SQL string contains no statements');
      if (code < 0) throw new RangeError('The supplied SQL string contains more than one statement');
      throw db.error();
    }
    this.columnCount = engine.i32[field + 7];
    this.parameterCount = engine.i32[field + 6];
    this.readonly = engine.i32[field + 11] !== 0;
    this.readerFor = -1;
    engine.handles.hold(this.handle, stmt);
  }

  /** The sqlite3_stmt. */
  pointer() {
    const { handle } = this;
    handle.used = true;
    if (this.stuck) this.unstick(handle.stmt);
    if (handle.stmt === 0) return this.prepareAgain();
    return handle.stmt;
  }

  prepareAgain() {
    // The user's code may have closed the database since the door: in a getter of a parameter.
    checks.requireOpen(this.db);
    this.handle = this.engine.handles.add(this.db);
    this.prepare();
    if (this.statement !== null) this.engine.handles.watch(this.statement, this);
    return this.handle.stmt;
  }

  /** Names of the parameters with their sign, null for `?`; null if there are only those. */
  parameterNames() {
    if (!this.namesKnown) {
      this.namesKnown = true;
      const names = [];
      const stmt = this.pointer();
      for (let i = 1; i <= this.parameterCount; i++) {
        const at = this.engine.call('wf_parameter_name', stmt, i);
        names.push(at === 0 ? null : this.engine.cString(at));
      }
      if (names.some((name) => name !== null)) this.names = names;
    }
    return this.names;
  }

  /** The named parameters, without their sign. */
  namedParameters() {
    if (this.named === null) {
      /** @type {{ name: string, index: number }[]} */
      const named = [];
      (this.parameterNames() ?? []).forEach((name, i) => {
        if (name !== null) named.push({ name: name.slice(1), index: i + 1 });
      });
      this.named = named;
    }
    return this.named;
  }

  /**
   * What the addon does first in each method that runs the statement. Returns the
   * number of parameters that wait in the buffer.
   * @param {unknown[]} args
   */
  collect(args) {
    if (this.bound) {
      if (args.length > 0) throw new TypeError('This statement already has bound parameters');
      return 0;
    }
    if (args.length === this.parameterCount && this.parameterNames() === null && this.collectPlain(args)) return args.length;
    return new Binder(this).bindArguments(args);
  }

  /**
   * The common case, without anything that could fail: a primitive for each `?`,
   * texts short and ASCII. False: bind.js has to do it, from the start.
   * @param {unknown[]} args
   */
  collectPlain(args) {
    const { engine } = this;
    const buf = engine.buffer() >> 2; // may grow the memory, so before the views
    const { i32, f64 } = engine;
    const cells = i32[buf + 4];
    let room = cells + args.length * 16;
    const end = cells + i32[buf + 5];
    if (room > end) return false;
    for (let i = 0, at = cells; i < args.length; i++, at += 16) {
      const value = args[i];
      let tag = TAG.null;
      if (typeof value === 'number') {
        f64[(at + 8) >> 3] = value;
        tag = TAG.double;
      } else if (typeof value === 'string') {
        const { length } = value;
        if (length > PLAIN_TEXT || room + length > end) return false;
        const { u8 } = engine;
        for (let k = 0; k < length; k++) {
          const c = value.charCodeAt(k);
          if (c > 127) return false;
          u8[room + k] = c;
        }
        i32[(at >> 2) + 2] = room;
        i32[(at >> 2) + 3] = length;
        room += length;
        tag = TAG.ascii;
      } else if (typeof value === 'bigint') {
        if (value > MAX_INT64 || value < MIN_INT64) return false;
        engine.i64[(at + 8) >> 3] = value;
        tag = TAG.int64;
      } else if (value !== null && value !== undefined) {
        return false;
      }
      i32[at >> 2] = tag;
      i32[(at >> 2) + 1] = i + 1;
    }
    return true;
  }

  /**
   * Binds for longer than one call.
   * @param {unknown[]} args
   */
  bindNow(args) {
    const count = this.collect(args);
    if (count === 0) return;
    const code = this.engine.call('wf_bind', this.pointer(), this.engine.buffer(), count);
    if (code !== 0) throw bindError(code);
  }

  flags() {
    let flags = this.bound ? 0 : FLAG.clear;
    if (this.safeIntegers) flags |= FLAG.safeIntegers;
    if (this.mode === MODE.pluck) flags |= FLAG.pluck;
    return flags;
  }

  /** @param {number} extra flags @param {number} stmt */
  reset(stmt, extra = 0) {
    this.engine.call('wf_reset', stmt, (this.bound ? 0 : FLAG.clear) | extra);
  }

  /**
   * Shows the statement to `verbose`, with its parameters in it.
   * @param {number} stmt
   * @param {number} count of parameters that wait in the buffer
   * @returns {number} 0: they are bound now
   */
  log(stmt, count) {
    const { engine, db } = this;
    if (count > 0) {
      const code = engine.call('wf_bind', stmt, engine.buffer(), count);
      if (code !== 0) throw bindError(code);
    }
    engine.level++;
    try {
      db.log(stmt);
    } catch (error) {
      if (!this.bound) this.clearAfterLog(stmt);
      throw error;
    } finally {
      engine.level--;
    }
    return 0;
  }

  /** @param {number} stmt */
  clearAfterLog(stmt) {
    if (this.engine.suspect === null) this.engine.exports.wf_reset(stmt, FLAG.clear);
  }

  /**
   * Steps; rows are in the buffer then. Any failure is thrown.
   * @param {number} stmt
   * @param {number} buf
   * @param {number} count
   * @param {number} rows at most
   * @param {number} flags
   * @returns {number} ROW or DONE
   */
  step(stmt, buf, count, rows, flags) {
    const { engine } = this;
    if (engine.suspect !== null) engine.judge();
    this.db.refreshEarly();
    let code;
    try {
      code = engine.exports.wf_step(stmt, buf, count, rows, flags);
    } catch (error) {
      engine.suspect = error;
      engine.alarm();
      throw engine.unwound();
    }
    if (engine.i32.length === 0) engine.refresh();
    if (engine.hasPending) throw this.abandonStep(stmt, code);
    if (code === ROW || code === DONE) return code;
    throw this.failure(stmt, buf, code);
  }

  /**
   * The user's code threw, though SQLite may have gone on to a row.
   * @param {number} stmt
   * @param {number} code
   */
  abandonStep(stmt, code) {
    if (code === ROW) this.engine.exports.wf_reset(stmt, this.bound ? 0 : FLAG.clear);
    return this.engine.takePending();
  }

  /**
   * @param {number} stmt
   * @param {number} buf
   * @param {number} code
   */
  failure(stmt, buf, code) {
    const { engine, db } = this;
    if (engine.poisoned !== null) return engine.refusal();
    if (code === BIND_FAILED) return bindError(engine.i32[(buf + BUF.code) >> 2]);
    if (code === TOO_BIG) {
      const column = this.columnNames(stmt)[engine.i32[(buf + BUF.code) >> 2]];
      return guards.valueTooBig(this.sql, column, engine.f64[(buf + BUF.number) >> 3]);
    }
    if (code === 7 && engine.exports.wf_error_code(db.pointer) === 0) return sqliteError('out of memory', code);
    return db.error();
  }

  /** @param {number} stmt */
  columnNames(stmt) {
    return this.describe(stmt).map((column) => /** @type {string} */ (column[0]));
  }

  /**
   * For each column: name, origin column, table, database, declared type.
   * @param {number} stmt
   * @returns {(string | null)[][]}
   */
  describe(stmt) {
    const { engine } = this;
    const buf = engine.buffer();
    const columns = [];
    for (let i = 0, n = engine.call('wf_column_count', stmt); i < n; i++) {
      engine.call('wf_column', stmt, buf, i);
      const row = engine.i32[buf >> 2];
      const slots = (row + 8) >> 2;
      columns.push([0, 1, 2, 3, 4].map((k) => {
        const at = engine.i32[slots + k * 2];
        return at === 0 ? null : engine.utf8Slice(at, at + engine.i32[slots + k * 2 + 1]);
      }));
    }
    return columns;
  }

  /**
   * Appends the rows of the buffer to `out`.
   * @param {number} stmt
   * @param {number} buf
   * @param {unknown[]} out
   */
  read(stmt, buf, out) {
    const { engine } = this;
    const field = buf >> 2;
    // The names may have changed if SQLite had to prepare the statement again.
    const version = engine.i32[field + 8] * 4 + this.mode;
    if (version !== this.readerFor || this.reader === null) this.makeReader(stmt, version);
    /** @type {import('./rows').Reader} */ (this.reader)(engine, engine.i32[field], engine.i32[field + 6], out);
  }

  /**
   * Reading fails without memory for a value, or without stack. Its bindings may
   * be in the buffer, so then the statement must not stay where it is.
   * @param {number} stmt
   * @param {number} buf
   * @param {unknown[]} out
   * @param {boolean} active whether it stands on a row
   */
  readOrReset(stmt, buf, out, active) {
    try {
      this.read(stmt, buf, out);
    } catch (error) {
      if (active) {
        this.stuck = true;
        this.unstick(stmt);
      }
      throw error;
    }
  }

  /** A full stack may not let this through: then the next use of the statement does it. @param {number} stmt */
  unstick(stmt) {
    this.reset(stmt);
    this.stuck = false;
  }

  /** @param {number} stmt @param {number} version */
  makeReader(stmt, version) {
    // Describing writes to the buffer that the rows are in; so it is another one.
    this.engine.level++;
    try {
      const columns = this.mode === MODE.pluck ? [] : this.describe(stmt);
      const names = columns.map((column) => /** @type {string} */ (column[0]));
      this.reader = makeReader(names, columns.map((column) => column[2] ?? '$'), this.mode);
      this.readerFor = version;
    } finally {
      this.engine.level--;
    }
  }

  /**
   * All rows: the body of all() and explainQueryPlan().
   * @param {number} count
   * @param {boolean} clear the bindings at the end
   */
  allRows(count, clear) {
    const { engine, db } = this;
    /** @type {unknown[]} */
    const rows = [];
    db.busy = true;
    try {
      const stmt = this.pointer();
      let flags = this.flags() & ~FLAG.clear;
      if (clear) flags |= FLAG.clear;
      if (db.logger !== null) count = this.log(stmt, count);
      const buf = engine.buffer();
      for (;;) {
        const code = this.step(stmt, buf, count, NO_LIMIT, flags);
        if (engine.i32[(buf + BUF.rows) >> 2] > 0) this.readOrReset(stmt, buf, rows, code === ROW);
        if (rows.length >= guards.rowCheck) this.checkRows(stmt, rows.length);
        if (code === DONE) return rows;
        count = 0;
      }
    } finally {
      db.busy = false;
      if (this.brief) engine.handles.release(this.handle);
    }
  }

  /** @param {number} stmt @param {number} rows */
  checkRows(stmt, rows) {
    if (rows >= guards.rowLimit) {
      this.reset(stmt);
      throw guards.tooManyRows(this.sql);
    }
    if (rows >= guards.rowWarn && !this.warned) {
      this.warned = true;
      guards.warnRows(this.sql, rows);
    }
  }

  requireReturnsData() {
    if (!this.returnsData) throw new TypeError('This statement does not return data. Use run() instead');
  }

  requireNotLocked() {
    if (this.locked) throw new TypeError('This statement is busy executing a query');
  }
}

/**
 * Only db.prepare() makes statements: it leaves here what for.
 * @type {StatementState | null}
 */
let birth = null;

class Statement {
  /** @type {StatementState} */
  #state;

  constructor() {
    if (birth === null) throw new TypeError('Statements can only be constructed by the db.prepare() method');
    this.#state = birth;
    birth = null;
  }

  /** @param {Statement} statement */
  static state(statement) {
    if (typeof statement !== 'object' || statement === null || !(#state in statement)) throw new TypeError('Illegal invocation');
    return statement.#state;
  }

  /** @param {...unknown} args */
  run(...args) {
    const s = stateOf(this);
    const { db, engine } = s;
    checks.requireOpen(db);
    checks.requireNotBusy(db);
    s.requireNotLocked();
    checks.requireNoIteratorsUnlessUnsafe(db);
    let count = s.collect(args);
    db.busy = true;
    try {
      const stmt = s.pointer();
      if (db.logger !== null) count = s.log(stmt, count);
      const buf = engine.buffer();
      if (engine.suspect !== null) engine.judge();
      db.refreshEarly();
      const { nodes } = engine.vfs;
      const { writes } = s;
      if (writes !== null && engine.exports.wf_autocommit(db.pointer) !== 0) nodes.takeAhead(writes);
      nodes.written = null;
      let code;
      try {
        code = engine.exports.wf_run(stmt, buf, count, s.bound ? 0 : FLAG.clear);
      } catch (error) {
        engine.suspect = error;
        engine.alarm();
        throw engine.unwound();
      } finally {
        if (writes !== null) nodes.dropAhead(writes);
      }
      s.writes = nodes.written;
      if (engine.i32.length === 0) engine.refresh();
      if (engine.hasPending) throw engine.takePending();
      if (code !== 0) throw s.failure(stmt, buf, code);
      const lastInsertRowid = s.safeIntegers ? engine.i64[(buf + BUF.rowid) >> 3] : engine.f64[(buf + BUF.number) >> 3];
      return { changes: engine.i32[(buf + BUF.changes) >> 2], lastInsertRowid };
    } finally {
      db.busy = false;
    }
  }

  /** @param {...unknown} args */
  get(...args) {
    const s = stateOf(this);
    const { db, engine } = s;
    s.requireReturnsData();
    checks.requireOpen(db);
    checks.requireNotBusy(db);
    s.requireNotLocked();
    let count = s.collect(args);
    db.busy = true;
    try {
      const stmt = s.pointer();
      if (db.logger !== null) count = s.log(stmt, count);
      const buf = engine.buffer();
      if (s.step(stmt, buf, count, 1, s.flags() | FLAG.one) === DONE) return undefined;
      const { one } = s;
      const pinned = engine.i32[(buf + BUF.pinned) >> 2] !== 0;
      s.readOrReset(stmt, buf, one, pinned);
      if (pinned) s.reset(stmt);
      return one.pop();
    } finally {
      db.busy = false;
      if (s.brief) engine.handles.release(s.handle);
    }
  }

  /** @param {...unknown} args */
  all(...args) {
    const s = stateOf(this);
    s.requireReturnsData();
    checks.requireOpen(s.db);
    checks.requireNotBusy(s.db);
    s.requireNotLocked();
    const count = s.collect(args);
    return s.allRows(count, !s.bound);
  }

  /** @param {...unknown} args */
  iterate(...args) {
    const s = stateOf(this);
    s.requireReturnsData();
    checks.requireOpen(s.db);
    checks.requireNotBusy(s.db);
    s.requireNotLocked();
    if (s.db.iterators === MAX_ITERATORS) throw new RangeError('Too many active database iterators');
    s.bindNow(args);
    s.pointer();
    iterating = this;
    return new StatementIterator();
  }

  /** @param {...unknown} args */
  bind(...args) {
    const s = stateOf(this);
    if (s.bound) throw new TypeError('The bind() method can only be invoked once per statement object');
    checks.requireOpen(s.db);
    checks.requireNotBusy(s.db);
    s.requireNotLocked();
    s.bindNow(args);
    s.bound = true;
    // Its bindings would be lost with the handle.
    s.handle.pinned = true;
    return this;
  }

  /** @param {...unknown} args */
  pluck(...args) {
    return setMode(this, 'pluck', args);
  }

  /** @param {...unknown} args */
  expand(...args) {
    return setMode(this, 'expand', args);
  }

  /** @param {...unknown} args */
  raw(...args) {
    return setMode(this, 'raw', args);
  }

  /** @param {...unknown} args */
  safeIntegers(...args) {
    const s = stateOf(this);
    checks.requireNotBusy(s.db);
    s.requireNotLocked();
    s.safeIntegers = checks.optionalBoolean(args);
    return this;
  }

  columns() {
    const s = stateOf(this);
    if (!s.returnsData) throw new TypeError('The columns() method is only for statements that return data');
    checks.requireOpen(s.db);
    checks.requireNotBusy(s.db);
    return s.describe(s.pointer()).map(([name, column, table, database, type]) => ({ name, column, table, database, type }));
  }

  /**
   * sqlite3_stmt_scanstatus_v2(): undefined past the last loop.
   * @param {...unknown} args loop, opcode, flags
   */
  scanStatusV2(...args) {
    const s = stateOf(this);
    const { engine } = s;
    checks.requireOpen(s.db);
    checks.requireNotBusy(s.db);
    checks.requireArguments(args, 'int32', 'int32', 'int32');
    const [loop, opcode, flags] = /** @type {number[]} */ (args);
    const buf = engine.buffer();
    switch (engine.call('wf_scan_status', s.pointer(), buf, loop, opcode, flags)) {
      case 0: return undefined;
      case 2: return engine.f64[(buf + BUF.number) >> 3];
      case 3: {
        const value = engine.i64[(buf + BUF.rowid) >> 3];
        return s.safeIntegers ? value : Number(value);
      }
      case 5: return engine.cString(engine.i32[(buf + BUF.changes) >> 2]);
      default: throw new RangeError('Invalid scanstatus opcode');
    }
  }

  scanStatusReset() {
    const s = stateOf(this);
    checks.requireOpen(s.db);
    checks.requireNotBusy(s.db);
    s.engine.call('wf_scan_reset', s.pointer());
    return this;
  }

  /**
   * Like all(), but parameters may be left out.
   * @param {...unknown} args
   */
  explainQueryPlan(...args) {
    const s = stateOf(this);
    s.requireReturnsData();
    checks.requireOpen(s.db);
    checks.requireNotBusy(s.db);
    s.requireNotLocked();
    const count = args.length > 0 ? s.collect(args) : 0;
    return s.allRows(count, count > 0);
  }
}

const stateOf = Statement.state;
Reflect.deleteProperty(Statement, 'state');

/**
 * pluck(), expand(), raw(): one excludes the others; false takes back its own.
 * @param {Statement} statement
 * @param {'pluck' | 'expand' | 'raw'} name
 * @param {unknown[]} args
 */
function setMode(statement, name, args) {
  const s = stateOf(statement);
  if (!s.returnsData) throw new TypeError(`The ${name}() method is only for statements that return data`);
  checks.requireNotBusy(s.db);
  s.requireNotLocked();
  const mode = MODE[name];
  if (checks.optionalBoolean(args)) s.mode = mode;
  else if (s.mode === mode) s.mode = MODE.flat;
  return statement;
}

/** @type {Statement | null} what iterate() makes an iterator for */
let iterating = null;

class StatementIterator {
  #statement;
  #state;
  #alive = true;
  #logged;
  #flags;

  constructor() {
    if (iterating === null) throw new TypeError('Disabled constructor');
    this.#statement = iterating;
    iterating = null;
    this.#state = stateOf(this.#statement);
    const { db } = this.#state;
    this.#logged = db.logger === null;
    this.#flags = this.#state.flags();
    Object.defineProperty(this, 'statement', checks.frozen(this.#statement));
    setLocked(this.#statement, this.#state, true);
    db.iterators++;
  }

  /** @param {unknown} object */
  static #check(object) {
    if (typeof object !== 'object' || object === null || !(#state in object)) throw new TypeError('Illegal invocation');
  }

  next() {
    StatementIterator.#check(this);
    const s = this.#state;
    const { db, engine } = s;
    checks.requireNotBusy(db);
    if (!this.#alive) return { value: undefined, done: true };
    const stmt = s.handle.stmt;
    db.busy = true;
    try {
      if (!this.#logged) {
        this.#logged = true;
        s.log(stmt, 0);
      }
      const buf = engine.buffer();
      if (s.step(stmt, buf, 0, 1, this.#flags) === ROW) {
        const { one } = s;
        s.read(stmt, buf, one);
        return { value: one.pop(), done: false };
      }
    } catch (error) {
      db.busy = false;
      this.#end(stmt);
      throw error;
    } finally {
      db.busy = false;
    }
    this.#end(stmt);
    return { value: undefined, done: true };
  }

  return() {
    StatementIterator.#check(this);
    const s = this.#state;
    checks.requireNotBusy(s.db);
    if (this.#alive) this.#end(s.handle.stmt);
    return { value: undefined, done: true };
  }

  [Symbol.iterator]() {
    return this;
  }

  /** @param {number} stmt */
  #end(stmt) {
    if (!this.#alive) return;
    const s = this.#state;
    this.#alive = false;
    setLocked(this.#statement, s, false);
    s.db.iterators--;
    if (!s.engine.isDead()) s.reset(stmt);
  }
}

/**
 * @param {Statement} statement
 * @param {StatementState} state
 * @param {boolean} locked
 */
function setLocked(statement, state, locked) {
  state.locked = locked;
  state.handle.locked = locked;
  if (!contract.nodeApi) /** @type {any} */ (statement).busy = locked;
}

/** The contract of Node-API: an own property that asks. */
const BUSY = checks.liveProperty((/** @type {Statement} */ statement) => {
  const s = stateOf(statement);
  return s.db.open && s.locked;
});

/**
 * Statement.prototype.toString in the contract of Node-API: the SQL, with the parameters that were bound for good.
 * @this {Statement}
 */
function toString() {
  const s = stateOf(this);
  const { db, engine } = s;
  if (s.bound && db.open && !engine.isDead()) {
    const at = engine.call('wf_expanded_sql', s.pointer());
    if (at !== 0) {
      const sql = engine.cString(at);
      engine.call('wf_free', at);
      return sql;
    }
  }
  return /** @type {any} */ (this).source;
}

checks.makeEnumerable(Statement);
checks.makeEnumerable(StatementIterator);

/**
 * Database::JS_prepare.
 * @param {DatabaseState} db
 * @param {string} sql
 * @param {object} database what statement.database is
 * @param {boolean} pragma
 * @param {boolean} explain
 */
function prepare(db, sql, database, pragma, explain) {
  const state = new StatementState(db, sql, pragma, explain);
  birth = state;
  const statement = new Statement();
  if (!contract.nodeApi) Object.defineProperty(statement, 'busy', { value: false, enumerable: true, writable: true, configurable: true });
  Object.defineProperties(statement, {
    reader: checks.frozen(state.returnsData),
    readonly: checks.frozen(state.readonly),
    source: checks.frozen(sql),
    database: checks.frozen(database),
  });
  if (contract.nodeApi) Object.defineProperty(statement, 'busy', BUSY);
  state.statement = statement;
  db.engine.handles.watch(statement, state);
  return statement;
}

module.exports = { Statement, StatementIterator, StatementState, prepare, toString };
