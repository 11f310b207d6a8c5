'use strict';
const fs = require('node:fs');
const { join } = require('node:path');

/** @param {string} dir */
const listing = (dir) => fs.readdirSync(dir).filter((name) => !/-shm$/.test(name)).sort();

module.exports = {
  async 'a process that forgets to close leaves no WAL'(Database, dir, log) {
    for (const mode of ['delete', 'wal', 'wal2']) {
      await log.child(mode, (Database, dir, see) => {
        const mode = process.env.MODE;
        const db = new Database(`${dir}/${mode}.db`);
        see(db.pragma(`journal_mode = ${mode}`, { simple: true }));
        db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2)');
      }, { env: { MODE: mode } });
      log('files', listing(dir));
      const db = new Database(join(dir, `${mode}.db`));
      log('rows', db.prepare('SELECT a FROM t').pluck().all());
      db.close();
    }
  },
  async 'exit handlers may use the database, also late ones'(Database, dir, log) {
    await log.child('handlers', (Database, dir, see) => {
      process.on('exit', () => {
        see(['registered first', db.prepare('SELECT a FROM t').pluck().all()]);
        db.exec('INSERT INTO t VALUES (2)');
      });
      const db = new Database(`${dir}/a.db`);
      db.pragma('journal_mode = wal');
      db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
      process.on('exit', () => {
        see(['registered after', db.prepare('SELECT a FROM t').pluck().all()]);
        db.exec('INSERT INTO t VALUES (3)');
        process.on('exit', () => see('never'));
      });
      process.on('beforeExit', () => see('beforeExit'));
    });
    log('files', listing(dir));
    const db = new Database(join(dir, 'a.db'));
    log('rows', db.prepare('SELECT a FROM t').pluck().all());
    db.close();
  },
  async 'ways to end'(Database, dir, log) {
    const ways = {
      exit: () => process.exit(3),
      'exit in a function': (db) => { db.function('leave', () => process.exit(4)); db.prepare('SELECT leave()').get(); },
      'exit while iterating': (db) => { for (const row of db.prepare('SELECT a FROM t').iterate()) process.exit(row.a + 4); },
      'uncaught error': () => { throw new Error('uncaught'); },
      'uncaught in a function': (db) => { db.function('fail', () => { throw new Error('uncaught'); }); db.prepare('SELECT fail()').get(); },
      'rejected promise': () => { Promise.reject(new Error('rejected')); },
      'exit code set': () => { process.exitCode = 9; },
      'abandoned iterator': (db) => { db.prepare('SELECT a FROM t UNION SELECT 5').iterate().next(); },
      'abandoned backup': (db) => { db.backup('/dev/null/none').catch(() => {}); },
    };
    for (const [name, way] of Object.entries(ways)) {
      await log.child(name, new Function('Database', 'dir', 'see', `
        const db = new Database(dir + '/a.db');
        db.pragma('journal_mode = wal');
        db.exec('CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES (1)');
        process.on('exit', (code) => see(['exit', code, db.open]));
        (${way})(db);
        see('returned');`));
      // Native leaves its WAL after process.exit and uncaught errors; to clear it away is as good.
      log('files', listing(dir).filter((name) => !name.endsWith('-wal')));
      const db = new Database(join(dir, 'a.db'));
      log('rows', db.prepare('SELECT count(*) AS n FROM t').get());
      db.close();
    }
  },
  async 'nothing keeps a process alive'(Database, dir, log) {
    await log.child('open database', (Database, dir, see) => {
      const db = new Database(`${dir}/a.db`);
      db.exec('CREATE TABLE t(a)');
      db.function('f', () => 1);
      see(db.prepare('SELECT f() AS f').get());
      db.prepare('SELECT 1').iterate().next();
      globalThis.kept = db;
    });
  },
  async 'a killed process loses only what it had not committed'(Database, dir, log) {
    for (const mode of ['delete', 'wal', 'wal2']) {
      await log.child(mode, (Database, dir, see) => {
        const db = new Database(`${dir}/${process.env.MODE}.db`);
        db.pragma(`journal_mode = ${process.env.MODE}`);
        db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
        db.pragma('cache_size = 5');
        db.exec('BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT randomblob(1000) FROM n');
        see('killing');
        process.kill(process.pid, 'SIGKILL');
      }, { env: { MODE: mode } });
      const db = new Database(join(dir, `${mode}.db`));
      log.call('rows', () => db.prepare('SELECT a FROM t').pluck().all());
      log.call('integrity', () => db.pragma('integrity_check', { simple: true }));
      log.call('write', () => db.exec('INSERT INTO t VALUES (2)') === db);
      db.close();
      log('files', listing(dir));
    }
  },
};
