'use strict';
const fs = require('node:fs');
const { join } = require('node:path');

/** A database of some hundred pages. @param {any} Database @param {string} file @param {number} [rows] */
function filled(Database, file, rows = 2000) {
  const db = new Database(file);
  db.exec('CREATE TABLE t(a, b)');
  db.prepare('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO t SELECT i, printf(\'%0200d\', i) FROM n').run(rows);
  return db;
}

/** @param {any} Database @param {string} file */
function read(Database, file) {
  const db = new Database(file, { readonly: true });
  const facts = [db.prepare('SELECT count(*) AS n, sum(a) AS s FROM t').get(), db.pragma('integrity_check', { simple: true }), db.pragma('journal_mode', { simple: true })];
  db.close();
  return facts;
}

/** @param {string} dir */
const listing = (dir) => fs.readdirSync(dir).filter((name) => !/-(shm|wasmfix)$/.test(name)).sort();

module.exports = {
  async 'a backup is a whole copy'(Database, dir, log) {
    for (const source of [':memory:', join(dir, 'a.db'), '']) {
      const db = filled(Database, source);
      await log.settle('backup', () => db.backup(join(dir, 'b.db')));
      log('read', read(Database, join(dir, 'b.db')));
      db.exec('DELETE FROM t WHERE a > 10');
      await log.settle('over an earlier one', () => db.backup(join(dir, 'b.db')));
      log('read', read(Database, join(dir, 'b.db')));
      db.close();
      fs.rmSync(join(dir, 'b.db'));
    }
    log('files', listing(dir));
  },
  async 'arguments are checked'(Database, dir, log) {
    const db = filled(Database, ':memory:', 1);
    const file = join(dir, 'b.db');
    for (const args of [[], [5], [''], ['  '], [':memory:'], [' :memory: '], [null], [file, 5], [file, 'x'], [file, { attached: 5 }], [file, { attached: '' }], [file, { attached: 'nosuch' }], [file, { progress: 5 }], [file, { progress: {} }], [join(dir, 'no', 'b.db')], [dir]]) {
      await log.settle(`backup ${args.length}`, () => db.backup(...args));
    }
    log('files', listing(dir));
  },
  async 'progress sets the rate'(Database, dir, log) {
    const db = filled(Database, join(dir, 'a.db'));
    for (const rate of [undefined, 1, 50, 1000, 0.6, 33.5, Infinity, -5, 2 ** 40]) {
      const calls = [];
      await log.settle(`rate ${rate}`, () => db.backup(join(dir, 'b.db'), { progress: (info) => { calls.push(info); return rate !== undefined && rate <= 0 && calls.length > 2 ? 100 : rate; } }));
      log('calls', calls.length > 12 ? [calls.length, calls[0], calls.at(-1)] : calls);
    }
    const wrong = [null, 'x', true, NaN, {}, 5n];
    for (const value of wrong) {
      await log.settle(`answer ${String(value)}`, () => db.backup(join(dir, 'c.db'), { progress: () => value }));
      log('no half file is left', listing(dir));
    }
    await log.settle('progress throws', () => db.backup(join(dir, 'c.db'), { progress: () => { throw new RangeError('stop'); } }));
    log('files', listing(dir));
    await log.settle('over an old file it is kept', () => db.backup(join(dir, 'b.db'), { progress: () => { throw new RangeError('stop'); } }));
    log('files', listing(dir));
    let paused = 0;
    await log.settle('rate 0 pauses', () => db.backup(join(dir, 'd.db'), { progress: () => (++paused < 5 ? 0 : 100) }));
    log('paused', paused);
    db.close();
  },
  async 'the source may be used and changed in between'(Database, dir, log) {
    const db = filled(Database, join(dir, 'a.db'));
    let calls = 0;
    await log.settle('writes by the same connection', () => db.backup(join(dir, 'b.db'), { progress: () => { calls++; if (calls === 1) db.exec('INSERT INTO t VALUES (0, 0)'); return 10; } }));
    log('read', read(Database, join(dir, 'b.db')));
    const other = new Database(join(dir, 'a.db'));
    calls = 0;
    const progress = [];
    await log.settle('writes by another start it anew', () => db.backup(join(dir, 'c.db'), { progress: (info) => { progress.push(info); if (++calls === 2) other.exec('INSERT INTO t VALUES (0, 0)'); return 30; } }));
    log('progress', progress);
    log('read', read(Database, join(dir, 'c.db')));
    log.call('serialize in between', () => db.serialize().length);
    other.close();
    db.close();
  },
  async 'a locked source or target'(Database, dir, log) {
    const db = filled(Database, join(dir, 'a.db'), 10);
    const other = new Database(join(dir, 'a.db'), { timeout: 0 });
    db.pragma('busy_timeout = 0');
    other.exec('BEGIN EXCLUSIVE');
    let freed = 0;
    await log.settle('the source is locked for a while', () => db.backup(join(dir, 'b.db'), { progress: (info) => { if (++freed === 3) other.exec('COMMIT'); return 5; } }));
    log('tries', freed);
    other.close();
    const target = filled(Database, join(dir, 'c.db'), 5);
    target.exec('BEGIN EXCLUSIVE');
    let attempts = 0;
    await log.settle('the target is locked for a while', () => db.backup(join(dir, 'c.db'), { progress: () => { if (++attempts === 2) target.exec('COMMIT'); return 100; } }));
    log('attempts', attempts);
    target.close();
    log.call('read', () => read(Database, join(dir, 'c.db')));
    db.exec('BEGIN; DELETE FROM t');
    await log.settle('inside its own transaction', () => db.backup(join(dir, 'd.db')));
    log.call('it is the uncommitted state', () => read(Database, join(dir, 'd.db')));
    db.exec('ROLLBACK');
    db.close();
  },
  async 'closing the source ends the backup'(Database, dir, log) {
    const db = filled(Database, join(dir, 'a.db'));
    await log.settle('closed in progress', () => db.backup(join(dir, 'b.db'), { progress: () => { db.close(); return 5; } }));
    log('files', listing(dir));
  },
  async 'attached databases'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec("ATTACH ':memory:' AS other; CREATE TABLE other.t(a); INSERT INTO other.t VALUES (5), (6); CREATE TABLE main.t(a); INSERT INTO main.t VALUES (1); CREATE TEMP TABLE x(a); INSERT INTO x VALUES (9)");
    await log.settle('attached', () => db.backup(join(dir, 'b.db'), { attached: 'other' }));
    log('read', read(Database, join(dir, 'b.db')));
    await log.settle('temp', () => db.backup(join(dir, 'c.db'), { attached: 'temp' }));
    await log.settle('unknown', () => db.backup(join(dir, 'd.db'), { attached: 'nosuch' }));
    log('files', listing(dir));
  },
  async 'from WAL databases and to them'(Database, dir, log) {
    for (const mode of ['wal', 'wal2']) {
      const db = filled(Database, join(dir, `${mode}.db`), 200);
      db.pragma(`journal_mode = ${mode}`);
      db.exec('INSERT INTO t VALUES (1000, 1)');
      await log.settle(mode, () => db.backup(join(dir, `${mode}.copy`)));
      log('read', read(Database, join(dir, `${mode}.copy`)));
      await log.settle('again', () => db.backup(join(dir, `${mode}.copy`)));
      log('read', read(Database, join(dir, `${mode}.copy`)));
      db.close();
    }
  },
  async 'several at once'(Database, dir, log) {
    const db = filled(Database, join(dir, 'a.db'), 500);
    await Promise.all(['b', 'c', 'd'].map((name) => db.backup(join(dir, `${name}.db`), { progress: () => 7 })));
    for (const name of ['b', 'c', 'd']) log(name, read(Database, join(dir, `${name}.db`)));
    await log.settle('to a target that is no database', () => { fs.writeFileSync(join(dir, 'text'), 'not a database, but long enough to be taken for one '.repeat(50)); return db.backup(join(dir, 'text')); });
    log('size', fs.statSync(join(dir, 'text')).size > 2600);
    await log.settle('to itself', () => db.backup(join(dir, 'a.db')));
    log('still whole', db.pragma('integrity_check', { simple: true }));
    db.close();
  },
};
