'use strict';

module.exports = {
  'arguments and answers of every type'(Database, dir, log) {
    const db = new Database(':memory:');
    const seen = [];
    db.function('note', { varargs: true }, (...args) => { seen.push(args); return args.length; });
    log('returns the database', db.function('noop', () => {}) === db);
    log.call('arguments', () => db.prepare("SELECT note(1, -1, 1.5, 'x', '', x'00ff', x'', NULL, 9007199254740993, 'a' || char(0) || 'b', 'ä🙂', 0.0, -0.0, 1e999)").pluck().get());
    log('seen', seen.splice(0));
    db.function('note_big', { varargs: true, safeIntegers: true }, (...args) => { seen.push(args); return args.length; });
    db.prepare('SELECT note_big(1, 9223372036854775807, 1.0), note_big()').get();
    log('bigints', seen.splice(0));
    const answers = [
      null, undefined, 0, -0, 1.5, NaN, Infinity, 2 ** 53, 10n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, '', 'x', 'a\0b', 'ä🙂', '\ud800', 'z'.repeat(10000), Buffer.alloc(0), Buffer.from([1, 0, 2]), Buffer.alloc(10000, 3),
      new Uint8Array([5]), new Float32Array([1]), new DataView(new ArrayBuffer(2)), true, false, {}, [], Symbol('s'), () => 1, new Date(0), Promise.resolve(1), new ArrayBuffer(2),
    ];
    let answer;
    db.function('answer', () => answer);
    const stmt = db.prepare('SELECT answer() AS v, typeof(answer()) AS t, hex(answer()) AS h');
    for (const [at, value] of answers.entries()) {
      answer = value;
      log.call(`answer ${at}`, () => stmt.get());
    }
  },
  'what may be defined'(Database, dir, log) {
    const db = new Database(':memory:');
    const bad = [[], ['f'], [1, () => 1], ['', () => 1], ['f', 5], ['f', {}, 5], ['f', 5, () => 1], [null, () => 1], ['f', { safeIntegers: 1 }, () => 1], ['f', { deterministic: 'x' }, () => 1], ['f', { directOnly: 0 }, () => 1], ['f', { varargs: null }, () => 1],
      ['f', {}, Object.defineProperty(() => 1, 'length', { value: -1 })], ['f', {}, Object.defineProperty(() => 1, 'length', { value: 101 })], ['f', {}, Object.defineProperty(() => 1, 'length', { value: 100 })], ['f', {}, Object.defineProperty(() => 1, 'length', { value: 1.5 })],
      ['n'.repeat(255), () => 1], ['n'.repeat(256), () => 1], ['ä🙂', () => 5], ['with space', () => 6], ['f', null, () => 1], ['f', undefined, () => 1], ['nul\0name', () => 7]];
    for (const [at, args] of bad.entries()) log.call(`define ${at}`, () => db.function(...args) === db);
    log.call('odd names', () => db.prepare('SELECT "ä🙂"(), "with space"(), nul()').raw().get());
  },
  'names are case-insensitive and arity matters'(Database, dir, log) {
    const db = new Database(':memory:');
    db.function('F', () => 'none');
    db.function('f', (a) => `one ${a}`);
    db.function('f', (a, b) => `two ${a} ${b}`);
    db.function('f', { varargs: true }, (...args) => `many ${args.length}`);
    log.call('all', () => db.prepare('SELECT f(), F(1), f(1, 2), f(1, 2, 3)').raw().get());
    db.function('f', (a) => `again ${a}`);
    log.call('redefined', () => db.prepare('SELECT f(1)').raw().get());
    db.function('lower', (a) => `mine ${a}`);
    log.call('a built-in overridden', () => db.prepare("SELECT lower('X'), upper('x')").raw().get());
    log.call('wrong count', () => { db.function('only_two', (a, b) => a + b); return db.prepare('SELECT only_two(1)').get(); });
    const held = db.prepare('SELECT f(5)').pluck();
    log('held', held.get());
    db.function('f', (a) => `newest ${a}`);
    log.call('a held statement sees the new one', () => held.get());
    db.function('defaults', (a, b = 2, ...rest) => 1);
    log.call('length counts', () => db.prepare('SELECT defaults(1)').pluck().get());
  },
  'what a function throws is what the caller gets'(Database, dir, log) {
    const db = new Database(':memory:');
    let thrown;
    db.function('fail', () => { throw thrown; });
    const stmt = db.prepare('SELECT fail() AS a');
    class Odd extends RangeError { constructor() { super('odd'); this.extra = 1; } }
    for (const value of [new Error('plain'), new Odd(), 'a string', 5, null, undefined, { an: 'object' }, Symbol('s'), new Database.SqliteError('mine', 'MY_CODE')]) {
      thrown = value;
      for (const [name, attempt] of Object.entries({ get: () => stmt.get(), all: () => stmt.all(), run: () => stmt.run(), iterate: () => [...stmt.iterate()], exec: () => db.exec('SELECT fail()') })) {
        let same = 'nothing thrown';
        try { attempt(); } catch (error) { same = error === value; }
        log(`${name} ${String(value)}`, same);
      }
      log.call('thrown', () => stmt.get());
    }
    log('the database goes on', db.prepare('SELECT 1 AS a').get());
    db.exec('CREATE TABLE t(a)');
    thrown = new Error('in the middle');
    db.function('sometimes', (a) => { if (a === 3) throw thrown; return a; });
    log.call('a write is undone', () => db.exec("INSERT INTO t SELECT sometimes(value) FROM json_each('[1,2,3,4]')"));
    log('rows', db.prepare('SELECT count(*) FROM t').pluck().get());
    db.exec('CREATE TRIGGER g BEFORE INSERT ON t BEGIN SELECT sometimes(new.a); END');
    log.call('from a trigger', () => db.prepare('INSERT INTO t VALUES (?)').run(3));
    log.call('iterate stops at it', () => { const got = []; try { for (const row of db.prepare("SELECT sometimes(value) AS a FROM json_each('[1,2,3,4]')").iterate()) got.push(row.a); } catch (error) { got.push(error); } return got; });
  },
  'thousands of throws leave no trace'(Database, dir, log) {
    const db = new Database(':memory:');
    db.function('fail', (a) => { throw new Error(`no ${a}`); });
    const stmt = db.prepare('SELECT fail(?)');
    let caught = 0;
    for (let i = 0; i < 20000; i++) { try { stmt.get(i); } catch (error) { caught += error.message === `no ${i}` ? 1 : 0; } }
    log('caught', caught);
    log('goes on', db.prepare('SELECT 1').get());
  },
  'deterministic, directOnly and the schema'(Database, dir, log) {
    const db = new Database(':memory:');
    let calls = 0;
    db.function('det', { deterministic: true }, (a) => { calls++; return a * 2; });
    db.function('undet', (a) => { calls++; return a * 2; });
    db.function('direct', { directOnly: true, deterministic: true }, (a) => a * 2);
    db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3)');
    log.call('index on deterministic', () => db.exec('CREATE INDEX i ON t(det(a))'));
    log.call('index on the other', () => db.exec('CREATE INDEX j ON t(undet(a))'));
    log.call('index on direct', () => db.exec('CREATE INDEX k ON t(direct(a))'));
    calls = 0;
    log.call('constants are folded', () => db.prepare('SELECT det(5) + a FROM t').pluck().all());
    log('calls', calls);
    calls = 0;
    db.prepare('SELECT undet(5) + a FROM t').pluck().all();
    log('calls', calls);
    log.call('a view with direct', () => { db.exec('CREATE VIEW v AS SELECT direct(a) AS d FROM t'); return db.prepare('SELECT * FROM v').all(); });
    log.call('a trigger with direct', () => { db.exec('CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT direct(1); END'); return db.exec('INSERT INTO t VALUES (4)'); });
    log.call('directly', () => db.prepare('SELECT direct(21) AS d').get());
    log.call('a check constraint', () => { db.exec('CREATE TABLE c(a CHECK (det(a) < 10))'); return db.exec('INSERT INTO c VALUES (9)'); });
    log.call('a generated column', () => { db.exec('CREATE TABLE gen(a, b AS (det(a)) STORED)'); db.exec('INSERT INTO gen VALUES (4)'); return db.prepare('SELECT * FROM gen').all(); });
  },
  'this and arguments'(Database, dir, log) {
    const db = new Database(':memory:');
    db.function('self', function (a) { return [typeof this, this === undefined, arguments.length, new.target === undefined].join(' '); });
    log.call('strict', () => db.prepare('SELECT self(1)').pluck().get());
    db.function('sloppy', new Function('a', 'return this === globalThis ? 1 : 0'));
    log.call('sloppy', () => db.prepare('SELECT sloppy(1)').pluck().get());
    db.function('hundred', { varargs: true }, (...args) => args.reduce((a, b) => a + b, 0));
    log.call('a hundred arguments', () => db.prepare(`SELECT hundred(${Array.from({ length: 100 }, (_, i) => i)})`).pluck().get());
    log.call('too many', () => db.prepare(`SELECT hundred(${Array.from({ length: 2000 }, (_, i) => i)})`).pluck().get());
    const kept = [];
    db.function('keep', (a) => { kept.push(a); return null; });
    db.prepare("SELECT keep(x'aabb'), keep(x'ccdd'), keep('text')").get();
    db.prepare("SELECT zeroblob(100)").get();
    log('buffers outlive the call', kept);
    db.function('change', (a) => { a[0] = 0xff; return a; });
    db.exec("CREATE TABLE b(a BLOB); INSERT INTO b VALUES (x'00112233')");
    log.call('a changed argument', () => db.prepare('SELECT change(a) AS c, a FROM b').get());
    log('changes no row', db.prepare('SELECT a FROM b').get());
  },
  'defaultSafeIntegers at definition time decides'(Database, dir, log) {
    const db = new Database(':memory:');
    db.function('kind_before', (a) => typeof a);
    db.defaultSafeIntegers();
    db.function('kind_after', (a) => typeof a);
    db.function('kind_off', { safeIntegers: false }, (a) => typeof a);
    db.function('kind_on', { safeIntegers: true }, (a) => typeof a);
    log('kinds', db.prepare('SELECT kind_before(1), kind_after(1), kind_off(1), kind_on(1)').raw().get());
    db.defaultSafeIntegers(false);
    log('kinds', db.prepare('SELECT kind_before(1), kind_after(1), kind_off(1), kind_on(1)').raw().get());
    for (const bad of [1, 'x', null, undefined]) log.call('wrong type', () => db.defaultSafeIntegers(bad));
  },
  'functions everywhere a query has an expression'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a, b); INSERT INTO t VALUES (3, 1), (1, 2), (2, 3)');
    db.function('twice', { deterministic: true }, (a) => a * 2);
    db.function('cmp', (a, b) => a < b);
    db.function('regexp', (pattern, text) => (new RegExp(pattern).test(text) ? 1 : 0));
    for (const sql of ['SELECT a FROM t WHERE twice(a) > 3', 'SELECT a FROM t ORDER BY twice(a) DESC', 'SELECT twice(a) AS d, count(*) FROM t GROUP BY d HAVING twice(d) > 5', 'SELECT a FROM t x WHERE EXISTS (SELECT 1 FROM t WHERE twice(a) = x.b)', 'UPDATE t SET b = twice(b) WHERE a = 1 RETURNING b', "SELECT 'abc' REGEXP '^a.c$', 'abd' REGEXP 'c'", 'SELECT cmp(1, 2)', 'SELECT sum(twice(a)) FROM t', 'SELECT a, sum(twice(a)) OVER (ORDER BY a) AS s FROM t', "SELECT twice(value) FROM json_each('[1,2]')", 'SELECT a FROM t LIMIT twice(1)', 'SELECT CASE twice(1) WHEN 2 THEN \'y\' END', 'SELECT t.a FROM t JOIN t u ON twice(t.a) = u.a']) {
      log.call(sql, () => db.prepare(sql).raw().all());
    }
  },
};
