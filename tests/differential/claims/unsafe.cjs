'use strict';
const { join } = require('node:path');

module.exports = {
  'unsafeMode lifts the defensive flag'(Database, dir, log) {
    const db = new Database(join(dir, 'a.db'));
    db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    const writes = () => {
      log.call('journal off', () => db.pragma('journal_mode = off', { simple: true }));
      log.call('writable_schema', () => { db.pragma('writable_schema = on'); return db.pragma('writable_schema', { simple: true }); });
      log.call('write the schema', () => db.prepare("UPDATE sqlite_master SET sql = sql WHERE name = 't'").run());
      log.call('shadow tables', () => db.exec('CREATE VIRTUAL TABLE IF NOT EXISTS f USING fts5(a); DELETE FROM f_data'));
      log.call('back', () => db.pragma('journal_mode = delete', { simple: true }));
    };
    writes();
    log('returns the database', db.unsafeMode() === db);
    writes();
    log('off again', db.unsafeMode(false) === db);
    writes();
    for (const bad of [1, 'x', null, undefined, {}]) log.call('wrong type', () => db.unsafeMode(bad));
    log.call('on', () => db.unsafeMode(true) === db);
    db.close();
  },
  'journal_mode off loses the rollback'(Database, dir, log) {
    const db = new Database(join(dir, 'a.db'));
    db.unsafeMode();
    db.pragma('journal_mode = off');
    db.exec('CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES (1)');
    log.call('rollback', () => db.exec('ROLLBACK'));
    log('in transaction', db.inTransaction);
    db.close();
    const fresh = new Database(join(dir, 'b.db'));
    fresh.unsafeMode(true);
    fresh.pragma('journal_mode = OFF');
    fresh.pragma('synchronous = OFF');
    fresh.exec('CREATE TABLE t(a)');
    fresh.transaction(() => { for (let i = 0; i < 1000; i++) fresh.prepare('INSERT INTO t VALUES (?)').run(i); })();
    log('then wal2, as an initial copy does it', fresh.pragma('journal_mode = wal2', { simple: true }));
    log('rows', fresh.prepare('SELECT count(*) AS n FROM t').get());
    fresh.close();
    const again = new Database(join(dir, 'b.db'));
    log('after', [again.pragma('journal_mode', { simple: true }), again.pragma('integrity_check', { simple: true }), again.prepare('SELECT sum(a) AS s FROM t').get()]);
    again.close();
  },
};
