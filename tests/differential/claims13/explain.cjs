'use strict';

module.exports = {
  'explain() answers with the program of a statement, which does not run and needs no parameters'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); CREATE INDEX i ON t(b); INSERT INTO t VALUES (1, 2, 3)');
    for (const sql of ['SELECT 1', 'SELECT * FROM t WHERE b = ?', 'SELECT * FROM t WHERE b > $x AND c < @y', 'DELETE FROM t', 'INSERT INTO t VALUES (5, 6, 7) RETURNING a', 'CREATE TABLE u(x)', 'BEGIN', 'PRAGMA user_version', 'QUERY PLAN SELECT * FROM t WHERE b = ?', 'QUERY PLAN SELECT * FROM t ORDER BY c', ' SELECT 1 ; -- more']) {
      log.call(sql, () => db.explain(sql));
    }
    log('nothing ran', [db.prepare('SELECT count(*) FROM t').pluck().get(), db.inTransaction, db.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'u'").pluck().get()]);
    db.defaultSafeIntegers();
    log.call('with safe integers', () => db.explain('SELECT 1'));
  },
  'what explain() refuses'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a)');
    for (const sql of ['', 'SELEC', 'SELECT 1; SELECT 2', '-- nothing', 'EXPLAIN SELECT 1', 'SELECT * FROM missing', undefined, null, 5, {}]) log.call(`of ${String(sql)}`, () => db.explain(sql));
    const iterator = db.prepare('SELECT 1 UNION SELECT 2').iterate();
    iterator.next();
    log.call('while iterating', () => db.explain('SELECT * FROM t').length);
    iterator.return();
    db.function('again', () => db.explain('SELECT 1').length);
    log.call('in a function', () => db.prepare('SELECT again()').get());
    db.close();
    log.call('closed', () => db.explain('SELECT 1'));
  },
  'explain() many times in one turn'(Database, dir, log) {
    const db = new Database(':memory:');
    let rows = 0;
    for (let i = 0; i < 20_000; i++) rows += db.explain(`SELECT ${i % 7}`).length;
    log('rows', rows);
    db.close();
    log('closed', db.open);
  },
};
