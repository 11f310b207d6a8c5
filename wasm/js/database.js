'use strict';
/** Connections (database.cpp). */
const { constants } = require('buffer');
const { engine: currentEngine, hasExport } = require('./engine');
const { Statement, prepare } = require('./statement');
const { Backup, backup } = require('./backup');
const { sqliteError } = require('./errors');
const checks = require('./checks');
const exit = require('./exit');
const { contract } = require('./contract');

const OPEN = { readonly: 1, readwrite: 2, create: 4 };
const FUNCTION_FLAG = { deterministic: 0x800, directOnly: 0x80000 };
/** SQLITE_LIMIT_LENGTH and SQLITE_LIMIT_SQL_LENGTH, as the addon sets them. */
const MAX_STRING = Math.min(constants.MAX_STRING_LENGTH, 0x7fffffff);
const MAX_LENGTH = Math.min(constants.MAX_LENGTH, MAX_STRING);

class DatabaseState {
  /**
   * @param {string} filename
   * @param {boolean} readonly
   * @param {boolean} mustExist
   * @param {number} timeout ms
   * @param {Function | null} logger
   */
  constructor(filename, readonly, mustExist, timeout, logger) {
    this.engine = currentEngine();
    this.maxLength = MAX_LENGTH;
    this.open = false;
    this.busy = false;
    this.iterators = 0;
    this.safeIntegers = false;
    this.unsafe = false;
    this.logger = logger;
    /** @type {Set<import('./backup').BackupState>} */
    this.backups = new Set();
    /** @type {any} the addon's object, to tell that it was closed */
    this.face = null;
    const mode = readonly ? OPEN.readonly : mustExist ? OPEN.readwrite : OPEN.readwrite | OPEN.create;
    this.pointer = openHandle(this.engine, filename, mode, timeout, MAX_LENGTH, MAX_STRING);
    this.engine.call('wf_defensive', this.pointer, 1);
    this.open = true;
    this.engine.databases.add(this);
    exit.watch(this.engine);
  }

  /** Before a statement that may begin a transaction: see WalIndex.refreshEarly(). */
  refreshEarly() {
    const { exports, vfs } = this.engine;
    if (vfs.nodes.isEager && exports.wf_autocommit(this.pointer) !== 0) vfs.nodes.refreshEarly();
  }

  /** The error that SQLite just reported for this connection. */
  error() {
    // Around a call that was interrupted, SQLite only knows that its files failed.
    if (this.engine.isDead()) return this.engine.refusal();
    return lastError(this.engine, this.pointer);
  }

  /**
   * Fills the empty connection from a serialized database.
   * @param {Uint8Array} data
   * @param {boolean} readonly
   */
  deserialize(data, readonly) {
    const { engine } = this;
    const at = engine.allocate(data.byteLength);
    engine.u8.set(data, at);
    const code = engine.call('wf_deserialize', this.pointer, at, data.byteLength, +readonly);
    if (code !== 0) throw sqliteError(code === 1 ? 'unable to deserialize database' : engine.cString(engine.call('wf_error_string', code)), code);
  }

  inTransaction() {
    return this.open && !this.engine.isDead() && this.engine.call('wf_autocommit', this.pointer) === 0;
  }

  /** @param {number} stmt what is shown to `verbose` */
  log(stmt) {
    if (this.logger === null) return;
    const { engine } = this;
    const expanded = engine.call('wf_expanded_sql', stmt);
    const sql = engine.cString(expanded === 0 ? engine.call('wf_sql', stmt) : expanded);
    if (expanded !== 0) engine.call('wf_free', expanded);
    this.logger.call(undefined, sql);
  }

  close() {
    if (!this.open) return;
    const { engine } = this;
    engine.handles.releaseAll(this);
    for (const state of this.backups) state.close();
    this.abandon();
    engine.databases.delete(this);
    exit.announceClosing();
    try {
      engine.call('wf_close', this.pointer);
    } finally {
      exit.settle();
    }
  }

  /** The handle is gone, or must not be touched again. */
  abandon() {
    this.open = false;
    const face = this.face?.deref();
    if (face) face.open = false;
  }
}

/**
 * @param {import('./engine').Engine} engine
 * @param {number} pointer
 */
function lastError(engine, pointer) {
  const message = engine.cString(engine.exports.wf_error_message(pointer));
  return sqliteError(message, engine.exports.wf_error_code(pointer));
}

/**
 * @param {import('./engine').Engine} engine
 * @param {string} filename
 * @param {number} mode
 * @param {number} timeout ms; -1 sets none
 * @param {number} maxLength
 * @param {number} maxSql 0 sets none
 */
function openHandle(engine, filename, mode, timeout, maxLength, maxSql) {
  const buf = engine.buffer();
  const pointer = engine.withText(filename, (at) => engine.call('wf_open', at, mode, timeout, maxLength, maxSql, buf));
  if (pointer === 0) throw sqliteError('out of memory', 'SQLITE_NOMEM');
  if (engine.i32[(buf >> 2) + 10] !== 0) {
    const error = lastError(engine, pointer);
    engine.call('wf_close', pointer);
    throw error;
  }
  return pointer;
}

/** Connections that are forgotten without close(). */
const forgotten = new FinalizationRegistry((/** @type {DatabaseState} */ state) => {
  if (!state.engine.isDead()) state.close();
});

class Database {
  /** @type {DatabaseState} */
  #state;

  /**
   * @param {...unknown} args filename, filenameGiven, in memory, readonly, must exist, timeout (ms), logger, buffer, and
   *   in later versions the descriptors of the database and of its journal
   */
  constructor(...args) {
    checks.requireArguments(args, 'string', 'string', 'boolean', 'boolean', 'boolean', 'int32', 'any', 'any');
    const [filename, given, memory, readonly, mustExist, timeout, logger, buffer, descriptor] = /** @type {any[]} */ (args);
    if (contract.nodeApi && typeof descriptor === 'number') throw noDescriptors();
    const state = new DatabaseState(filename, readonly, mustExist, timeout, typeof logger === 'function' ? logger : null);
    this.#state = state;
    if (ArrayBuffer.isView(buffer)) {
      try {
        state.deserialize(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength), readonly);
      } catch (error) {
        state.close();
        throw error;
      }
    }
    if (!contract.nodeApi) {
      Object.defineProperties(this, {
        open: { value: true, enumerable: true, writable: true, configurable: true },
        inTransaction: { get: () => state.inTransaction(), enumerable: true, configurable: true },
      });
      state.face = new WeakRef(this);
    }
    Object.defineProperties(this, {
      memory: checks.frozen(memory),
      readonly: checks.frozen(readonly),
      name: checks.frozen(given),
    });
    if (contract.nodeApi) Object.defineProperties(this, LIVE);
    forgotten.register(this, state);
  }

  /** @param {unknown} database */
  static state(database) {
    return Database.#of(database);
  }

  /** @param {unknown} database */
  static #of(database) {
    if (typeof database !== 'object' || database === null || !(#state in database)) throw new TypeError('Illegal invocation');
    return database.#state;
  }

  /** @param {...unknown} args SQL, what statement.database is, whether as pragma() does, whether as explain() does */
  prepare(...args) {
    const state = Database.#of(this);
    checks.requireArguments(args, 'string', 'object', 'boolean');
    if (contract.nodeApi) checks.requireArguments(args, 'string', 'object', 'boolean', 'boolean');
    const [sql, database, pragma, explain] = /** @type {[string, object, boolean, boolean]} */ (args);
    checks.requireOpen(state);
    checks.requireNotBusy(state);
    if (pragma) checks.requireNoIteratorsUnlessUnsafe(state);
    return prepare(state, sql, database, pragma, contract.nodeApi && explain);
  }

  /** @param {...unknown} args SQL */
  exec(...args) {
    const state = Database.#of(this);
    const { engine } = state;
    checks.requireArguments(args, 'string');
    checks.requireOpen(state);
    checks.requireNotBusy(state);
    checks.requireNoIteratorsUnlessUnsafe(state);
    state.refreshEarly();
    const outer = engine.executing;
    state.busy = true;
    engine.executing = state;
    let code;
    try {
      code = engine.withText(/** @type {string} */ (args[0]), (at) => engine.call('wf_exec', state.pointer, at, +(state.logger !== null)));
    } finally {
      state.busy = false;
      engine.executing = outer;
    }
    if (code !== 0) throw state.error();
  }

  /** @param {...unknown} args what backup.database is, attached name, file, whether the file is new */
  backup(...args) {
    const state = Database.#of(this);
    checks.requireArguments(args, 'object', 'string', 'string', 'boolean');
    checks.requireOpen(state);
    checks.requireNotBusy(state);
    const [database, name, file, isNew] = /** @type {[object, string, string, boolean]} */ (args);
    return backup(state, database, name, () => openHandle(state.engine, file, OPEN.readwrite | OPEN.create, -1, 0x7fffffff, 0), isNew);
  }

  /** @param {...unknown} args attached name */
  serialize(...args) {
    const state = Database.#of(this);
    const { engine } = state;
    checks.requireArguments(args, 'string');
    checks.requireOpen(state);
    checks.requireNotBusy(state);
    checks.requireNoIterators(state);
    const buf = engine.buffer();
    const at = engine.withText(/** @type {string} */ (args[0]), (name) => engine.call('wf_serialize', state.pointer, name, buf));
    const size = engine.f64[(buf + 56) >> 3];
    if (at === 0 && size !== 0) throw new Error('Out of memory');
    const copy = Buffer.from(engine.u8.subarray(at, at + size));
    if (at !== 0) engine.call('wf_free', at);
    return copy;
  }

  /** @param {...unknown} args function, name, arguments, safe integers (0, 1, 2: as the connection), deterministic, direct only */
  function(...args) {
    const state = Database.#of(this);
    checks.requireArguments(args, 'function', 'string', 'int32', 'int32', 'boolean', 'boolean');
    requireIdle(state);
    const [fn, name, argc, safe, deterministic, directOnly] = /** @type {[Function, string, number, number, boolean, boolean]} */ (args);
    createFunction(state, { fn: fn.bind(undefined), name }, argc, safe, flagsOf(deterministic, directOnly), 0);
  }

  /** @param {...unknown} args start, step, inverse, result, then as function() from the name on */
  aggregate(...args) {
    const state = Database.#of(this);
    checks.requireArguments(args, 'any', 'function', 'any', 'any', 'string', 'int32', 'int32', 'boolean', 'boolean');
    requireIdle(state);
    const [start, step, inverse, result, name, argc, safe, deterministic, directOnly] = /** @type {any[]} */ (args);
    const bound = (/** @type {unknown} */ f) => (typeof f === 'function' ? f.bind(undefined) : null);
    const entry = { fn: step.bind(undefined), name, start: bound(start) ?? start, inverse: bound(inverse), result: bound(result) };
    createFunction(state, entry, argc, safe, flagsOf(deterministic, directOnly), entry.inverse === null ? 1 : 2);
  }

  /** @param {...unknown} args factory, name, whether eponymous */
  table(...args) {
    const state = Database.#of(this);
    const { engine } = state;
    checks.requireArguments(args, 'function', 'string', 'boolean');
    requireIdle(state);
    const [factory, name, eponymous] = /** @type {[Function, string, boolean]} */ (args);
    const id = engine.functions.add({ factory: factory.bind(undefined), name, db: state });
    state.busy = true;
    try {
      if (engine.withText(name, (at) => engine.call('wf_create_module', state.pointer, at, +eponymous, id)) !== 0) throw state.error();
    } finally {
      state.busy = false;
    }
  }

  /** Always refused: WebAssembly has no dlopen. @param {...unknown} args file, entry point */
  loadExtension(...args) {
    const state = Database.#of(this);
    checks.requireArguments(args, 'string');
    if (args.length > 1) checks.requireArguments(args, 'string', 'string');
    requireIdle(state);
    throw sqliteError(`cannot load ${args[0]}: SQLite on WebAssembly (wasmfix) cannot load native extensions`, 'SQLITE_ERROR');
  }

  close() {
    const state = Database.#of(this);
    if (!state.open) return;
    // A poisoned instance has nothing left to close; an error here would hide the one that matters.
    if (state.engine.isDead()) return state.abandon();
    checks.requireNotBusy(state);
    checks.requireNoIterators(state);
    state.close();
  }

  /** @param {...unknown} args */
  defaultSafeIntegers(...args) {
    Database.#of(this).safeIntegers = checks.optionalBoolean(args);
  }

  /** @param {...unknown} args */
  unsafeMode(...args) {
    const state = Database.#of(this);
    if (contract.nodeApi) checks.requireOpen(state);
    state.unsafe = checks.optionalBoolean(args);
    if (state.open) state.engine.call('wf_defensive', state.pointer, +!state.unsafe);
  }
}

/** Locks and journals lie beside the file, so its folder is needed; a descriptor is for who has no access to that. */
function noDescriptors() {
  return sqliteError('SQLite on WebAssembly (wasmfix) cannot open a database from a file descriptor; open it by its path', 'SQLITE_CANTOPEN');
}

const stateOf = Database.state;
Reflect.deleteProperty(Database, 'state');

/** The contract of Node-API: own properties that ask. */
const LIVE = {
  open: checks.liveProperty((/** @type {Database} */ database) => stateOf(database).open),
  inTransaction: checks.liveProperty((/** @type {Database} */ database) => stateOf(database).inTransaction()),
};

/** @param {DatabaseState} state */
function requireIdle(state) {
  checks.requireOpen(state);
  checks.requireNotBusy(state);
  checks.requireNoIterators(state);
}

/** @param {boolean} deterministic @param {boolean} directOnly */
function flagsOf(deterministic, directOnly) {
  return (deterministic ? FUNCTION_FLAG.deterministic : 0) | (directOnly ? FUNCTION_FLAG.directOnly : 0);
}

/**
 * @param {DatabaseState} state
 * @param {import('./callbacks').UserFunction} entry
 * @param {number} argc
 * @param {number} safe
 * @param {number} flags
 * @param {number} kind 0 scalar, 1 aggregate, 2 window
 */
function createFunction(state, entry, argc, safe, flags, kind) {
  const { engine } = state;
  const user = (engine.functions.add(entry) << 1) | (safe < 2 ? +(safe !== 0) : +state.safeIntegers);
  const code = engine.withText(entry.name, (at) => engine.call('wf_create_function', state.pointer, at, argc, flags, user, kind));
  if (code !== 0) throw state.error();
}

// What the package's version does not have, its addon does not have either.
if (!hasExport('wf_scan_status')) {
  for (const name of ['scanStatusV2', 'scanStatusReset', 'explainQueryPlan']) Reflect.deleteProperty(Statement.prototype, name);
}
checks.makeEnumerable(Database);

module.exports = { Database, DatabaseState, Statement, Backup };
