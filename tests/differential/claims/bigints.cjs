'use strict';

module.exports = {
  'safeIntegers on a statement and by default'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b REAL); INSERT INTO t VALUES (9007199254740993, 1.0), (-9223372036854775808, 2.5), (9223372036854775807, 0)');
    const stmt = db.prepare('SELECT * FROM t');
    log('numbers', stmt.all());
    log('returns the statement', stmt.safeIntegers() === stmt);
    log('bigints', stmt.all());
    log('get', stmt.get());
    log('iterate', [...stmt.iterate()]);
    log('raw', stmt.raw().all());
    log('pluck', stmt.pluck().all());
    log('expand', stmt.expand().all());
    stmt.safeIntegers(false);
    log('off', stmt.all());
    log('default returns the database', db.defaultSafeIntegers() === db);
    log('an earlier statement keeps its way', stmt.get());
    log('a new one', db.prepare('SELECT a FROM t').get());
    log('a new one, switched off', db.prepare('SELECT a FROM t').safeIntegers(false).get());
    log('pragma', db.pragma('user_version'));
    log('table_info', db.pragma('table_info(t)'));
    log('count', db.prepare('SELECT count(*) FROM t').pluck().get());
    log('run', db.prepare('INSERT INTO t VALUES (5, 5)').run());
    db.defaultSafeIntegers(false);
    log('off', db.prepare('INSERT INTO t VALUES (6, 6)').run());
    log('and on for one', db.prepare('INSERT INTO t VALUES (7, 7)').safeIntegers().run());
  },
  'bigints go in and come out'(Database, dir, log) {
    const db = new Database(':memory:');
    const stmt = db.prepare('SELECT ? AS v').safeIntegers();
    const number = db.prepare('SELECT ? AS v');
    const edge = [0n, 1n, -1n, 127n, 128n, 32767n, 32768n, 8388607n, 8388608n, 2147483647n, 2147483648n, -2147483648n, -2147483649n, 4294967295n, 4294967296n, 140737488355327n, 140737488355328n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n)];
    for (const value of edge) {
      log(`${value}`, [stmt.get(value), number.get(value)]);
      log('stored', (() => { const db2 = new Database(':memory:'); db2.exec('CREATE TABLE t(a)'); db2.prepare('INSERT INTO t VALUES (?)').run(value); const got = db2.prepare('SELECT a FROM t').safeIntegers().get(); db2.close(); return got; })());
    }
    for (const value of [2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n, 2n ** 200n]) log.call(`${value}`, () => stmt.get(value));
    log('integral numbers are reals', stmt.get(5));
    log('as affinity has it', (() => { db.exec('CREATE TABLE t(a INTEGER, b)'); db.prepare('INSERT INTO t VALUES (?, ?)').run(5, 5); return db.prepare('SELECT *, typeof(a) AS ta, typeof(b) AS tb FROM t').safeIntegers().get(); })());
  },
  'arithmetic at the edges'(Database, dir, log) {
    const db = new Database(':memory:');
    for (const sql of ['9223372036854775807 + 1', '-9223372036854775808 - 1', '9223372036854775807 * 2', '1 << 63', '1 << 64', '-1 >> 1', '~0', '5 / 2', '-5 / 2', '5 % -3', '5 / 0', '5.0 / 0', '9223372036854775808', '-9223372036854775808', '0x7fffffffffffffff', '0xffffffffffffffff', 'abs(-9223372036854775807)', 'CAST(9.3e18 AS INTEGER)', 'CAST(-9.3e18 AS INTEGER)', "CAST('9223372036854775808' AS INTEGER)", "CAST('12abc' AS INTEGER)", 'CAST(9007199254740993 AS REAL)', 'max(1, 2.5)', '1 = 1.0', '9007199254740993 = 9007199254740993.0', 'sum(column1) FROM (VALUES (9223372036854775807), (1))', 'total(column1) FROM (VALUES (9223372036854775807), (1))', 'round(2.5)', 'round(-2.5)', 'round(1e300, 3)', '1e308 * 10', '0.1 + 0.2', '1.0', '100000000000000000000.0', "CAST(1e15 AS TEXT), CAST(1e16 AS TEXT), CAST(123456789.123456789 AS TEXT)"]) {
      log.call(sql, () => db.prepare(`SELECT ${sql}`).raw().get());
      log.call(`bigints: ${sql}`, () => db.prepare(`SELECT ${sql}`).safeIntegers().raw().get());
    }
  },
};
