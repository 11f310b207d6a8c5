'use strict';
const fs = require('node:fs');
const { join } = require('node:path');

module.exports = {
  'a database becomes a buffer and back'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'x'), (2, x'00ff')");
    const buffer = db.serialize();
    log('buffer', [Buffer.isBuffer(buffer), buffer.length, buffer.subarray(0, 16).toString('latin1')]);
    log('header and pages', Buffer.concat([buffer.subarray(16, 24), buffer.subarray(28, 92), buffer.subarray(100)]));
    const copy = new Database(buffer);
    log('facts', [copy.name, copy.memory, copy.readonly, copy.open]);
    log('rows', copy.prepare('SELECT * FROM t').all());
    copy.exec('INSERT INTO t VALUES (3, NULL)');
    log('writable', copy.prepare('SELECT count(*) AS n FROM t').get());
    log('the first is not touched', db.prepare('SELECT count(*) AS n FROM t').get());
    buffer.fill(0);
    log('nor the copy by its buffer', copy.prepare('SELECT count(*) AS n FROM t').get());
    const readonly = new Database(db.serialize(), { readonly: true });
    log('readonly', readonly.readonly);
    log.call('write', () => readonly.exec('INSERT INTO t VALUES (1, 1)'));
    log.call('read', () => readonly.prepare('SELECT count(*) AS n FROM t').get());
    for (const made of [copy, readonly, db]) made.close();
    log.call('closed', () => db.serialize());
  },
  'arguments'(Database, dir, log) {
    const db = new Database(':memory:');
    for (const options of [null, undefined, {}, 5, 'main', { attached: 'main' }, { attached: 'temp' }, { attached: 'nosuch' }, { attached: '' }, { attached: 5 }]) log.call(JSON.stringify(options) ?? 'none', () => db.serialize(options).length);
    db.exec("ATTACH ':memory:' AS other; CREATE TABLE other.t(a); INSERT INTO other.t VALUES (5); CREATE TEMP TABLE x(a)");
    log.call('attached', () => new Database(db.serialize({ attached: 'other' })).prepare('SELECT * FROM t').all());
    log.call('temp', () => new Database(db.serialize({ attached: 'temp' })).prepare('SELECT name FROM sqlite_master').all());
  },
  'buffers that hold no database'(Database, dir, log) {
    for (const [at, buffer] of [Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(100), Buffer.alloc(512, 'SQLite format 3\0'), Buffer.alloc(4096, 7), Buffer.from('not a database at all, but text that goes on')].entries()) {
      const db = log.call(`open ${at}`, () => new Database(buffer));
      if (!db) continue;
      log.call('read', () => db.prepare('SELECT * FROM sqlite_master').all());
      log.call('write', () => db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)'));
      log.call('read', () => db.prepare('SELECT * FROM t').all());
      log.call('serialize', () => db.serialize().length);
      db.close();
    }
    for (const other of [new Uint8Array(0), new ArrayBuffer(5)]) log.call('only Buffers', () => new Database(other));
  },
  'a file and its buffer are the same bytes'(Database, dir, log) {
    const file = join(dir, 'a.db');
    const db = new Database(file);
    db.exec('CREATE TABLE t(a)');
    db.prepare("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO t SELECT 'row ' || i FROM n").run();
    log('same', db.serialize().equals(fs.readFileSync(file)));
    db.exec('BEGIN; DELETE FROM t WHERE rowid > 5');
    log('in a transaction', new Database(db.serialize()).prepare('SELECT count(*) AS n FROM t').get());
    db.exec('ROLLBACK');
    const opened = new Database(fs.readFileSync(file));
    log('opened', opened.prepare('SELECT count(*) AS n FROM t').get());
    log('schema', opened.prepare('SELECT * FROM sqlite_master').all());
    opened.exec('VACUUM');
    log('vacuumed', opened.pragma('page_count', { simple: true }));
    opened.close();
    db.pragma('journal_mode = wal');
    db.exec('INSERT INTO t VALUES (1)');
    const wal = db.serialize();
    const fromWal = log.call('a WAL database as buffer', () => new Database(wal));
    log.call('read', () => fromWal.prepare('SELECT count(*) AS n FROM t').get());
    db.close();
  },
  'a big one grows as it must'(Database, dir, log) {
    const db = new Database(Buffer.alloc(0));
    db.exec('CREATE TABLE t(a)');
    db.prepare('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO t SELECT zeroblob(5000) FROM n').run();
    const buffer = db.serialize();
    log('size', buffer.length);
    log('again', new Database(buffer).serialize().equals(buffer));
    log('max_page_count', db.pragma('max_page_count', { simple: true }));
    db.close();
  },
};
