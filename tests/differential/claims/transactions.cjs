'use strict';
const { join } = require('node:path');

/** @param {any} Database */
function open(Database) {
  const db = new Database(':memory:');
  db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)');
  return db;
}

/** @param {any} db */
const rows = (db) => db.prepare('SELECT a FROM t ORDER BY a').pluck().all();

module.exports = {
  'a transaction function and its variants'(Database, dir, log) {
    const db = open(Database);
    const insert = db.prepare('INSERT INTO t VALUES (?)');
    const fn = db.transaction(function (...values) {
      for (const value of values) insert.run(value);
      return [this === undefined ? 'none' : this, db.inTransaction, values.length];
    });
    log('own keys', Object.getOwnPropertyNames(fn).sort());
    log('enumerable', Object.keys(fn));
    log('database', fn.database === db);
    let next = 2;
    for (const variant of ['default', 'deferred', 'immediate', 'exclusive']) log.call(variant, () => fn[variant].call('me', next++, next++));
    log('variants of variants', fn.deferred.immediate === fn.immediate && fn.exclusive.default === fn);
    log.call('a failure undoes all', () => fn(100, 101, 1, 102));
    log('rows', rows(db));
    log('inTransaction', db.inTransaction);
    log.call('wants a function', () => db.transaction());
    log.call('wants a function', () => db.transaction('x'));
    log.call('no promise', () => db.transaction(async () => insert.run(500))());
    log.call('nothing thenable', () => db.transaction(() => ({ then() {} }))());
    log('rows', rows(db));
  },
  'nested transactions are savepoints'(Database, dir, log) {
    const db = open(Database);
    const insert = db.prepare('INSERT INTO t VALUES (?)');
    const inner = db.transaction((value, fail) => { insert.run(value); if (fail) throw new Error(`inner ${value}`); });
    const outer = db.transaction(() => {
      insert.run(10);
      inner(11, false);
      try { inner(12, true); } catch (error) { log('caught', error); }
      inner.exclusive(13, false);
      insert.run(14);
    });
    log.call('outer', () => outer());
    log('rows', rows(db));
    log.call('an inner failure that nobody catches', () => db.transaction(() => { insert.run(20); inner(21, true); })());
    log('rows', rows(db));
    log.call('five deep', () => { let depth = 0; const deep = db.transaction(() => { insert.run(30 + depth); if (++depth < 5) deep(); else throw new Error('bottom'); }); deep(); });
    log('rows', rows(db));
  },
  'a transaction that SQLite has ended already'(Database, dir, log) {
    const db = open(Database);
    log.call('committed inside', () => db.transaction(() => { db.exec('INSERT INTO t VALUES (50); COMMIT'); return 'done'; })());
    log('rows', rows(db));
    log.call('rolled back by a constraint', () => db.transaction(() => { db.exec('INSERT INTO t VALUES (60)'); db.exec('INSERT OR ROLLBACK INTO t VALUES (1)'); })());
    log.call('rolled back and went on', () => db.transaction(() => { try { db.exec('INSERT OR ROLLBACK INTO t VALUES (1)'); } catch { /* goes on */ } db.exec('INSERT INTO t VALUES (61)'); })());
    log('rows', rows(db));
    log('inTransaction', db.inTransaction);
    log.call('begin inside begin', () => { db.exec('BEGIN'); db.exec('BEGIN'); });
    db.exec('ROLLBACK');
    db.pragma('foreign_keys = on');
    db.exec('CREATE TABLE c(p REFERENCES t(a) DEFERRABLE INITIALLY DEFERRED)');
    log.call('a deferred key fails at commit', () => db.transaction(() => db.exec('INSERT INTO c VALUES (999)'))());
    log('inTransaction', db.inTransaction);
    log('rows', db.prepare('SELECT count(*) FROM c').pluck().get());
    db.exec('BEGIN; INSERT INTO c VALUES (999)');
    log.call('a bare commit', () => db.exec('COMMIT'));
    log('inTransaction', db.inTransaction);
    db.exec('ROLLBACK');
  },
  'savepoints by hand'(Database, dir, log) {
    const db = open(Database);
    db.exec('SAVEPOINT a; INSERT INTO t VALUES (2); SAVEPOINT b; INSERT INTO t VALUES (3)');
    log('inTransaction', db.inTransaction);
    db.exec('ROLLBACK TO b');
    log('rows', rows(db));
    db.exec('INSERT INTO t VALUES (4); RELEASE a');
    log('rows', rows(db));
    log('inTransaction', db.inTransaction);
    log.call('nothing to release', () => db.exec('RELEASE a'));
  },
  'two connections and their locks'(Database, dir, log) {
    const file = join(dir, 'a.db');
    const one = new Database(file, { timeout: 0 });
    const two = new Database(file, { timeout: 0 });
    one.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    const select = two.prepare('SELECT a FROM t').pluck();
    one.exec('BEGIN');
    log.call('deferred blocks nobody', () => select.all());
    one.exec('INSERT INTO t VALUES (2)');
    log.call('reserved lets others read', () => select.all());
    log.call('but not write', () => two.exec('INSERT INTO t VALUES (3)'));
    log.call('nor begin immediate', () => two.exec('BEGIN IMMEDIATE'));
    one.exec('COMMIT');
    log.call('after', () => select.all());
    one.exec('BEGIN EXCLUSIVE');
    log.call('exclusive: get', () => select.get());
    log.call('exclusive: all', () => select.all());
    log.call('exclusive: iterate', () => [...select.iterate()]);
    log.call('exclusive: run', () => two.prepare('DELETE FROM t').run());
    log.call('exclusive: exec', () => two.exec('DELETE FROM t'));
    log.call('exclusive: pragma', () => two.pragma('user_version'));
    log.call('exclusive: prepare', () => two.prepare('SELECT * FROM t WHERE a = 1'));
    one.exec('ROLLBACK');
    const reading = two.prepare('SELECT a FROM t').iterate();
    reading.next();
    log.call('a reader blocks a commit', () => one.exec('INSERT INTO t VALUES (4)'));
    log('in transaction', one.inTransaction);
    one.exec('BEGIN; INSERT INTO t VALUES (5)');
    log.call('explicit', () => one.exec('COMMIT'));
    log('still in transaction', one.inTransaction);
    log.call('no new reader while a commit is pending', () => new Database(file, { timeout: 0 }).prepare('SELECT * FROM t').all());
    reading.return();
    log.call('now', () => one.exec('COMMIT'));
    log('rows', select.all());
    two.exec('BEGIN');
    select.all();
    one.exec('BEGIN');
    one.prepare('SELECT * FROM t').all();
    log.call('upgrade of one', () => one.exec('INSERT INTO t VALUES (6)'));
    log.call('upgrade of both is a deadlock', () => two.exec('INSERT INTO t VALUES (7)'));
    two.exec('ROLLBACK');
    one.exec('COMMIT');
    log('rows', select.all());
    one.close();
    two.close();
  },
  'timeout is how long a lock is waited for'(Database, dir, log) {
    const file = join(dir, 'a.db');
    const one = new Database(file);
    one.exec('CREATE TABLE t(a); BEGIN EXCLUSIVE');
    for (const timeout of [0, 200]) {
      const two = new Database(file, { timeout });
      // The shortest of some: a machine may hold up any of them.
      const took = Array.from({ length: 5 }, () => {
        const begun = Date.now();
        log.call(`timeout ${timeout}`, () => two.exec('INSERT INTO t VALUES (1)'));
        return Date.now() - begun;
      });
      const shortest = Math.min(...took);
      log('in time', timeout === 0 ? shortest < 150 : shortest >= 150 && shortest < 2000);
      log('pragma', two.pragma('busy_timeout', { simple: true }));
      two.close();
    }
    one.exec('ROLLBACK');
    one.close();
  },
  'attached databases commit together'(Database, dir, log) {
    const db = new Database(join(dir, 'a.db'));
    db.prepare('ATTACH ? AS b').run(join(dir, 'b.db'));
    db.exec('CREATE TABLE main.t(a); CREATE TABLE b.u(a)');
    log.call('failure', () => db.transaction(() => { db.exec('INSERT INTO t VALUES (1); INSERT INTO b.u VALUES (1)'); throw new Error('no'); })());
    log('rows', db.prepare('SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM b.u)').raw().get());
    db.transaction(() => db.exec('INSERT INTO t VALUES (1); INSERT INTO b.u VALUES (2)'))();
    log('rows', db.prepare('SELECT * FROM t, b.u').raw().get());
    log('list', db.pragma('database_list'));
    log('files', require('node:fs').readdirSync(dir).filter((name) => !/-(shm|wasmfix)$/.test(name)).sort());
    db.exec('DETACH b');
    db.close();
    const other = new Database(join(dir, 'b.db'));
    log('the other file', other.prepare('SELECT * FROM u').all());
    other.close();
    log.call('attach a directory', () => new Database(':memory:').prepare('ATTACH ? AS x').run(dir));
    log.call('attach where nothing can be', () => new Database(':memory:').prepare('ATTACH ? AS x').run(join(dir, 'no', 'x.db')));
  },
};
