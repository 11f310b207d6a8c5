'use strict';
/**
 * Interprets random programs on one driver: a line of JSON in, a line of JSON out, until the input ends.
 *
 *   node programs.cjs <package folder>
 *
 * {"kind": "values", "columns": [type…], "rows": [[value…]…]} writes rows and reads them back in every way;
 * {"kind": "sequence", "calls": [[name, argument…]…]} makes calls on up to two connections of one file.
 * A value is null, {"n": number as text}, {"i": bigint as text}, {"s": UTF-16 as hex} or {"b": bytes as hex}.
 */
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { tag } = require('./tag.cjs');

const Database = require(path.resolve(process.argv[2]));

/** @param {any} value */
function decode(value) {
  if (value === null) return null;
  if ('n' in value) return Number(value.n);
  if ('i' in value) return BigInt(value.i);
  if ('s' in value) return Buffer.from(value.s, 'hex').toString('utf16le');
  return Buffer.from(value.b, 'hex');
}

/** @param {string} dir @param {() => unknown} fn */
function attempt(dir, fn) {
  try {
    return tag(fn(), dir);
  } catch (error) {
    return { threw: tag(error, dir) };
  }
}

/** @param {any} stmt */
function everyWay(stmt) {
  const answers = [];
  for (const safe of [false, true]) {
    stmt.safeIntegers(safe);
    for (const mode of ['raw', 'pluck', 'expand', null]) {
      if (mode) stmt[mode]();
      answers.push(stmt.get(), stmt.all(), [...stmt.iterate()]);
      if (mode) stmt[mode](false);
    }
  }
  return answers;
}

/** @param {{columns: string[], rows: any[][]}} program */
function values({ columns, rows }) {
  const db = new Database(':memory:');
  const names = columns.map((_, at) => `c${at}`);
  db.exec(`CREATE TABLE t(${names.map((name, at) => `${name} ${columns[at]}`)})`);
  db.function('echo', (value) => value);
  db.function('echo_big', { safeIntegers: true }, (value) => value);
  db.aggregate('last', { step: (_, value) => value });
  const insert = db.prepare(`INSERT INTO t VALUES (${names.map(() => '?')})`);
  const named = db.prepare(`SELECT ${names.map((name) => `:${name} AS ${name}`)}`);
  const direct = db.prepare(`SELECT ${names.map((name) => `? AS ${name}`)}`);
  const answers = [];
  for (const row of rows) {
    const given = row.map(decode);
    const object = Object.fromEntries(names.map((name, at) => [name, given[at]]));
    answers.push(attempt('', () => insert.run(given)), attempt('', () => direct.get(...given)), attempt('', () => named.safeIntegers().all(object)));
  }
  answers.push(attempt('', () => everyWay(db.prepare('SELECT *, rowid FROM t'))));
  for (const name of names) {
    answers.push(attempt('', () => db.prepare(`SELECT typeof(${name}), quote(${name}), hex(${name}), length(${name}), ${name} || 'x', CAST(${name} AS TEXT), CAST(${name} AS BLOB), CAST(${name} AS INTEGER) FROM t ORDER BY ${name}, rowid`).raw().all()));
    answers.push(attempt('', () => db.prepare(`SELECT echo(${name}), typeof(echo(${name})), echo_big(${name}), typeof(echo_big(${name})) FROM t`).raw().all()));
    answers.push(attempt('', () => db.prepare(`SELECT last(${name}), count(DISTINCT ${name}), max(${name}), min(${name}) FROM t`).raw().get()));
  }
  answers.push(attempt('', () => new Database(db.serialize()).prepare('SELECT * FROM t').safeIntegers().all()));
  db.close();
  return answers;
}

/** @type {any} */
let kept = null;

/** A database of the process, not of the sequence. */
function hoard() {
  if (!kept) kept = new Database(':memory:').exec('CREATE TABLE hoard(a)');
  return kept;
}

/** One sequence of calls and the objects that it has made so far. */
class Session {
  /** @param {string} dir */
  constructor(dir) {
    this.dir = dir;
    /** @type {any[]} */ this.databases = [null, null];
    /** @type {any[]} */ this.statements = [];
    /** @type {any[]} */ this.iterators = [];
    this.depth = 0;
  }

  /** @param {any[]} list @param {number} at */
  pick(list, at) {
    if (!list.length) throw new Error('nothing made yet');
    return list[at % list.length];
  }

  /** @param {number} at */
  db(at) {
    if (!this.databases[at]) throw new Error('not opened');
    return this.databases[at];
  }

  /** @param {any[]} call */
  call([name, ...args]) {
    return attempt(this.dir, () => /** @type {any} */ (this)[`do_${name}`](...args));
  }

  do_open(at, options) {
    const db = this.databases[at];
    if (db && db.open) return 'open already';
    this.databases[at] = new Database(path.join(this.dir, 'a.db'), { timeout: 0, ...options });
    return this.databases[at].pragma('synchronous = off');
  }

  do_close(at) { return this.db(at).close().open; }
  do_exec(at, sql) { return this.db(at).exec(sql) === this.db(at); }
  do_pragma(at, text, simple) { return this.db(at).pragma(text, { simple }); }
  do_facts(at) { const { open, inTransaction, readonly, memory } = this.db(at); return [open, inTransaction, readonly, memory]; }
  do_serialize(at) { return this.db(at).serialize().length; }
  do_default_safe(at, on) { return this.db(at).defaultSafeIntegers(on) === this.db(at); }

  do_unsafe(at, on) {
    // Native touches freed memory when a closed database is asked for this.
    return this.db(at).open && this.db(at).unsafeMode(on) === this.db(at);
  }

  do_prepare(at, sql) {
    const stmt = this.db(at).prepare(sql);
    this.statements.push(stmt);
    return [stmt.reader, stmt.readonly];
  }

  /** The values, repeated or cut to the number of question marks when they shall fit. @param {any} stmt @param {any[]} values @param {boolean} fit */
  args(stmt, values, fit) {
    const given = values.map(decode);
    if (!fit) return given;
    return Array.from({ length: stmt.source.split('?').length - 1 }, (_, at) => (given.length ? given[at % given.length] : at));
  }

  do_run(at, values, fit) { const stmt = this.pick(this.statements, at); return stmt.run(...this.args(stmt, values, fit)); }
  do_get(at, values, fit) { const stmt = this.pick(this.statements, at); return stmt.get(...this.args(stmt, values, fit)); }
  do_all(at, values, fit) { const stmt = this.pick(this.statements, at); return stmt.all(...this.args(stmt, values, fit)); }
  do_bind(at, values, fit) { const stmt = this.pick(this.statements, at); return stmt.bind(...this.args(stmt, values, fit)) === stmt; }
  do_mode(at, mode, on) { const stmt = this.pick(this.statements, at); return stmt[mode](on) === stmt; }
  do_columns(at) { return this.pick(this.statements, at).columns(); }

  /** Takes memory and keeps it, so that what comes next may need more than there is. */
  do_grow(kilobytes) { return hoard().prepare('INSERT INTO hoard VALUES (zeroblob(?))').run(kilobytes * 1024).changes; }

  do_busy(at) { return this.pick(this.statements, at).busy; }
  do_scan(at, index, op) { return this.pick(this.statements, at).scanStatusV2(index, op, 1); }

  do_iterate(at, values, fit) {
    const stmt = this.pick(this.statements, at);
    this.iterators.push(stmt.iterate(...this.args(stmt, values, fit)));
    return 'iterator';
  }

  do_next(at) { return this.pick(this.iterators, at).next(); }
  do_return(at) { return this.pick(this.iterators, at).return(); }

  do_transaction(at, variant, calls, fail) {
    const seen = [];
    const run = this.db(at).transaction(() => {
      for (const call of calls) seen.push(this.call(call));
      if (fail) throw new Error('the transaction fails');
    });
    return [attempt(this.dir, () => run[variant]()), seen];
  }

  /** A function `f` that makes `call` when SQL calls it, and answers or throws. */
  do_define(at, call, fail) {
    this.db(at).function('f', (value) => {
      if (++this.depth > 3) { this.depth--; return 'deep'; }
      try {
        const seen = JSON.stringify(this.call(call));
        if (fail) throw new RangeError(`f fails: ${seen}`);
        return `${typeof value} ${seen}`;
      } finally {
        this.depth--;
      }
    });
    return 'defined';
  }

  end() {
    const seen = [];
    for (const iterator of this.iterators) seen.push(attempt(this.dir, () => iterator.return()));
    for (const db of this.databases) if (db) seen.push(attempt(this.dir, () => db.close().open));
    const db = new Database(path.join(this.dir, 'a.db'), { timeout: 0 });
    seen.push(attempt(this.dir, () => db.prepare('SELECT name, sql FROM sqlite_master ORDER BY name').all()));
    for (const table of ['t', 'u']) seen.push(attempt(this.dir, () => db.prepare(`SELECT rowid, * FROM ${table}`).safeIntegers().raw().all()));
    seen.push(attempt(this.dir, () => db.pragma('integrity_check')), attempt(this.dir, () => db.pragma('journal_mode')));
    db.close();
    seen.push(fs.readdirSync(this.dir).sort());
    return seen;
  }
}

/** @param {{calls: any[][]}} program */
function sequence({ calls }) {
  const dir = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'sequence-'));
  const session = new Session(dir);
  const seen = calls.map((call) => session.call(call));
  seen.push(session.end());
  fs.rmSync(dir, { recursive: true });
  return seen;
}

const kinds = { values, sequence };
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const program = JSON.parse(line);
  let answer;
  try {
    answer = kinds[/** @type {keyof typeof kinds} */ (program.kind)](program);
  } catch (error) {
    answer = { failure: String(/** @type {Error} */ (error).stack) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
});
