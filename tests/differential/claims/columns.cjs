'use strict';

module.exports = {
  'each column says where it comes from'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec(`CREATE TABLE t(a TEXT, b INTEGER NOT NULL, c, d VARCHAR(10) COLLATE NOCASE, e DECIMAL(5, 2)); CREATE VIEW v AS SELECT a AS x, b + 1 AS y, e FROM t;
      CREATE TEMP TABLE tt(a BLOB); ATTACH ':memory:' AS other; CREATE TABLE other.o(z DATE); CREATE TABLE s(a INT, b ANY) STRICT; CREATE TABLE g(a, b INT AS (a + 1))`);
    for (const sql of ['SELECT * FROM t', 'SELECT a AS "other name", b + 1, count(*), c FROM t', 'SELECT * FROM v', 'SELECT rowid, _rowid_, * FROM t', 'SELECT x.a, y.a FROM t x JOIN t y', 'SELECT * FROM tt, other.o', 'SELECT * FROM s, g',
      'SELECT a FROM t UNION SELECT b FROM t', 'SELECT (SELECT a FROM t)', 'WITH q AS (SELECT a, b FROM t) SELECT * FROM q', 'VALUES (1, 2)', 'SELECT 1, NULL, ?', 'EXPLAIN SELECT 1', 'EXPLAIN QUERY PLAN SELECT 1', 'INSERT INTO t(b) VALUES (1) RETURNING a, b, b + 1 AS c', 'PRAGMA table_info(t)', 'PRAGMA user_version', 'SELECT * FROM json_each(\'[]\')', 'SELECT name FROM sqlite_master', 'SELECT * FROM pragma_table_info(\'t\')', 'SELECT a AS "", b AS "ä🙂" FROM t']) {
      const stmt = db.prepare(sql);
      log.call(sql, () => stmt.columns());
    }
  },
  'pragmas without rows have no columns'(Database, dir, log) {
    const db = new Database(':memory:');
    for (const sql of ['PRAGMA nosuch', 'PRAGMA user_version = 1', 'PRAGMA cache_size = 5']) {
      log.call(sql, () => db.prepare(sql).columns());
      log.call(sql, () => db.pragma(sql.slice(7)));
    }
    log.call('a write', () => db.prepare('CREATE TABLE t(a)').columns());
  },
  'columns may be asked at any time but inside'(Database, dir, log) {
    const db = new Database(':memory:');
    const stmt = db.prepare('SELECT 1 AS a UNION SELECT 2');
    const iterator = stmt.iterate();
    iterator.next();
    log.call('while iterating', () => stmt.columns());
    iterator.return();
    let inside;
    db.function('f', () => { try { stmt.columns(); } catch (error) { inside = error; } return 1; });
    db.prepare('SELECT f()').get();
    log('inside', inside);
    log('fresh every time', stmt.columns() !== stmt.columns());
    log('descriptor', Object.getOwnPropertyDescriptor(stmt.columns()[0], 'name'));
    log('modes do not matter', [stmt.raw().columns(), stmt.pluck().columns()]);
  },
};
