'use strict';

const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '0', '1', '10', '-1', '01', '1.5', '4294967294', '4294967295', '', ' ', 'a b', 'ä', '日本', '🙂', 'length', 'then', 'next', 'prototype', '"', "'", 'a.b', 'new', 'null', 'undefined', 'x'.repeat(300)];

/** @param {string} name */
const quoted = (name) => `"${name.replaceAll('"', '""')}"`;

/** Keys, own-ness and prototype of a row. @param {any} row */
const shape = (row) => ({ keys: Reflect.ownKeys(row), own: Object.hasOwn(row, '__proto__'), prototype: Object.getPrototypeOf(row) === Object.prototype, entries: Object.entries(row), descriptors: Object.values(Object.getOwnPropertyDescriptors(row)).every((d) => d.writable && d.enumerable && d.configurable) });

module.exports = {
  'any name may be a column'(Database, dir, log) {
    const db = new Database(':memory:');
    for (const name of NAMES) {
      const stmt = db.prepare(`SELECT 1 AS a, 2 AS ${quoted(name)}, 3 AS z`);
      log(`get ${name.slice(0, 20)}`, shape(stmt.get()));
      log('all', stmt.all().map(shape));
      log('iterate', [...stmt.iterate()].map(shape));
      log('expand', stmt.expand().all().map((row) => [shape(row), shape(row.$)]));
      log('columns', stmt.columns());
    }
    log('all of them', shape(db.prepare(`SELECT ${NAMES.map((name, at) => `${at} AS ${quoted(name)}`)}`).get()));
  },
  'duplicate names: the last one wins, the first one places'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a, b); CREATE TABLE u(a, b); INSERT INTO t VALUES (1, 2); INSERT INTO u VALUES (3, 4)');
    for (const sql of ['SELECT 1 AS a, 2 AS a', 'SELECT 1 AS a, 2 AS b, 3 AS a', 'SELECT * FROM t, u', 'SELECT t.*, t.* FROM t', 'SELECT 1 AS "2", 2 AS "1", 3 AS "2"', "SELECT 1 AS __proto__, 2 AS __proto__", "SELECT 1 AS constructor, 2 AS b, 3 AS constructor", 'SELECT 1, 1, 1', "SELECT 'x', 'y' AS x, 5 AS \"'x'\"", 'SELECT a, A, "a" FROM t']) {
      const stmt = db.prepare(sql);
      log(sql, [shape(stmt.get()), stmt.all().map(shape), [...stmt.iterate()].map(shape)]);
      log('raw', stmt.raw().all());
      log('expand', stmt.expand().all());
      log('pluck', stmt.pluck().all());
    }
  },
  'many distinct shapes'(Database, dir, log) {
    const db = new Database(':memory:');
    log('rows', Array.from({ length: 300 }, (_, at) => db.prepare(`SELECT ${at} AS k${at}, 'v' AS v${at % 10}`).all()[0]));
    const wide = db.prepare(`SELECT ${Array.from({ length: 1500 }, (_, at) => `${at} AS "${at % 2 ? at : `c${at}`}"`)}`);
    log('wide', [Object.keys(wide.get()).join(), Object.keys(wide.all()[0]).join()]);
  },
  'any name may be a table in expand'(Database, dir, log) {
    const db = new Database(':memory:');
    for (const name of ['constructor', 'toString', '1', 'ä', '$', 'a b', '', 'hasOwnProperty', 'x']) {
      log.call(`table ${name}`, () => { db.exec(`CREATE TABLE ${quoted(name)}(a, "b c"); INSERT INTO ${quoted(name)} VALUES (1, 2)`); const row = db.prepare(`SELECT *, 5 AS five FROM ${quoted(name)}`).expand().get(); return [Reflect.ownKeys(row), Object.entries(row).map(([key, value]) => [key, shape(value)])]; });
    }
  },
  'code from strings may be forbidden'(Database, dir, log) {
    return log.child('--disallow-code-generation-from-strings', (Database, dir, see) => {
      const db = new Database(':memory:');
      db.exec("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'x'), (2, 'y')");
      const stmt = db.prepare('SELECT * FROM t');
      see(stmt.get());
      see(stmt.all());
      see([...stmt.iterate()]);
      see(stmt.expand().all());
      see(db.prepare('SELECT 1 AS __proto__, 2 AS "0"').all());
    }, { flags: ['--disallow-code-generation-from-strings'] });
  },
};
