'use strict';

/** Every way to read a statement. @param {any} stmt @param {any[]} args */
const ways = (stmt, ...args) => ({
  get: stmt.get(...args),
  all: stmt.all(...args),
  iterate: [...stmt.iterate(...args)],
});

module.exports = {
  'a row is an object with the columns in order'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec("CREATE TABLE t(a TEXT, b INTEGER, c REAL, d BLOB, e); INSERT INTO t VALUES ('foo', 1, 3.14, x'dd00', NULL), ('bar', -2, 1e300, x'', 5)");
    log('rows', ways(db.prepare('SELECT * FROM t')));
    log('reversed', ways(db.prepare('SELECT e, d, c, b, a FROM t ORDER BY rowid DESC')));
    log('none', ways(db.prepare('SELECT * FROM t WHERE 0')));
    log('one of two', db.prepare('SELECT * FROM t LIMIT 1 OFFSET 1').get());
    log('rows are independent', (() => { const [x, y] = db.prepare('SELECT b FROM t').all(); x.b = 77; return [x, y]; })());
    log('extensible', Object.isExtensible(db.prepare('SELECT 1 AS a').get()));
    log('descriptor', Object.getOwnPropertyDescriptor(db.prepare('SELECT 1 AS a').get(), 'a'));
  },
  'raw, pluck and expand'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec("CREATE TABLE t(a, b); CREATE TABLE u(a, c); INSERT INTO t VALUES (1, 'x'), (2, 'y'); INSERT INTO u VALUES (1, 'p'), (2, 'q')");
    const join = db.prepare('SELECT t.*, u.*, t.a + 1 AS n, 5 FROM t JOIN u USING (a) ORDER BY t.a');
    log('flat', ways(join));
    log('raw', ways(join.raw()));
    log('pluck', ways(join.pluck()));
    log('expand', ways(join.expand()));
    log('pluck off does nothing to expand', ways(join.pluck(false)));
    log('expand off', ways(join.expand(false)));
    log('chain', join.raw() === join && join.pluck() === join && join.expand(true) === join);
    join.expand(false);
    join.raw(true);
    join.raw(false);
    log('flat again', ways(join));
    log('the same table twice', db.prepare('SELECT x.a, y.a FROM t x, t y').expand().all());
    log('views and expressions', db.prepare('SELECT v.*, 1 + 1 FROM (SELECT a, b AS z FROM t) v, u').expand().get());
    for (const bad of [1, 'x', null, undefined, {}]) {
      log.call('raw', () => join.raw(bad));
      log.call('pluck', () => join.pluck(bad));
      log.call('expand', () => join.expand(bad));
      log.call('safeIntegers', () => join.safeIntegers(bad));
    }
    const write = db.prepare('DELETE FROM t');
    for (const method of ['raw', 'pluck', 'expand', 'columns', 'get', 'all', 'iterate', 'safeIntegers']) log.call(method, () => write[method]());
    log('nothing was deleted', db.prepare('SELECT count(*) FROM t').pluck().get());
  },
  'a statement without columns has nothing to get'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a)');
    for (const source of ['INSERT INTO t VALUES (1)', 'BEGIN', 'CREATE TABLE u(a)']) {
      for (const method of ['get', 'all', 'iterate', 'explainQueryPlan']) log.call(`${method} ${source}`, () => db.prepare(source)[method]());
    }
    for (const source of ['PRAGMA user_version = 3', 'PRAGMA nosuch', 'PRAGMA foreign_keys = 1']) log.call(source, () => db.prepare(source).all());
  },
  'many rows, many columns, many of both'(Database, dir, log) {
    const db = new Database(':memory:');
    const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)';
    for (const count of [1, 2, 99, 100, 101, 1023, 1024, 1025, 5000, 40000]) {
      const stmt = db.prepare(`${numbers} SELECT i, i * 1.5 AS r, 'row ' || i AS s, CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN zeroblob(i % 50) ELSE i END AS m FROM n`);
      log(`${count} rows`, JSON.stringify(stmt.all(count)));
      log('iterated', JSON.stringify([...stmt.iterate(count)]));
      log('raw', JSON.stringify(stmt.raw().all(count)));
      log('plucked', JSON.stringify(stmt.pluck().all(count)));
      log('expanded', JSON.stringify(stmt.expand().all(count)));
      log('bigints', String(stmt.safeIntegers().pluck().all(count)));
    }
    const wide = db.prepare(`SELECT ${Array.from({ length: 1000 }, (_, i) => `${i} AS c${i}`).join(', ')}`);
    log('wide', wide.get());
    log('wide, all', wide.raw().all());
  },
  'an error in the middle of rows'(Database, dir, log) {
    const db = new Database(':memory:');
    const stmt = db.prepare('SELECT abs(column1) AS a FROM (VALUES (1), (2), (-9223372036854775808), (4))');
    log.call('get stops before it', () => stmt.get());
    log.call('all', () => stmt.all());
    const iterator = stmt.iterate();
    for (let i = 0; i < 5; i++) log.call('next', () => iterator.next());
    log('not busy', stmt.busy);
    log.call('again', () => stmt.get());
  },
  'columns that change their type from row to row'(Database, dir, log) {
    const db = new Database(':memory:');
    const stmt = db.prepare("SELECT * FROM (VALUES (1, 'a', NULL), (1.5, x'00', 1), ('x', NULL, 9007199254740992), (NULL, 2, -1.5e-300), (x'ff', 0.0, ''))");
    log('rows', ways(stmt));
    log('bigints', ways(stmt.safeIntegers()));
    log('raw', ways(stmt.raw()));
  },
  'memory of a row is its own'(Database, dir, log) {
    const db = new Database(':memory:');
    const stmt = db.prepare('SELECT ? AS b');
    const one = stmt.get(Buffer.from('first'));
    const two = stmt.get(Buffer.from('other'));
    one.b[0] = 0x7a;
    log('both', [one, two]);
    const [x, y] = db.prepare("SELECT x'0102' AS b UNION ALL SELECT x'0304'").all();
    x.b.fill(9);
    log('rows of one answer', [x, y]);
    log('a slice of no pool', [Buffer.isBuffer(x.b), x.b.length, x.b.constructor.name]);
  },
};
