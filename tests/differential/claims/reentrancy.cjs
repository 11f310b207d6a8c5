'use strict';
/** Calls inside calls, and values of every size: where a driver that shares buffers between calls would mix them up. */
const { join } = require('node:path');

const NUMBERS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= ?)';

/** @param {any} Database @param {number} [rows] */
function filled(Database, rows = 3000) {
  const db = new Database(':memory:');
  db.exec('CREATE TABLE t(i INTEGER PRIMARY KEY, s, r)');
  db.prepare(`${NUMBERS} INSERT INTO t SELECT i, 'row ' || i || printf('%.*c', i % 97, 'é'), i * 0.25 FROM n`).run(rows);
  return db;
}

/** @param {any[]} rows */
const sum = (rows) => JSON.stringify(rows);

module.exports = {
  'a function reads another database for each row'(Database, dir, log) {
    const one = filled(Database);
    const two = filled(Database, 500);
    const some = two.prepare('SELECT * FROM t WHERE i BETWEEN ? AND ? + 3');
    const all = two.prepare('SELECT i, s FROM t');
    let calls = 0;
    one.function('look', (i) => (++calls % 100 ? JSON.stringify(some.all(i % 400, i % 400)) : sum(all.all())));
    log('all', sum(one.prepare('SELECT i, look(i) AS l, s FROM t').all()));
    log('iterate', sum([...one.prepare('SELECT s, look(i) AS l, i FROM t WHERE i < 700').iterate()]));
    log('raw', sum(one.prepare('SELECT s, look(i), r FROM t WHERE i < 700').raw().all()));
    log('get', one.prepare('SELECT s, look(100) AS l, r FROM t WHERE i = 50').get());
    log('as an argument', sum(one.prepare('SELECT * FROM t WHERE s > look(?) OR i < ? LIMIT 20').all(7, 10)));
  },
  'two databases step each other'(Database, dir, log) {
    const one = filled(Database, 400);
    const two = filled(Database, 400);
    const rows = two.prepare('SELECT * FROM t').iterate();
    one.function('next_of_two', () => JSON.stringify(rows.next().value ?? null));
    log('all', sum(one.prepare('SELECT i, next_of_two() AS n, s FROM t WHERE i < 300').all()));
    log('rest', sum([...rows]));
    const zipped = [];
    const [left, right] = [one, two].map((db) => db.prepare('SELECT s, i, r FROM t').iterate());
    for (const row of left) zipped.push(row, right.next().value);
    right.return();
    log('zipped', sum(zipped));
  },
  'a table made of another table'(Database, dir, log) {
    const source = filled(Database, 1500);
    const db = new Database(':memory:');
    db.table('mirror', { columns: ['i', 's', 'r'], parameters: ['above'], *rows(above = 0) { for (const row of source.prepare('SELECT * FROM t WHERE i > ?').raw().iterate(above)) yield row; } });
    db.aggregate('longest', { start: '', step: (best, s) => (s.length > best.length ? s : best) });
    log('all', sum(db.prepare('SELECT * FROM mirror(100)').all()));
    log('joined', sum(db.prepare('SELECT a.i, b.s FROM mirror(1490) a JOIN mirror(1495) b ON a.i = b.i').all()));
    log('aggregated', db.prepare('SELECT longest(s) AS l, count(*) AS n, sum(r) AS r FROM mirror').get());
  },
  'a logger that reads another database'(Database, dir, log) {
    const other = filled(Database, 200);
    const seen = [];
    const db = new Database(':memory:', { verbose: (sql) => { seen.push(sql, other.prepare('SELECT s FROM t WHERE i = ?').pluck().get((seen.length % 200) + 1), other.prepare('SELECT * FROM t').all().length); } });
    db.exec('CREATE TABLE t(a, b)');
    const insert = db.prepare('INSERT INTO t VALUES (?, ?)');
    for (let i = 0; i < 20; i++) insert.run(`value ${i} ${'x'.repeat(i * 50)}`, Buffer.alloc(i * 30, i));
    log('rows', db.prepare('SELECT * FROM t WHERE a >= ?').all('value'));
    log('iterated', [...db.prepare('SELECT * FROM t WHERE length(a) > ?').iterate(400)]);
    log('seen', seen);
  },
  'getters, proxies and arrays that use databases while they are bound'(Database, dir, log) {
    const db = filled(Database, 50);
    const other = filled(Database, 50);
    const echo = db.prepare('SELECT :a AS a, :b AS b, :c AS c, ? AS d');
    const nested = (size, from) => from.prepare('SELECT ? AS v, ? AS w').get('n'.repeat(size), Buffer.alloc(size, 5)).v.length;
    for (const size of [0, 10, 1000, 70_000, 300_000]) {
      for (const from of [db, other]) {
        log.call(`size ${size}`, () => echo.get({ a: 'a'.repeat(size + 3), get b() { return nested(size, from); }, c: Buffer.from('c'.repeat(size + 5)) }, `d${size}`));
        log.call('the other order', () => echo.get(`d${size}`, { a: 'é'.repeat(size), get b() { from.prepare('SELECT * FROM t').all(); return 'b'.repeat(size); }, get c() { return nested(5, from); } }));
        log.call('an array', () => db.prepare('SELECT ?, ?, ?').raw().get(Object.defineProperty(['x'.repeat(size), null, 'z'], 1, { get: () => nested(size + 1, from) })));
      }
    }
    log.call('closing while binding', () => { const doomed = new Database(':memory:'); const stmt = doomed.prepare('SELECT 1 AS one, :a AS a'); doomed.exec('CREATE TABLE t(a)'); return [stmt.get({ a: 1 }), doomed.open]; });
  },
  'values of every size around powers of two'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a, b, c)');
    const insert = db.prepare('INSERT INTO t VALUES (?, ?, ?)');
    const sizes = [];
    for (let power = 4; power <= 18; power++) for (const off of [-17, -9, -8, -1, 0, 1, 7, 8]) sizes.push(Math.max(0, 2 ** power + off));
    db.transaction(() => { for (const size of sizes) insert.run('t'.repeat(size), Buffer.alloc(size, size % 251), 'é'.repeat(size >> 1)); })();
    const stmt = db.prepare('SELECT a, b, c FROM t');
    const digest = (rows) => rows.map((row) => Object.values(row).map((value) => `${value.length}:${value[0]}:${value.at ? value.at(-1) : ''}:${Buffer.from(value).reduce((sum, byte) => (sum * 31 + byte) | 0, 7)}`).join()).join(';');
    log('all', digest(stmt.all()));
    log('iterate', digest([...stmt.iterate()]));
    log('get', digest(sizes.map((_, at) => db.prepare('SELECT a, b, c FROM t WHERE rowid = ?').get(at + 1))));
    log('bound', digest(sizes.map((size) => db.prepare('SELECT ? AS a, ? AS b').get('b'.repeat(size), Buffer.alloc(size, 9)))));
    const back = [];
    db.function('pass', (value) => { back.push(value.length); return value; });
    log('through functions', digest(db.prepare('SELECT pass(a) AS a, pass(b) AS b, pass(c) AS c FROM t').all()));
    log('sizes', back);
  },
  'rows that grow and shrink'(Database, dir, log) {
    const db = new Database(':memory:');
    const stmt = db.prepare(`${NUMBERS} SELECT i, CASE WHEN i % 50 = 0 THEN printf('%.*c', i * 20, 'x') ELSE i END AS v, CASE WHEN i % 333 = 0 THEN zeroblob(i * 300) END AS z FROM n`);
    for (const count of [50, 500, 3000]) {
      log('all', stmt.all(count).map((row) => `${row.i} ${String(row.v).length} ${row.z ? row.z.length : row.z}`).join());
      log('iterate', [...stmt.iterate(count)].map((row) => `${row.i} ${String(row.v).length} ${row.z ? row.z.length : row.z}`).join());
    }
    const columns = (count) => db.prepare(`SELECT ${Array.from({ length: count }, (_, at) => (at % 3 ? at : `'${'c'.repeat(at % 40)}${at}'`)).map((value, at) => `${value} AS c${at}`)} FROM (VALUES (1), (2), (3))`);
    for (const count of [1, 15, 16, 17, 255, 256, 257, 1023, 1024, 1025, 1999, 2000]) log(`${count} columns`, sum([columns(count).get(), columns(count).all(), [...columns(count).iterate()]]));
    const many = Array.from({ length: 3000 }, (_, at) => (at % 2 ? at : `text ${at}`));
    log('many parameters', sum(db.prepare(`SELECT ${many.map(() => '?').slice(0, 1500)}`).raw().get(many.slice(0, 1500))));
    log('many in a condition', db.prepare(`SELECT count(*) AS n FROM (VALUES ('text 4'), (5), (6)) WHERE column1 IN (${many.map(() => '?')})`).get(many));
  },
  'the database grows while rows are held'(Database, dir, log) {
    const db = filled(Database, 100);
    db.unsafeMode();
    const rows = db.prepare('SELECT i, s FROM t WHERE i <= 100').iterate();
    const kept = [];
    const insert = db.prepare('INSERT INTO t(s) VALUES (?)');
    for (const row of rows) {
      kept.push(row);
      insert.run('g'.repeat(100_000));
    }
    log('kept', sum(kept));
    log('grown', db.prepare('SELECT count(*) AS n, sum(length(s)) AS l FROM t').get());
    const file = new Database(join(dir, 'a.db'));
    file.exec('CREATE TABLE t(a)');
    const buffers = Array.from({ length: 30 }, (_, at) => Buffer.alloc(200_000, at));
    const put = file.prepare('INSERT INTO t VALUES (?)');
    file.transaction(() => { for (const buffer of buffers) put.run(buffer); })();
    const read = file.prepare('SELECT a FROM t').pluck().all();
    log('equal', read.every((buffer, at) => buffer.equals(buffers[at])));
    file.close();
  },
  'errors from the inner call stay with the inner call'(Database, dir, log) {
    const one = filled(Database, 20);
    const two = filled(Database, 20);
    two.function('fail', (i) => { if (i > 3) throw new RangeError(`inner ${i}`); return i; });
    one.function('guarded', (i) => { try { return two.prepare('SELECT fail(?)').pluck().get(i); } catch (error) { return `caught ${error.message}`; } });
    one.function('open', (i) => two.prepare('SELECT fail(?)').pluck().get(i));
    one.function('sql_error', () => two.prepare('SELECT nosuch').get());
    one.function('constraint', () => two.exec('INSERT INTO t(i) VALUES (1)'));
    log.call('guarded', () => one.prepare('SELECT guarded(i) AS g FROM t').pluck().all());
    log.call('unguarded', () => one.prepare('SELECT open(i) AS g FROM t').pluck().all());
    log.call('an SQL error inside', () => one.prepare('SELECT sql_error()').get());
    log.call('a broken constraint inside', () => one.prepare('SELECT constraint()').get());
    log.call('a caught one, then an error of ones own', () => one.prepare('SELECT guarded(9), abs(-9223372036854775808)').get());
    log.call('both go on', () => [one, two].map((db) => db.prepare('SELECT count(*) FROM t').pluck().get()));
  },
};
