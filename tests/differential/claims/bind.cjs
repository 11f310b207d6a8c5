'use strict';
const vm = require('node:vm');

/** A row that says type, value and bytes of one parameter. */
const PROBE = 'SELECT $v AS v, typeof($v) AS t, hex(CAST($v AS BLOB)) AS h';

module.exports = {
  'every type a parameter may have'(Database, dir, log) {
    const db = new Database(':memory:');
    const stmt = db.prepare('SELECT $v AS v, typeof($v) AS t, quote($v) AS q, hex(CAST($v AS BLOB)) AS h');
    const values = [
      null, undefined, 0, -0, 1, -1, 0.5, 1e308, 5e-324, NaN, Infinity, -Infinity, 2 ** 31, -(2 ** 31), 2 ** 53, 2 ** 53 + 2, 2 ** 63, -(2 ** 63), 1e21,
      0n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), '', 'x', 'ä日🙂', 'a\0b', '\0', '\ud800', 'x\udc00y', '\udbff\ud800', '\ufeffbom', 'z'.repeat(5000),
      Buffer.alloc(0), Buffer.from('abc'), Buffer.from([0, 255, 0]), Buffer.alloc(5000, 7),
      new Uint8Array([1, 2, 3]), new Uint8Array(0), new Uint8ClampedArray([9]), new Int8Array([-1]), new Uint16Array([1, 256]), new Float64Array([1.5]), new BigInt64Array([1n]), new DataView(new ArrayBuffer(3)),
      new Uint8Array([0, 1, 2, 3, 4]).subarray(2, 4), Buffer.from('slice me').subarray(2, 5),
    ];
    for (const [at, value] of values.entries()) log.call(`value ${at}`, () => stmt.get({ v: value }));
    for (const [at, value] of values.entries()) log.call(`bigints ${at}`, () => stmt.safeIntegers().get({ v: value }));
  },
  'every type it may not have'(Database, dir, log) {
    const db = new Database(':memory:');
    const named = db.prepare('SELECT $v AS v');
    const anonymous = db.prepare('SELECT ? AS v');
    const values = [true, false, Symbol('s'), () => 1, {}, [], [1], new Date(0), /x/, new Map(), new ArrayBuffer(4), new SharedArrayBuffer(4), 2n ** 63n, -(2n ** 63n) - 1n, 2n ** 100n, new String('x'), new Number(1), new Proxy({}, {}), new (class X {})(), Object.create(null), Promise.resolve(1), new Error('e'), globalThis];
    for (const [at, value] of values.entries()) {
      log.call(`named ${at}`, () => named.get({ v: value }));
      log.call(`anonymous ${at}`, () => anonymous.get(value));
      log.call(`in an array ${at}`, () => anonymous.get([value]));
      log.call(`alone to a named ${at}`, () => named.get(value));
    }
  },
  'which objects are plain'(Database, dir, log) {
    const db = new Database(':memory:');
    const named = db.prepare('SELECT $v AS v');
    const anonymous = db.prepare('SELECT ? AS v');
    const bare = Object.create(null);
    const failing = new Proxy({ v: 1 }, { getPrototypeOf() { throw new RangeError('no prototype'); } });
    const objects = {
      literal: { v: 1 }, 'without prototype': Object.assign(Object.create(null), { v: 1 }), 'of a bare object': Object.assign(Object.create(bare), { v: 1 }), 'of an object': Object.assign(Object.create({}), { v: 1 }),
      class: Object.assign(new (class X {})(), { v: 1 }), 'another realm': require('node:vm').runInNewContext('({ v: 1 })'), proxy: new Proxy({ v: 1 }, {}), 'proxy of a class': new Proxy(new (class X {})(), {}), 'failing proxy': failing,
      'failing has': new Proxy({ v: 1 }, { getOwnPropertyDescriptor() { throw new RangeError('no property'); } }), 'failing get': new Proxy({ v: 1 }, { get() { throw new RangeError('no value'); } }),
      Math, JSON, date: new Date(0), map: new Map(), error: new Error('e'), regexp: /x/, boxed: new Number(1),
    };
    for (const [name, object] of Object.entries(objects)) {
      log.call(`named ${name}`, () => named.get(object));
      log.call(`anonymous ${name}`, () => anonymous.get(object));
    }
  },
  'positions'(Database, dir, log) {
    const db = new Database(':memory:');
    const cases = [
      ['SELECT ?, ?, ?', [1, 2, 3]], ['SELECT ?, ?, ?', [[1, 2, 3]]], ['SELECT ?, ?, ?', [[1], 2, [3]]], ['SELECT ?, ?, ?', [[], [1, [], 2], 3]], ['SELECT ?, ?, ?', [1, 2]], ['SELECT ?, ?, ?', [1, 2, 3, 4]],
      ['SELECT ?, ?, ?', [[1, 2, 3, 4]]], ['SELECT ?, ?, ?', []], ['SELECT ?, ?, ?', [[]]], ['SELECT ?, ?, ?', [{}]], ['SELECT ?, ?, ?', [1, 2, 3, {}]], ['SELECT ?, ?, ?', [1, {}, 2, 3]], ['SELECT 1', []], ['SELECT 1', [1]], ['SELECT 1', [{}]], ['SELECT 1', [[]]], ['SELECT 1', [undefined]], ['SELECT 1', [{}, {}]],
      ['SELECT ?1, ?2, ?1', [1, 2]], ['SELECT ?1, ?2, ?1', [{ 1: 'a', 2: 'b' }]], ['SELECT ?1, ?2', [{ 1: 'a' }]], ['SELECT ?2, ?4', [{ 2: 'a', 4: 'b' }]], ['SELECT ?2, ?4', [{ 1: 0, 2: 'a', 3: 0, 4: 'b' }]], ['SELECT ?2, ?4', [1, 2, 3, 4]], ['SELECT ?2, ?4', ['x', { 2: 'a', 4: 'b' }]], ['SELECT ?, ?1', [1]], ['SELECT ?, ?1', [{ 1: 5 }]], ['SELECT ?3, ?', [1, 2, 3, 4]], ['SELECT ?3, ?', [1, 2, 3, { 3: 'x' }]], ['SELECT ?3, ?', [1, 2, 4, { 3: 'x' }]],
      ['SELECT $a, @a, :a', [{ a: 1 }]], ['SELECT $a, @b, :c', [{ a: 1, b: 2, c: 3 }]], ['SELECT $a, @b, :c', [{ $a: 1, '@b': 2, ':c': 3 }]], ['SELECT :a, ?, :b', [{ a: 1, b: 2 }, 3]], ['SELECT :a, ?, :b', [3, { a: 1, b: 2 }]], ['SELECT :a, ?, :b', [{ a: 1 }, 3]], ['SELECT :a, ?, :b', [{ a: 1, b: 2 }]], ['SELECT :a, ?, :b', [1, 2, 3]], ['SELECT :a, ?, :b', [3]], ['SELECT :a', []], ['SELECT :a', [{}]], ['SELECT :a', [{ b: 1 }]], ['SELECT :a', [{ a: 1, b: 1 }]], ['SELECT :a', [{ a: 1 }, { a: 1 }]], ['SELECT :a', [{ a: 1 }, {}]], ['SELECT :a', [{ a: 1 }, 5]], ['SELECT :a', [[1]]], ['SELECT :a', [null]], ['SELECT ?, ?', [{ a: 1 }, 1]], ['SELECT $a::b(c)', [{ 'a::b(c)': 1 }]], ['SELECT :ä', [{ ä: 1 }]], ['SELECT :a, :A', [{ a: 1, A: 2 }]], ['SELECT :__proto__', [JSON.parse('{"__proto__":5}')]], ['SELECT :__proto__', [{}]], ['SELECT :constructor', [{}]], ['SELECT :toString', [{ toString: 'own' }]], ['SELECT :length, :a', [{ length: 1, a: 2 }]], ['SELECT :missing_ä', [{}]],
    ];
    for (const [sql, args] of cases) log.call(`${sql} ${JSON.stringify(args)}`, () => db.prepare(sql).raw().get(...args));
    log.call('sparse arrays', () => db.prepare('SELECT ?, ?, ?').raw().get([1, , 3]));
    log.call('array-likes are no arrays', () => db.prepare('SELECT ?, ?').raw().get({ 0: 1, 1: 2, length: 2 }));
    log.call('array subclasses are', () => db.prepare('SELECT ?, ?').raw().get(new (class extends Array {})(5, 6)));
    log.call('hundreds', () => db.prepare(`SELECT ${Array(500).fill('?').join(' + ')}`).pluck().get(Array.from({ length: 500 }, (_, i) => i)));
    log.call('all there may be', () => db.prepare(`SELECT ?32766`).pluck().get(new Array(32766).fill(1)));
    log.call('more than there may be', () => db.prepare(`SELECT ?32767`));
  },
  'which objects carry names'(Database, dir, log) {
    const db = new Database(':memory:');
    const stmt = db.prepare('SELECT :a AS a');
    class Own { constructor() { this.a = 1; } }
    const inherited = Object.create({ a: 1 });
    const bare = Object.assign(Object.create(null), { a: 1 });
    log.call('plain', () => stmt.get({ a: 1 }));
    log.call('without prototype', () => stmt.get(bare));
    log.call('a class', () => stmt.get(new Own()));
    log.call('inherited', () => stmt.get(inherited));
    log.call('another realm', () => stmt.get(vm.runInNewContext('({ a: 1 })')));
    log.call('an array of another realm', () => db.prepare('SELECT ?').get(vm.runInNewContext('[1]')));
    log.call('a buffer for a name', () => stmt.get(Buffer.from('x')));
    log.call('a getter', () => stmt.get({ get a() { return 5; } }));
    log.call('a getter that throws', () => stmt.get({ get a() { throw new TypeError('from the getter'); } }));
    log.call('not enumerable', () => stmt.get(Object.defineProperty({}, 'a', { value: 6 })));
    log.call('a proxy', () => stmt.get(new Proxy({ a: 7 }, {})));
    log.call('a proxy that throws', () => stmt.get(new Proxy({ a: 7 }, { getOwnPropertyDescriptor() { throw new RangeError('trap'); } })));
    log.call('arguments', () => (function f() { return stmt.get(arguments); })(1));
    log.call('a class where no name is wanted', () => db.prepare('SELECT ?').get(new Own()));
    const order = [];
    log.call('order of reading', () => db.prepare('SELECT :b, :a, :c').raw().get(new Proxy({ a: 1, b: 2, c: 3 }, {
      get(target, key) { order.push(['get', String(key)]); return target[key]; },
      has(target, key) { order.push(['has', String(key)]); return key in target; },
      getOwnPropertyDescriptor(target, key) { order.push(['own', String(key)]); return Reflect.getOwnPropertyDescriptor(target, key); },
    })));
    log('order', order);
    log.call('an array whose getter throws', () => db.prepare('SELECT ?, ?').get(Object.defineProperty([1, 2], 1, { get() { throw new Error('element'); } })));
  },
  'bind is for good'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a, b)');
    const insert = db.prepare('INSERT INTO t VALUES (?, :b)');
    log('returns the statement', insert.bind(1, { b: 'x' }) === insert);
    log.call('again', () => insert.bind(2, { b: 'y' }));
    log.call('run with arguments', () => insert.run(1));
    log.call('run', () => insert.run());
    log.call('run again', () => insert.run());
    log('rows', db.prepare('SELECT * FROM t').all());
    const select = db.prepare('SELECT * FROM t WHERE b = ?').bind('x');
    for (const method of ['get', 'all', 'explainQueryPlan']) log.call(method, () => select[method]());
    for (const method of ['get', 'all', 'iterate', 'explainQueryPlan', 'run']) log.call(`${method} with arguments`, () => select[method]('y'));
    const nothing = db.prepare('SELECT 1 AS a');
    log.call('without parameters', () => nothing.bind().get());
    log.call('once all the same', () => nothing.bind());
    const failed = db.prepare('SELECT ? AS a, ? AS b');
    log.call('a failed bind', () => failed.bind(1));
    log.call('a wrong type', () => failed.bind(1, {}, true));
    log.call('leaves it free', () => failed.get(1, 2));
    log.call('and may be bound', () => failed.bind(3, 4).get());
    const buffer = Buffer.from('abc');
    const copied = db.prepare('SELECT ? AS a').bind(buffer);
    buffer.fill('z');
    log('values are copied', copied.get());
  },
  'values are cleared after each call'(Database, dir, log) {
    const db = new Database(':memory:');
    const stmt = db.prepare('SELECT ? AS a, ? AS b');
    log('both', stmt.get(1, 2));
    log.call('one', () => stmt.get(1));
    log.call('a failure in the middle', () => stmt.get(1, true));
    log('then', stmt.get('x', 'y'));
    const repeat = db.prepare('SELECT ? AS a');
    log('different types', [1, 'a', null, 2n, Buffer.from('b'), 1.5, ''].map((value) => repeat.get(value)));
  },
  'a getter may use the database while binding'(Database, dir, log) {
    const db = new Database(':memory:');
    const stmt = db.prepare('SELECT :a AS a, :b AS b');
    log.call('another statement', () => stmt.get({ get a() { return db.prepare('SELECT 41 + 1').pluck().get(); }, b: 2 }));
    log.call('strings and buffers around it', () => stmt.get({ a: 'before'.repeat(50), get b() { return db.prepare('SELECT ?').pluck().get('inner'.repeat(100)); } }));
  },
  'a probe of each column type takes what affinity makes of it'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(i INTEGER, r REAL, t TEXT, b BLOB, n NUMERIC, x)');
    const insert = db.prepare('INSERT INTO t VALUES ($v, $v, $v, $v, $v, $v)');
    const read = db.prepare('SELECT i, typeof(i) ti, r, typeof(r) tr, t, typeof(t) tt, b, typeof(b) tb, n, typeof(n) tn, x, typeof(x) tx FROM t');
    for (const value of [1, 1.5, '1', '1.5', '1e3', 'x', '', null, Buffer.from('1'), 2n ** 60n, '9223372036854775808', ' 12 ', '0x10', -0, NaN, Infinity, '1e400']) {
      insert.run({ v: value });
      log('row', read.all());
      log('probe', db.prepare(PROBE).get({ v: value }));
      db.exec('DELETE FROM t');
    }
  },
};
