'use strict';
const fs = require('node:fs');
const { join } = require('node:path');

const NUMBERS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)';

module.exports = {
  'sorts that do not fit into the cache'(Database, dir, log) {
    const db = new Database(join(dir, 'a.db'));
    db.pragma('cache_size = 20');
    db.exec('CREATE TABLE t(a, b)');
    db.prepare(`${NUMBERS} INSERT INTO t SELECT (i * 7919) % 100003, printf('%0300d', i) FROM n`).run(60000);
    const digest = (rows) => rows.reduce((sum, row, at) => (sum * 31 + row + at) % 1000000007, 7);
    log('order by', digest(db.prepare('SELECT a FROM t ORDER BY a, b').pluck().all()));
    log('iterated', digest([...db.prepare('SELECT a FROM t ORDER BY b DESC, a').pluck().iterate()]));
    log('distinct', db.prepare('SELECT count(DISTINCT b) FROM t').pluck().get());
    log('group by', db.prepare('SELECT count(*) FROM (SELECT b, count(*) FROM t GROUP BY b)').pluck().get());
    db.exec('CREATE INDEX i ON t(b, a)');
    log('index', db.prepare('SELECT count(*) AS n, max(b) AS m FROM t INDEXED BY i').get());
    log('integrity', db.pragma('integrity_check', { simple: true }));
    db.exec('CREATE TEMP TABLE tt AS SELECT * FROM t; CREATE INDEX temp.ti ON tt(a)');
    log('temp table', db.prepare('SELECT sum(a) AS s FROM tt WHERE a > 5000').get());
    db.exec('BEGIN; UPDATE tt SET b = NULL; ROLLBACK');
    log('temp rollback', db.prepare('SELECT count(b) AS n FROM tt').get());
    log('except', db.prepare('SELECT count(*) FROM (SELECT a FROM t EXCEPT SELECT a FROM tt WHERE a % 2)').pluck().get());
    db.exec('VACUUM');
    log('vacuum', db.pragma('integrity_check', { simple: true }));
    // The engine's lock table is there for as long as the database is open.
    log('no file is left beside it', fs.readdirSync(dir).filter((name) => name !== 'a.db-wasmfix'));
    db.close();
    log('afterwards', fs.readdirSync(dir));
  },
  'a temporary database spills and vanishes'(Database, dir, log) {
    const db = new Database('');
    db.pragma('cache_size = 10');
    db.exec('CREATE TABLE t(a, b)');
    db.prepare(`${NUMBERS} INSERT INTO t SELECT i, zeroblob(1000) FROM n`).run(10000);
    log('rows', db.prepare('SELECT count(*) AS n, sum(length(b)) AS s FROM t').get());
    db.exec('BEGIN; DELETE FROM t; ROLLBACK');
    log('rollback', db.prepare('SELECT count(*) AS n FROM t').get());
    db.exec('VACUUM');
    log('vacuum', db.pragma('page_count', { simple: true }));
    db.close();
  },
  'statement journals'(Database, dir, log) {
    const db = new Database(join(dir, 'a.db'));
    db.pragma('cache_size = 10');
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE)');
    db.prepare(`${NUMBERS} INSERT INTO t SELECT i, printf('%0100d', i) FROM n`).run(20000);
    log.call('a big update that fails at its end', () => db.exec("BEGIN; UPDATE t SET b = CASE WHEN a < 20000 THEN 'new ' || b ELSE 'new ' || printf('%0100d', 5) END"));
    log('inTransaction', db.inTransaction);
    log('undone as a statement', db.prepare("SELECT count(*) AS n FROM t WHERE b LIKE 'new%'").get());
    db.exec('COMMIT');
    log('integrity', db.pragma('integrity_check', { simple: true }));
    db.close();
  },
  async 'where temporary files go'(Database, dir, log) {
    fs.mkdirSync(join(dir, 'tmp'));
    await log.child('SQLITE_TMPDIR', (Database, dir, see) => {
      const fs = require('fs');
      const db = new Database('');
      db.pragma('cache_size = 5');
      db.exec('CREATE TABLE t(a)');
      db.prepare('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT zeroblob(1000) FROM n').run();
      see(db.prepare('SELECT count(*) AS n FROM t').get());
      db.close();
      see(fs.readdirSync(`${dir}/tmp`));
    }, { env: { SQLITE_TMPDIR: join(dir, 'tmp') } });
  },
};
