'use strict';
/**
 * One instance of engine.wasm: its memory, its imports, its calls.
 *
 * Invariants:
 * - No JavaScript exception crosses C frames. Every import that runs foreign
 *   code catches, keeps the exception in `pending`, and returns a code; the
 *   call that is outermost for it throws it again (`settle`).
 * - If anything unwinds through C all the same (a full JavaScript stack does),
 *   the instance is poisoned: C's stack pointer and SQLite's state are not to be
 *   trusted any more. It closes its files as a crash would and refuses all work.
 * - Views of the memory go stale when it grows. Whoever calls into C reads them
 *   again from the engine, after `fresh()`.
 */
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { sqliteError } = require('./errors');
const guards = require('./guards');
const clock = require('./clock');
const { contract } = require('./contract');
const { Vfs } = require('./vfs');
const { callbackImports, Table } = require('./callbacks');
const { Handles } = require('./handles');

const PAGE = 65536;
const CELL_BYTES = 32768;
const HEAP_BYTES = 131072;
const PARAM_BYTES = 65536;
/** Byte offsets of the fields of wf_buf (engine.h). */
const BUF = { cells: 0, params: 16, paramBytes: 20, rows: 24, columns: 28, reprepared: 32, pinned: 36, code: 40, changes: 44, rowid: 48, number: 56 };

/** V8 from 13 on replaces lone surrogates when it writes UTF-8 for native code; before, only Node-API made it do that. */
const REPLACES_SURROGATES = Number.parseInt(process.versions.v8 ?? '13', 10) >= 13;

/** @type {WebAssembly.Module | null} one compilation a thread */
let compiled = null;

function compile() {
  return (compiled ??= new WebAssembly.Module(readBytes()));
}

/** Compiles in V8's own threads, so that the first use does not wait for it. */
async function precompile() {
  if (compiled === null) {
    const module = await WebAssembly.compile(readBytes());
    compiled ??= module;
  }
}

function readBytes() {
  if (typeof WebAssembly === 'undefined') throw new Error('wasmfix: this Node has no WebAssembly, which SQLite needs here; run it without --jitless');
  try {
    return fs.readFileSync(path.join(__dirname, 'engine.wasm'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`wasmfix: cannot read the SQLite engine (${reason}); ${isBundled() ? UNBUNDLE : 'run `wasmfix patch` again'}`, { cause: error });
  }
}

const UNBUNDLE = 'leave the package out of the bundle (external), or copy its wasmfix/engine.wasm beside the bundle';

/** Whether a bundler has moved this code out of its folder. An ES module, which some make of it, has no __dirname. */
function isBundled() {
  return typeof __dirname === 'undefined' || path.basename(__dirname) !== 'wasmfix';
}

/** True if this build exports `name`. @param {string} name */
function hasExport(name) {
  const engine = compile();
  return WebAssembly.Module.exports(engine).some((entry) => entry.name === name);
}

function newMemory() {
  try {
    return new WebAssembly.Memory({ initial: 48, maximum: Math.floor(guards.maxMemory / PAGE) });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // V8 reserves the range that any index can reach; --disable-wasm-trap-handler checks each index instead.
    const remedy = 'raise the limit of address space (`ulimit -v`), or run node with --disable-wasm-trap-handler';
    throw new Error(`wasmfix: no room for SQLite's memory, for which V8 reserves about 10 GB of addresses; ${remedy}`, { cause: error });
  }
}

class Engine {
  constructor() {
    this.memory = newMemory();
    /** @type {Uint8Array} */ this.u8 = new Uint8Array(0);
    /** @type {Int32Array} */ this.i32 = new Int32Array(0);
    /** @type {Float64Array} */ this.f64 = new Float64Array(0);
    /** @type {BigInt64Array} */ this.i64 = new BigInt64Array(0);
    /** @type {Buffer} */ this.bytes = Buffer.alloc(0);
    this.refresh();

    /** Nested calls of the user's code from C. */
    this.depth = 0;
    /** Nested uses of the buffer: those calls, and the user's code that runs while a buffer is being filled. */
    this.level = 0;
    /** @type {number[]} addresses of wf_buf */
    this.buffers = [];
    /** Whether the user's code threw in the call that is running, and what. */
    this.hasPending = false;
    /** @type {unknown} */ this.pending = undefined;
    /** @type {string | null} why this instance refuses work */
    this.poisoned = null;
    /**
     * What came out of a call into C, until judge() has found out what it means;
     * for ever, if the instance is poisoned. null: nothing.
     * @type {unknown}
     */
    this.suspect = null;
    /** Whether files and locks have been given up since. */
    this.abandoned = true;

    /** @type {Set<import('./database').DatabaseState>} open connections */
    this.databases = new Set();
    /** @type {import('./database').DatabaseState | null} whose exec() is running */
    this.executing = null;
    /** @type {import('./callbacks').Table} the user's functions and modules; set by callbackImports() */
    this.functions = new Table();
    /** @type {() => void} has a poisoned instance give up its files as soon as the stack is empty, see awaitAlarm() */
    this.alarm = () => {};
    this.awaitAlarm();
    this.handles = new Handles(this);
    this.vfs = new Vfs(this);

    const imports = { ...this.vfs.imports(), ...callbackImports(this), ...this.machineImports() };
    const instance = new WebAssembly.Instance(compile(), { env: { ...imports, memory: this.memory } });
    /** @type {Record<string, (...args: number[]) => number>} */
    this.exports = /** @type {any} */ (instance.exports);
    this.exports._initialize();
    this.enteredAt = this.exports.wf_entered_address();
    this.exports.wf_set_value_limit(guards.valueLimit);
    const uri = process.env.SQLITE_USE_URI;
    this.exports.wf_start(uri === '1' ? 1 : uri === '0' ? 0 : -1);
    this.fresh();
  }

  /** Views on the memory as it is now. */
  refresh() {
    const { buffer } = this.memory;
    this.u8 = new Uint8Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.i64 = new BigInt64Array(buffer);
    this.bytes = Buffer.from(buffer);
    // Last: by it fresh() sees that all are there. A full stack may end this at any line.
    this.i32 = new Int32Array(buffer);
  }

  /** After a call that may have grown the memory. */
  fresh() {
    if (this.i32.length === 0) this.refresh();
  }

  machineImports() {
    return {
      /** @param {number} bytes @param {number} out */
      randomness: (bytes, out) => {
        this.fresh();
        crypto.randomFillSync(this.u8, out, bytes);
        return bytes;
      },
      /** @param {number} microseconds */
      sleep: (microseconds) => {
        this.vfs.nodes.beforeSleep();
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, microseconds / 1000);
        this.fresh();
        this.vfs.nodes.refreshEarly(true);
      },
      now: clock.wall,
      /** @param {number} seconds @param {number} out */
      local_time: (seconds, out) => {
        this.fresh();
        const date = new clock.RealDate(seconds * 1000);
        if (Number.isNaN(date.getTime())) return 1;
        this.i32.set(localFields(date), out >> 2);
        return 0;
      },
    };
  }

  /** The buffer of this level. */
  buffer() {
    const at = this.buffers[this.level];
    return at !== undefined ? at : this.newBuffer();
  }

  newBuffer() {
    const at = this.call('wf_buf_new', CELL_BYTES, HEAP_BYTES, PARAM_BYTES);
    if (at === 0) throw sqliteError('out of memory', 'SQLITE_NOMEM');
    this.buffers[this.level] = at;
    return at;
  }

  /**
   * Calls an export, and throws what the user's code threw meanwhile.
   * @param {string} name
   * @param {...number} args
   */
  call(name, ...args) {
    if (this.suspect !== null) this.judge();
    let result;
    try {
      result = this.exports[name](...args);
    } catch (error) {
      this.suspect = error;
      this.alarm();
      throw this.unwound();
    }
    this.fresh();
    if (this.hasPending) throw this.takePending();
    return result;
  }

  /** The exception that waited until C was left. */
  takePending() {
    const error = this.pending;
    this.hasPending = false;
    this.pending = undefined;
    return error;
  }

  /**
   * Something came out of an export, and is in `suspect` (an assignment works
   * however full the stack is, where this call may not). Returns what to throw.
   */
  unwound() {
    const error = this.suspect;
    try {
      this.judge();
    } catch (refusal) {
      if (this.poisoned !== null) /** @type {Error} */ (refusal).cause = error;
      return refusal;
    }
    return error;
  }

  /**
   * If C had not begun, nothing is lost: the JavaScript stack was full at the
   * door. Else, the instance is poisoned, and this throws.
   */
  judge() {
    if (this.poisoned !== null) throw this.refusal();
    this.fresh();
    const error = this.suspect;
    if (error instanceof RangeError && this.i32[this.enteredAt >> 2] === this.depth) {
      this.suspect = null;
      return;
    }
    const reason = error instanceof Error ? error.message : String(error);
    this.abandoned = false;
    this.hasPending = false;
    this.pending = undefined;
    this.poisoned = `SQLite on WebAssembly was interrupted in the middle of a call (${reason}); its connections are closed, open the database again`;
    throw this.refusal();
  }

  /** Whether there is nothing left to close, to reset or to finalize. */
  isDead() {
    if (this.suspect === null) return false;
    try {
      this.judge();
    } catch {
      // What is to be known is in `poisoned`.
    }
    return this.poisoned !== null;
  }

  /** On a full stack no timer can be set. But a promise can be resolved, which is V8's own code. */
  awaitAlarm() {
    new Promise((resolve) => {
      this.alarm = /** @type {() => void} */ (resolve);
    }).then(() => {
      this.awaitAlarm();
      if (this.isDead()) this.abandon();
    });
  }

  /**
   * Gives up files and locks after a poisoning. Where the stack is full, not even
   * that can be done: then the next call tries again, and the alarm at the latest.
   */
  abandon() {
    if (this.abandoned) return;
    try {
      this.vfs.abandon();
      for (const db of this.databases) db.abandon();
      this.databases.clear();
      this.abandoned = true;
    } catch {
      clock.afterTurn(() => this.abandon());
    }
  }

  /**
   * Stops the instance where it cannot go on but others must not be harmed: files
   * and locks stay as they are until the process ends.
   * @param {string} reason
   */
  stop(reason) {
    if (this.poisoned !== null) return;
    this.poisoned = `SQLite on WebAssembly has stopped: ${reason}; restart the process`;
    this.suspect = new Error(reason);
  }

  refusal() {
    this.abandon();
    return sqliteError(/** @type {string} */ (this.poisoned), 'SQLITE_INTERNAL');
  }

  /** A zero-terminated text. @param {number} at */
  cString(at) {
    if (at === 0) return '';
    this.fresh();
    const end = this.u8.indexOf(0, at);
    return this.bytes.toString('utf8', at, end);
  }

  /** Bytes below 0x80 as a text. @param {number} at @param {number} end */
  latin1Slice(at, end) {
    return /** @type {any} */ (this.bytes).latin1Slice(at, end);
  }

  /** UTF-8 as a text; what is malformed becomes U+FFFD, a byte order mark stays. @param {number} at @param {number} end */
  utf8Slice(at, end) {
    return /** @type {any} */ (this.bytes).utf8Slice(at, end);
  }

  /**
   * Bytes that a text takes in UTF-8, as native would write it.
   * @param {string} text
   */
  byteLength(text) {
    return Buffer.byteLength(text, 'utf8');
  }

  /**
   * Writes UTF-8 and returns the number of bytes. There has to be room.
   * @param {string} text
   * @param {number} at
   * @param {number} room
   */
  writeText(text, at, room) {
    if (!REPLACES_SURROGATES && !contract.nodeApi && !isWellFormed(text)) return this.writeLoneSurrogates(text, at);
    return this.bytes.write(text, at, room, 'utf8');
  }

  /**
   * UTF-8 with lone surrogates kept, three bytes each (the same length as the
   * replacement character that an encoder would put there).
   * @param {string} text
   * @param {number} at
   */
  writeLoneSurrogates(text, at) {
    const { u8 } = this;
    let to = at;
    for (const character of text) {
      const c = /** @type {number} */ (character.codePointAt(0));
      if (c < 0x80) {
        u8[to++] = c;
      } else if (c < 0x800) {
        u8[to++] = 0xc0 | (c >> 6);
        u8[to++] = 0x80 | (c & 63);
      } else if (c < 0x10000) {
        u8[to++] = 0xe0 | (c >> 12);
        u8[to++] = 0x80 | ((c >> 6) & 63);
        u8[to++] = 0x80 | (c & 63);
      } else {
        u8[to++] = 0xf0 | (c >> 18);
        u8[to++] = 0x80 | ((c >> 12) & 63);
        u8[to++] = 0x80 | ((c >> 6) & 63);
        u8[to++] = 0x80 | (c & 63);
      }
    }
    return to - at;
  }

  /**
   * Memory of C's, zeros on failure are an error.
   * @param {number} bytes
   */
  allocate(bytes) {
    if (bytes > 0x7fffff00) throw new Error('Out of memory');
    const at = this.call('wf_malloc', bytes);
    if (at === 0) throw new Error('Out of memory');
    return at;
  }

  /**
   * Runs `use` with the address of a zero-terminated copy of `text` and its bytes, zero included.
   * @template T
   * @param {string} text
   * @param {(at: number, bytes: number) => T} use
   * @returns {T}
   */
  withText(text, use) {
    const room = this.byteLength(text);
    const at = this.allocate(room + 1);
    try {
      const bytes = this.writeText(text, at, room);
      this.u8[at + bytes] = 0;
      return use(at, bytes + 1);
    } finally {
      if (this.suspect === null) this.exports.wf_free(at);
    }
  }
}

/** @param {string} text */
function isWellFormed(text) {
  return /** @type {any} */ (text).isWellFormed();
}

/** The fields of struct tm that SQLite reads. @param {Date} date */
function localFields(date) {
  const start = new clock.RealDate(date.getFullYear(), 0, 1);
  const yearDay = Math.round((clock.RealDate.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - clock.RealDate.UTC(start.getFullYear(), 0, 1)) / 86400000);
  return [
    date.getSeconds(), date.getMinutes(), date.getHours(), date.getDate(), date.getMonth(), date.getFullYear() - 1900, date.getDay(), yearDay, -1,
  ];
}

/** @type {Engine | null} */
let current = null;

/** The engine of this thread; a new one if the last was poisoned. */
function engine() {
  if (current !== null && current.isDead()) {
    current.abandon();
    current = null;
  }
  return (current ??= new Engine());
}

module.exports = { Engine, engine, hasExport, precompile, BUF };
