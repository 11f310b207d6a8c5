'use strict';

/** The addon's object behind a database. @param {any} db */
const raw = (db) => db[Object.getOwnPropertySymbols(db)[0]];

module.exports = {
  'a statement as a text is its SQL, with what was bound for good'(Database, dir, log) {
    const db = new Database(':memory:');
    log('plain', String(db.prepare('SELECT 1 AS a; -- end')));
    log('with parameters', `${db.prepare('SELECT ?, $b')}`);
    const values = [null, 1, -0.5, 1e300, 5n, 2n ** 62n, 'text', "it's", 'ä日🙂', '', Buffer.from('blob'), Buffer.alloc(0), NaN, Infinity];
    for (const [at, value] of values.entries()) log.call(`bound ${at}`, () => db.prepare('SELECT ?').bind(value).toString());
    log('named', db.prepare('SELECT $a, @b, :c, ?').bind({ a: 1, b: 'x', c: null }, 2).toString());
    const stmt = db.prepare('SELECT ?').bind(5);
    log('run', [stmt.get(), stmt.toString()]);
    const iterator = stmt.iterate();
    iterator.next();
    log('iterating', String(stmt));
    iterator.return();
    db.function('text', () => stmt.toString());
    log('in a function', db.prepare('SELECT text()').pluck().get());
    const { toString } = Object.getPrototypeOf(stmt);
    for (const object of [{}, null, undefined, db, raw(db), Object.create(stmt)]) log.call('of something else', () => toString.call(object));
    db.close();
    log('closed', [stmt.toString(), db.open]);
  },
  'live properties are getters of their own'(Database, dir, log) {
    const db = new Database(':memory:');
    const other = new Database(':memory:');
    const stmt = db.prepare('SELECT 1 UNION SELECT 2');
    const shape = (object) => Object.entries(Object.getOwnPropertyDescriptors(object)).filter(([, { get }]) => get).map(([key, { get, set, ...flags }]) => [key, get.name, get.length, typeof set, flags]);
    log('of a statement', [Object.keys(stmt), shape(stmt)]);
    log('of a database', [Object.keys(raw(db)), shape(raw(db))]);
    const busy = Object.getOwnPropertyDescriptor(stmt, 'busy').get;
    const open = Object.getOwnPropertyDescriptor(raw(db), 'open').get;
    const inTransaction = Object.getOwnPropertyDescriptor(raw(db), 'inTransaction').get;
    log('borrowed', [busy.call(db.prepare('SELECT 1')), open.call(raw(other)), inTransaction.call(raw(other))]);
    for (const object of [undefined, {}, db, stmt, raw(db)]) for (const get of [busy, open, inTransaction]) log.call('of another class', () => typeof get.call(object));
    log.call('assigned', () => { 'use strict'; stmt.busy = true; });
    const iterator = stmt.iterate();
    log('iterating', stmt.busy);
    iterator.next();
    log('iterating', stmt.busy);
    iterator.return();
    log('done', stmt.busy);
    const open2 = stmt.iterate();
    open2.next();
    log.call('close while iterating', () => db.close());
    open2.return();
    db.exec('BEGIN');
    log('in a transaction', [raw(db).inTransaction, db.inTransaction]);
    db.close();
    log('closed', [raw(db).open, raw(db).inTransaction, stmt.busy, db.open]);
  },
  'columns named like parts of objects'(Database, dir, log) {
    const db = new Database(':memory:');
    for (const value of ["5", "NULL", "'x'", "x'0102'"]) {
      for (const sql of [`SELECT ${value} AS "__proto__", 1 AS a`, `SELECT 1 AS a, ${value} AS "__proto__", 2 AS "__proto__"`, `SELECT ${value} AS constructor, 3 AS hasOwnProperty, 4 AS "", 5 AS "0"`]) {
        for (const mode of ['raw', 'pluck', 'expand']) log.call(`${mode} ${sql}`, () => db.prepare(sql)[mode]().get());
        const row = db.prepare(sql).get();
        log(sql, [row, Object.keys(row), Object.getPrototypeOf(row) === Object.prototype, Object.getPrototypeOf(row)]);
        log('all', db.prepare(sql).all());
        log('iterate', [...db.prepare(sql).iterate()]);
      }
    }
  },
  'what the methods of the addon want'(Database, dir, log) {
    const db = new Database(':memory:');
    const addon = raw(db);
    const good = ['SELECT 1 AS a', db, false, false];
    for (let n = 0; n <= 4; n++) log.call(`prepare with ${n}`, () => addon.prepare(...good.slice(0, n)).source);
    for (let at = 0; at < 4; at++) for (const wrong of [undefined, null, 1, 'x', {}, () => 1, true]) log.call(`prepare ${at} ${typeof wrong}`, () => addon.prepare(...good.map((value, i) => (i === at ? wrong : value))).source);
    log.call('pragma and explain', () => addon.prepare('SELECT ?', db, true, true).all());
    log.call('pragma, bound', () => addon.prepare('SELECT ?', db, true, false).all(1));
    log.call('explain, with a parameter', () => addon.prepare('SELECT ?', db, false, true).all(1));
    const explained = addon.prepare('SELECT ?', db, false, true);
    log.call('explain, twice', () => [explained.all(), explained.all(), explained.get(), explained.toString()]);
    log.call('explain, bind', () => addon.prepare('SELECT ?', db, false, true).bind(1));
    log.call('explain, iterate', () => [...addon.prepare('SELECT ? AS a', db, false, true).iterate()]);
    db.close();
    for (const method of ['unsafeMode', 'defaultSafeIntegers']) log.call(`${method} closed`, () => typeof addon[method]());
  },
};
