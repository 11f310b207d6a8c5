'use strict';
const fs = require('node:fs');
const { join } = require('node:path');

/** Two connections to one database in `mode`. @param {any} Database @param {string} file @param {string} mode */
function pair(Database, file, mode) {
  const one = new Database(file, { timeout: 0 });
  one.pragma(`journal_mode = ${mode}`);
  one.exec('CREATE TABLE t(k INTEGER PRIMARY KEY, v); CREATE TABLE u(k INTEGER PRIMARY KEY, v)');
  const fill = one.prepare('INSERT INTO t VALUES (?, ?)');
  one.transaction(() => { for (let i = 0; i < 500; i++) fill.run(i, `value ${i} ${'x'.repeat(100)}`); })();
  return [one, new Database(file, { timeout: 0 })];
}

/** @param {string} dir */
const listing = (dir) => fs.readdirSync(dir).filter((name) => !/-(shm|wasmfix)$/.test(name)).sort();

module.exports = {
  'readers keep their snapshot'(Database, dir, log) {
    for (const mode of ['wal', 'wal2']) {
      const [one, two] = pair(Database, join(dir, `${mode}.db`), mode);
      const count = (db) => db.prepare('SELECT count(*) FROM t').pluck().get();
      two.exec('BEGIN');
      log(mode, count(two));
      one.exec('DELETE FROM t WHERE k >= 100');
      log('the writer', count(one));
      log('the reader', count(two));
      log('a third', (() => { const three = new Database(join(dir, `${mode}.db`)); const n = count(three); three.close(); return n; })());
      log.call('a stale reader cannot write', () => two.exec('INSERT INTO t VALUES (1000, 1)'));
      two.exec('COMMIT');
      log('afterwards', count(two));
      const iterator = two.prepare('SELECT k FROM t').pluck().iterate();
      iterator.next();
      one.exec('DELETE FROM t WHERE k >= 50');
      log('an iterator too', [...iterator].length);
      log('data_version', [one, two].map((db) => typeof db.pragma('data_version', { simple: true })));
      log.call('two writers', () => { one.exec('BEGIN IMMEDIATE'); try { two.exec('INSERT INTO t VALUES (2000, 1)'); } finally { one.exec('ROLLBACK'); } });
      log.call('after the first', () => two.exec('INSERT INTO t VALUES (2000, 1)'));
      log('seen', count(one));
      for (const db of [one, two]) db.close();
      log('files', listing(dir));
    }
  },
  'checkpoints'(Database, dir, log) {
    for (const mode of ['wal', 'wal2']) {
      const [one, two] = pair(Database, join(dir, `${mode}.db`), mode);
      one.pragma('wal_autocheckpoint = 0');
      for (const kind of ['', '(PASSIVE)', '(FULL)', '(RESTART)', '(TRUNCATE)']) {
        one.exec("UPDATE t SET v = v || 'y' WHERE k < 100");
        two.exec('BEGIN');
        two.prepare('SELECT count(*) FROM t').get();
        one.exec("UPDATE t SET v = v || 'z' WHERE k < 10");
        log.call(`${mode} ${kind} with a reader`, () => one.pragma(`wal_checkpoint${kind}`));
        log.call('the reader sees its own', () => two.prepare("SELECT count(*) FROM t WHERE v LIKE '%z'").pluck().get());
        two.exec('COMMIT');
        log.call('alone', () => one.pragma(`wal_checkpoint${kind}`));
        log('rows', two.prepare('SELECT count(*) AS n, sum(length(v)) AS s FROM t').get());
      }
      log('sizes', ['', '-wal', '-wal2'].map((end) => { const name = join(dir, `${mode}.db${end}`); return fs.existsSync(name) && fs.statSync(name).size; }));
      one.exec('BEGIN; DELETE FROM t');
      log.call('inside a write', () => one.pragma('wal_checkpoint'));
      log.call('by another', () => two.pragma('wal_checkpoint(TRUNCATE)'));
      one.exec('ROLLBACK');
      one.pragma('wal_autocheckpoint = 10');
      for (let i = 0; i < 50; i++) one.prepare('UPDATE t SET v = ? WHERE k = ?').run(`round ${i}`, i);
      log('autocheckpoint keeps it small', fs.statSync(join(dir, `${mode}.db-wal`)).size < 200000);
      log('integrity', two.pragma('integrity_check', { simple: true }));
      for (const db of [one, two]) db.close();
    }
  },
  'wal2 alternates between its two files'(Database, dir, log) {
    const [one, two] = pair(Database, join(dir, 'a.db'), 'wal2');
    one.pragma('journal_size_limit = 100000');
    two.exec('BEGIN');
    const before = two.prepare('SELECT sum(length(v)) FROM t').pluck().get();
    const grown = [];
    for (let round = 0; round < 60; round++) {
      one.prepare("UPDATE t SET v = printf('%0200d', ?) WHERE k BETWEEN ? AND ?").run(round, round * 8, round * 8 + 20);
      if (round % 20 === 19) grown.push(['-wal', '-wal2'].map((end) => fs.existsSync(join(dir, `a.db${end}`)) && fs.statSync(join(dir, `a.db${end}`)).size));
      if (round === 30) two.exec('COMMIT');
    }
    log('sizes', grown);
    log('snapshot', before);
    log('sums', [one, two].map((db) => db.prepare('SELECT sum(length(v)), count(*) FROM t').raw().get()));
    log('checkpoint', one.pragma('wal_checkpoint'));
    log('integrity', two.pragma('integrity_check', { simple: true }));
    one.close();
    log('one left', two.prepare('SELECT count(*) AS n FROM t').get());
    two.close();
    log('files', listing(dir));
    log('header', [...fs.readFileSync(join(dir, 'a.db')).subarray(18, 20)]);
  },
  'changes of mode'(Database, dir, log) {
    const [one, two] = pair(Database, join(dir, 'a.db'), 'delete');
    const turn = (db, mode) => log.call(`to ${mode}`, () => db.pragma(`journal_mode = ${mode}`, { simple: true }));
    two.prepare('SELECT count(*) FROM t').get();
    for (const mode of ['wal', 'wal2', 'wal', 'delete', 'wal2', 'delete', 'wal']) {
      turn(one, mode);
      log.call('the other', () => [two.prepare('SELECT count(*) FROM t').pluck().get(), two.pragma('journal_mode', { simple: true })]);
    }
    two.close();
    for (const mode of ['wal', 'wal2', 'wal', 'delete', 'wal2', 'persist', 'wal2', 'memory', 'off', 'wal2', 'delete']) {
      turn(one, mode);
      log.call('write', () => one.prepare('INSERT INTO u(v) VALUES (?)').run(mode));
    }
    log('rows', one.prepare('SELECT v FROM u').pluck().all());
    log('files', listing(dir));
    one.close();
    const memory = new Database(':memory:');
    for (const mode of ['wal', 'wal2', 'delete', 'off']) log.call(`memory ${mode}`, () => memory.pragma(`journal_mode = ${mode}`, { simple: true }));
  },
  'BEGIN CONCURRENT'(Database, dir, log) {
    for (const mode of ['wal', 'wal2']) {
      const [one, two] = pair(Database, join(dir, `${mode}.db`), mode);
      const both = (a, b) => {
        log.call('one begins', () => one.exec('BEGIN CONCURRENT'));
        log.call('two begins', () => two.exec('BEGIN CONCURRENT'));
        log.call('one writes', () => one.exec(a));
        log.call('two writes', () => two.exec(b));
        log.call('one commits', () => one.exec('COMMIT'));
        log.call('two commits', () => two.exec('COMMIT'));
        log('still inside', [one.inTransaction, two.inTransaction]);
        if (two.inTransaction) log.call('rollback', () => two.exec('ROLLBACK'));
      };
      both('UPDATE t SET v = 1 WHERE k = 1', 'UPDATE t SET v = 2 WHERE k = 480');
      both('UPDATE t SET v = 3 WHERE k = 1', 'UPDATE t SET v = 4 WHERE k = 2');
      both('INSERT INTO t VALUES (1000, 1)', "INSERT INTO u VALUES (1, 'y')");
      both('UPDATE t SET v = 5 WHERE k = 3', 'SELECT count(*) FROM t');
      both('CREATE TABLE fresh(a)', 'UPDATE t SET v = 6 WHERE k = 400');
      log('rows', one.prepare('SELECT k, v FROM t WHERE length(v) < 5 ORDER BY k').raw().all());
      log.call('savepoints inside', () => { one.exec('BEGIN CONCURRENT; SAVEPOINT a; DELETE FROM u; ROLLBACK TO a; COMMIT'); return one.prepare('SELECT count(*) FROM u').pluck().get(); });
      log.call('temp tables inside', () => { one.exec('BEGIN CONCURRENT; CREATE TEMP TABLE q(a); INSERT INTO q SELECT k FROM t; COMMIT'); return one.prepare('SELECT count(*) FROM q').pluck().get(); });
      log.call('a conflict shows its code at once', () => { one.exec('BEGIN CONCURRENT'); one.prepare('SELECT v FROM t WHERE k = 7').get(); two.exec('UPDATE t SET v = 9 WHERE k = 7'); one.exec('UPDATE t SET v = 10 WHERE k = 7'); one.exec('COMMIT'); });
      if (one.inTransaction) one.exec('ROLLBACK');
      log('integrity', one.pragma('integrity_check', { simple: true }));
      for (const db of [one, two]) db.close();
    }
    const [plain, other] = pair(Database, join(dir, 'delete.db'), 'delete');
    log.call('without a WAL it is a plain begin', () => plain.exec('BEGIN CONCURRENT; UPDATE t SET v = 1 WHERE k = 1; COMMIT'));
    for (const db of [plain, other]) db.close();
  },
  'many connections, one database'(Database, dir, log) {
    for (const mode of ['delete', 'wal', 'wal2']) {
      const file = join(dir, `${mode}.db`);
      const first = new Database(file);
      first.pragma(`journal_mode = ${mode}`);
      first.exec('CREATE TABLE t(who, n)');
      const all = [first, ...Array.from({ length: 11 }, () => new Database(file))];
      for (let round = 0; round < 20; round++) {
        for (const [who, db] of all.entries()) db.prepare('INSERT INTO t VALUES (?, ?)').run(who, round);
      }
      log(mode, all.map((db) => db.prepare('SELECT count(*) FROM t').pluck().get()));
      const readers = all.slice(1).map((db) => db.prepare('SELECT n FROM t').iterate());
      for (const reader of readers) reader.next();
      log.call('write under readers', () => { first.pragma('busy_timeout = 0'); return first.prepare('INSERT INTO t VALUES (99, 99)').run(); });
      for (const reader of readers) reader.return();
      for (const db of all) db.close();
      log('files', listing(dir));
    }
  },
  'exclusive locking mode'(Database, dir, log) {
    for (const mode of ['delete', 'wal', 'wal2']) {
      const file = join(dir, `${mode}.db`);
      const one = new Database(file, { timeout: 0 });
      log('locking', one.pragma('locking_mode = exclusive', { simple: true }));
      log('mode', one.pragma(`journal_mode = ${mode}`, { simple: true }));
      one.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
      const two = new Database(file, { timeout: 0 });
      log.call('nobody else', () => two.prepare('SELECT * FROM t').all());
      one.pragma('locking_mode = normal');
      log.call('released by the next read', () => one.prepare('SELECT * FROM t').all());
      log.call('now the other may', () => two.prepare('SELECT * FROM t').all());
      for (const db of [one, two]) db.close();
      log('files', listing(dir));
    }
  },
  'a WAL that is deleted, or cut, or old'(Database, dir, log) {
    const file = join(dir, 'a.db');
    const [one, two] = pair(Database, file, 'wal');
    two.close();
    one.pragma('wal_checkpoint(TRUNCATE)');
    one.exec('INSERT INTO u VALUES (1, 1); INSERT INTO u VALUES (2, 2)');
    const wal = fs.readFileSync(`${file}-wal`);
    const base = fs.readFileSync(file);
    one.close();
    for (const [label, bytes] of Object.entries({ whole: wal, 'half a frame': wal.subarray(0, wal.length - 2000), 'header only': wal.subarray(0, 32), 'cut header': wal.subarray(0, 20), empty: wal.subarray(0, 0), damaged: Buffer.concat([wal.subarray(0, 5000), Buffer.alloc(10, 1), wal.subarray(5010)]) })) {
      const copy = join(dir, `${label.replaceAll(' ', '-')}.db`);
      fs.writeFileSync(copy, base);
      fs.writeFileSync(`${copy}-wal`, bytes);
      const db = new Database(copy);
      log.call(label, () => [db.prepare('SELECT k FROM u').pluck().all(), db.pragma('integrity_check', { simple: true })]);
      db.close();
    }
    log('files', listing(dir));
  },
};
