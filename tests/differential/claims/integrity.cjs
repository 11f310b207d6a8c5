'use strict';
const { join } = require('node:path');

/** All that one may try with a database, each with its name. @param {any} db @param {any} stmt @param {any} write @param {any} iterator */
const attempts = (db, stmt, write, iterator) => ({
  prepare: () => db.prepare('SELECT 5 AS five').source,
  exec: () => db.exec('SELECT 1') === db,
  pragma: () => db.pragma('user_version'),
  'simple pragma': () => db.pragma('user_version', { simple: true }),
  transaction: () => db.transaction(() => 1)(),
  function: () => db.function('late', () => 1) === db,
  aggregate: () => db.aggregate('late', { step: () => 1 }) === db,
  table: () => db.table('late', { columns: ['a'], *rows() {} }) === db,
  serialize: () => typeof db.serialize().length,
  loadExtension: () => db.loadExtension('/nonexistent'),
  close: () => db.close() === db,
  defaultSafeIntegers: () => db.defaultSafeIntegers(false) === db,
  properties: () => [db.open, db.inTransaction, db.name, stmt.busy],
  get: () => stmt.get(),
  all: () => stmt.all(),
  iterate: () => { const made = stmt.iterate(); made.return(); return typeof made; },
  run: () => write.run(),
  bind: () => db.constructor && stmt.bind() === stmt,
  columns: () => stmt.columns().length,
  raw: () => stmt.raw(false) === stmt,
  pluck: () => stmt.pluck(false) === stmt,
  expand: () => stmt.expand(false) === stmt,
  safeIntegers: () => stmt.safeIntegers(false) === stmt,
  scanStatusV2: () => stmt.scanStatusV2(0, 2, 0),
  scanStatusReset: () => stmt.scanStatusReset() === stmt,
  explainQueryPlan: () => stmt.explainQueryPlan(),
  next: () => iterator && iterator.next(),
  return: () => iterator && iterator.return(),
});

/** @param {any} db @param {Record<string, () => unknown>} tries @returns {[string, unknown][]} */
function tryAll(tries, skip = []) {
  return Object.entries(tries).filter(([name]) => !skip.includes(name)).map(([name, attempt]) => {
    try {
      return [name, attempt()];
    } catch (error) {
      return [name, error];
    }
  });
}

/** @param {any} Database */
function open(Database, options) {
  const db = new Database(':memory:', options);
  db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3)');
  return db;
}

module.exports = {
  'inside a function the database is busy'(Database, dir, log) {
    const db = open(Database);
    const stmt = db.prepare('SELECT a FROM t');
    const write = db.prepare('INSERT INTO t VALUES (9)');
    let result;
    db.function('inside', () => { result = tryAll(attempts(db, stmt, write, null)); return 1; });
    for (const [how, run] of Object.entries({
      get: () => db.prepare('SELECT inside()').get(), all: () => db.prepare('SELECT inside()').all(), run: () => db.prepare('SELECT inside()').run(),
      iterate: () => [...db.prepare('SELECT inside()').iterate()], exec: () => db.exec('SELECT inside()'), pragma: () => db.prepare('SELECT inside()').pluck().get(),
    })) {
      log.call(how, run);
      log('inside', result);
    }
    log('rows', db.prepare('SELECT count(*) FROM t').pluck().get());
    log('open', db.open);
  },
  'inside an aggregate, a table and a logger too'(Database, dir, log) {
    let db;
    let result;
    let looking = false;
    const look = () => { result = tryAll(attempts(db, db.kept.stmt, db.kept.write, null)); };
    db = open(Database, { verbose: () => { if (looking) { looking = false; look(); } } });
    db.kept = { stmt: db.prepare('SELECT a FROM t'), write: db.prepare('INSERT INTO t VALUES (9)') };
    db.aggregate('agg', { start: 0, step: (x, a) => { if (a === 1) look(); return x; }, inverse: (x, a) => x, result: (x) => x });
    log.call('step', () => db.prepare('SELECT agg(a) FROM t').get());
    log('inside', result);
    db.aggregate('starting', { start: () => { look(); return 0; }, step: (x, a) => x });
    log.call('start', () => db.prepare('SELECT starting(a) FROM t').get());
    log('inside', result);
    db.aggregate('ending', { start: 0, step: (x, a) => x, result: () => { look(); return 0; } });
    log.call('result', () => db.prepare('SELECT ending(a) FROM t').get());
    log('inside', result);
    db.table('vt', { columns: ['a'], *rows() { look(); yield [1]; } });
    log.call('rows', () => db.prepare('SELECT * FROM vt').all());
    log('inside', result);
    looking = true;
    log.call('logger', () => db.prepare('SELECT 1').get());
    log('inside', result);
  },
  'a database method inside a table factory'(Database, dir, log) {
    const db = open(Database);
    const stmt = db.prepare('SELECT a FROM t');
    const write = db.prepare('INSERT INTO t VALUES (9)');
    let result;
    db.table('made', () => { result = tryAll(attempts(db, stmt, write, null)); return { columns: ['a'], *rows() { yield [1]; } }; });
    log.call('create', () => db.exec('CREATE VIRTUAL TABLE v USING made'));
    log('inside', result);
    log.call('read', () => db.prepare('SELECT * FROM v').all());
  },
  'a function may use other databases, and they this one'(Database, dir, log) {
    const one = open(Database);
    const two = open(Database);
    one.function('ask_two', (a) => two.prepare('SELECT ask_one_again(?)').pluck().get(a));
    let depth = 0;
    two.function('ask_one_again', (a) => { try { return one.prepare('SELECT 1').get(); } catch (error) { return `${error.name}: ${error.message} ${depth++}`; } });
    log.call('one, two, one', () => one.prepare('SELECT ask_two(a) FROM t').pluck().all());
    const chain = Array.from({ length: 30 }, () => new Database(':memory:'));
    chain.forEach((db, at) => db.function('deeper', (n) => (at + 1 < chain.length ? chain[at + 1].prepare('SELECT deeper(?)').pluck().get(n + 1) : n)));
    log.call('thirty deep', () => chain[0].prepare('SELECT deeper(0)').pluck().get());
    chain.at(-1).function('deeper', () => { throw new Error('at the bottom'); });
    log.call('an error through thirty', () => chain[0].prepare('SELECT deeper(0)').pluck().get());
    log.call('all of them go on', () => chain.map((db) => db.prepare('SELECT 1').pluck().get()).length);
    one.function('rows_of_two', () => two.prepare('SELECT a FROM t').pluck().all().join());
    log.call('all inside all', () => one.prepare('SELECT a, rows_of_two() AS r FROM t').all());
    one.function('open_and_close', () => { const db = new Database(join(dir, 'x.db')); db.exec('CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES (1)'); const n = db.prepare('SELECT count(*) FROM t').pluck().get(); db.close(); return n; });
    log.call('open inside', () => one.prepare('SELECT open_and_close() FROM t').pluck().all());
    const iterator = one.prepare('SELECT a FROM t').pluck().iterate();
    two.function('step_one', () => iterator.next().value);
    log.call('step an iterator of another', () => two.prepare('SELECT step_one() FROM t').pluck().all());
    iterator.return();
    two.function('close_one', () => { one.close(); return 1; });
    log.call('close another inside', () => two.prepare('SELECT close_one()').pluck().get());
    log('closed', one.open);
    log('two is well', two.prepare('SELECT count(*) FROM t').pluck().get());
  },
  'inside an iteration reading is allowed'(Database, dir, log) {
    const db = open(Database);
    const stmt = db.prepare('SELECT a FROM t');
    const other = db.prepare('SELECT a FROM t ORDER BY a DESC');
    const write = db.prepare('INSERT INTO t VALUES (9)');
    const iterator = stmt.iterate();
    iterator.next();
    log('others', tryAll(attempts(db, other, write, null)));
    log('itself', tryAll(attempts(db, stmt, write, iterator), ['close']));
    log.call('done', () => db.exec('SELECT 1'));
    log('rows', db.prepare('SELECT count(*) FROM t').pluck().get());
  },
  'in unsafe mode writing is allowed too'(Database, dir, log) {
    const db = open(Database);
    db.unsafeMode();
    const stmt = db.prepare('SELECT a FROM t WHERE a < 100');
    const write = db.prepare('INSERT INTO t VALUES (?)');
    const seen = [];
    for (const { a } of stmt.iterate()) { seen.push(a); if (a < 10) write.run(a + 100); }
    log('seen', seen);
    const iterator = stmt.iterate();
    iterator.next();
    log('allowed', tryAll(attempts(db, db.prepare('SELECT a FROM t'), db.prepare('DELETE FROM t WHERE a > 100'), null), ['close']));
    log.call('close is not', () => db.close());
    log.call('exec', () => db.exec('DELETE FROM t WHERE a = 3'));
    log.call('next after a delete', () => iterator.next());
    iterator.return();
    db.function('inside', () => { try { write.run(1); return 'ran'; } catch (error) { return error.message; } });
    log.call('inside a function it stays forbidden', () => db.prepare('SELECT inside()').pluck().get());
  },
  'a schema change while rows are read'(Database, dir, log) {
    const file = join(dir, 'a.db');
    const one = new Database(file);
    one.pragma('journal_mode = wal');
    one.exec('CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2), (3, 4), (5, 6)');
    const two = new Database(file);
    const stmt = one.prepare('SELECT * FROM t');
    const iterator = stmt.iterate();
    log('first', iterator.next());
    log.call('by another connection', () => two.exec('ALTER TABLE t ADD COLUMN c DEFAULT 7'));
    log('second', iterator.next());
    iterator.return();
    log('then', stmt.all());
    log('columns', stmt.columns().length);
    const insert = one.prepare('INSERT INTO t VALUES (?, ?, ?)');
    two.exec('ALTER TABLE t DROP COLUMN c');
    log.call('too many values now', () => insert.run(1, 2, 3));
    two.exec('DROP TABLE t');
    log.call('gone', () => stmt.get());
    two.exec('CREATE TABLE t(x, y, z)');
    log.call('back in another shape', () => insert.run(1, 2, 3));
    log.call('read', () => stmt.all());
    one.close();
    two.close();
  },
  async 'what is forgotten is collected, what is held is not'(Database, dir, log) {
    const db = open(Database);
    const held = db.prepare('SELECT count(*) AS n FROM t');
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 100; i++) db.prepare(`SELECT ${i} FROM t`).all();
      for (let i = 0; i < 5; i++) new Database(':memory:').exec('CREATE TABLE t(a)');
      globalThis.gc?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    log('held', held.get());
    const rows = db.prepare('SELECT a FROM t').iterate();
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 10));
    log('an iterator', [rows.next(), rows.next(), rows.return()]);
    const orphan = (() => new Database(':memory:').prepare('SELECT 1 AS a'))();
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 10));
    log.call('a statement keeps its database', () => orphan.get());
    log('which is', orphan.database.open);
    db.close();
  },
};
