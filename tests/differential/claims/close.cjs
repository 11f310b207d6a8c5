'use strict';
const fs = require('node:fs');
const { join } = require('node:path');

module.exports = {
  'close may be called again and says nothing'(Database, dir, log) {
    const db = new Database(join(dir, 'a.db'));
    log('returns the database', db.close() === db);
    log('again', db.close() === db);
    log('open', db.open);
  },
  'every method of a closed database says that it is closed'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    const select = db.prepare('SELECT * FROM t');
    const insert = db.prepare('INSERT INTO t VALUES (?)');
    const bound = db.prepare('SELECT ? AS a').bind(1);
    const transaction = db.transaction(() => 1);
    db.close();
    log.call('prepare', () => db.prepare('SELECT 1'));
    log.call('exec', () => db.exec('SELECT 1'));
    log.call('pragma', () => db.pragma('user_version'));
    log.call('transaction', () => db.transaction(() => 1));
    log.call('an earlier transaction', () => transaction());
    log.call('function', () => db.function('f', () => 1));
    log.call('aggregate', () => db.aggregate('f', { step: () => 1 }));
    log.call('table', () => db.table('f', { columns: ['a'], *rows() {} }));
    log.call('serialize', () => db.serialize());
    log.call('defaultSafeIntegers', () => db.defaultSafeIntegers());
    log.call('run', () => insert.run(1));
    log.call('get', () => select.get());
    log.call('all', () => select.all());
    log.call('iterate', () => select.iterate());
    log.call('bind', () => insert.bind(1));
    log.call('bound get', () => bound.get());
    log.call('columns', () => select.columns());
    log.call('scanStatusV2', () => select.scanStatusV2(0, Database.SQLITE_SCANSTAT_EST, 0));
    log.call('scanStatusReset', () => select.scanStatusReset());
    log.call('explainQueryPlan', () => db.prepare('EXPLAIN QUERY PLAN SELECT 1'));
    log.call('raw', () => select.raw());
    log.call('pluck', () => select.pluck());
    log.call('expand', () => select.expand());
    log.call('safeIntegers', () => select.safeIntegers());
    log('properties', [db.open, db.inTransaction, db.name, db.memory, db.readonly, select.busy, select.reader, select.source, select.database === db]);
  },
  async 'backup of a closed database is refused'(Database, dir, log) {
    const db = new Database(':memory:');
    db.close();
    await log.settle('backup', () => db.backup(join(dir, 'b.db')));
    log('files', fs.readdirSync(dir));
  },
  'close in an open transaction rolls it back'(Database, dir, log) {
    for (const mode of ['delete', 'wal', 'wal2']) {
      const file = join(dir, `${mode}.db`);
      const db = new Database(file);
      db.pragma(`journal_mode = ${mode}`);
      db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2)');
      log('in transaction', db.inTransaction);
      db.close();
      log('after close', db.inTransaction);
      const again = new Database(file);
      log('rows', again.prepare('SELECT * FROM t').all());
      again.close();
    }
    log('nothing is left beside the files', fs.readdirSync(dir).sort());
  },
  'the last to close removes the WAL'(Database, dir, log) {
    for (const mode of ['wal', 'wal2']) {
      const file = join(dir, `${mode}.db`);
      const one = new Database(file);
      one.pragma(`journal_mode = ${mode}`);
      const two = new Database(file);
      one.exec('CREATE TABLE t(a)');
      two.exec('INSERT INTO t VALUES (1)');
      one.close();
      log('one is still there', fs.existsSync(`${file}-wal`));
      log('and reads', two.prepare('SELECT * FROM t').all());
      two.close();
      log('none', fs.readdirSync(dir).filter((name) => name !== `${mode}.db`));
    }
  },
  'a readonly connection leaves the WAL to others'(Database, dir, log) {
    const file = join(dir, 'a.db');
    const db = new Database(file);
    db.pragma('journal_mode = wal');
    db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    const reader = new Database(file, { readonly: true });
    log('reads', reader.prepare('SELECT * FROM t').all());
    db.exec('INSERT INTO t VALUES (2)');
    log('sees the next commit', reader.prepare('SELECT * FROM t').all());
    reader.close();
    log('wal', fs.existsSync(`${file}-wal`));
    db.close();
    log('gone', fs.existsSync(`${file}-wal`));
  },
  'close waits for no iterator: it refuses'(Database, dir, log) {
    const db = new Database(':memory:');
    const iterator = db.prepare('SELECT 1 UNION SELECT 2').iterate();
    log.call('before the first step', () => db.close());
    iterator.next();
    log.call('between steps', () => db.close());
    iterator.return();
    log.call('after', () => db.close());
    log.call('next', () => iterator.next());
    log.call('return', () => iterator.return());
  },
  'a file deleted while open is still written, and gone after'(Database, dir, log) {
    const file = join(dir, 'a.db');
    const db = new Database(file);
    db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    fs.unlinkSync(file);
    log.call('read', () => db.prepare('SELECT * FROM t').all());
    log.call('write', () => db.exec('INSERT INTO t VALUES (2)'));
    log.call('close', () => db.close());
    log('files', fs.readdirSync(dir));
  },
  'hundreds of databases open and close'(Database, dir, log) {
    let sum = 0;
    for (let i = 0; i < 300; i++) {
      const db = new Database(i % 2 ? ':memory:' : join(dir, 'a.db'));
      db.exec('CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES (1)');
      sum += db.prepare('SELECT sum(a) FROM t').pluck().get();
      db.close();
    }
    log('sum', sum);
    const many = Array.from({ length: 120 }, (_, i) => new Database(join(dir, `${i}.db`)));
    for (const [i, db] of many.entries()) db.exec(`CREATE TABLE t(a); INSERT INTO t VALUES (${i})`);
    log('all at once', many.reduce((total, db) => total + db.prepare('SELECT a FROM t').pluck().get(), 0));
    for (const db of many) db.close();
    log('files', fs.readdirSync(dir).length);
  },
};
