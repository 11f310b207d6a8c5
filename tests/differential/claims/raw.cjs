'use strict';

const raw = (db) => db[Object.getOwnPropertySymbols(db)[0]];

module.exports = {
  'constructors that are not for users'(Database, dir, log) {
    const db = new Database(':memory:');
    const { constructor: Statement } = db.prepare('SELECT 1');
    const iterator = db.prepare('SELECT 1').iterate();
    const { constructor: StatementIterator } = iterator;
    iterator.return();
    const backup = raw(db).backup(db, 'main', `${dir}/b.db`, true);
    const { constructor: Backup } = backup;
    backup.close();
    for (const [name, Class] of Object.entries({ Statement, StatementIterator, Backup })) {
      log(name, [Class.name, Class.length, typeof Class]);
      log.call(`new ${name}`, () => new Class());
      log.call(`new ${name} with arguments`, () => new Class('SELECT 1', db, false));
      log.call(`Reflect.construct ${name}`, () => Reflect.construct(Class, [], Object));
    }
    log.call('a class of them', () => new (class extends Statement {})());
  },
  'a Database of the addon wants eight arguments'(Database, dir, log) {
    const { constructor: Addon } = raw(new Database(':memory:'));
    log('class', [Addon.name, Addon.length]);
    const good = [':memory:', ':memory:', true, false, false, 5000, null, null];
    for (let count = 0; count <= 8; count++) log.call(`${count} arguments`, () => new Addon(...good.slice(0, count)).open);
    const wrong = [[0, 5], [1, null], [2, 'x'], [3, 1], [4, undefined], [5, 1.5], [5, '5'], [5, 2 ** 31], [5, -1], [6, 5], [7, 'x']];
    for (const [at, value] of wrong) log.call(`argument ${at} ${String(value)}`, () => new Addon(...good.with(at, value)).open);
  },
  'a method of one class does not take an object of another'(Database, dir, log) {
    const db = new Database(':memory:');
    const stmt = db.prepare('SELECT 1 AS a');
    const iterator = db.prepare('SELECT 2 AS a').iterate();
    const backup = raw(db).backup(db, 'main', `${dir}/b.db`, true);
    const objects = { database: raw(db), statement: stmt, iterator, backup };
    const strangers = { undefined: undefined, null: null, number: 5, plain: {}, function: () => 1, wrapper: db, inherited: (object) => Object.create(object), proxy: (object) => new Proxy(object, {}) };
    for (const [name, object] of Object.entries(objects)) {
      const prototype = Object.getPrototypeOf(object);
      for (const method of Object.getOwnPropertyNames(prototype).sort()) {
        if (method === 'constructor' || typeof prototype[method] !== 'function') continue;
        for (const [kind, stranger] of Object.entries(strangers)) {
          const receiver = ['inherited', 'proxy'].includes(kind) ? stranger(object) : stranger;
          log.call(`${name}.${method} on ${kind}`, () => prototype[method].call(receiver));
        }
        for (const [other, receiver] of Object.entries(objects)) {
          if (other !== name) log.call(`${name}.${method} on ${other}`, () => prototype[method].call(receiver));
        }
      }
    }
    iterator.return();
    backup.close();
  },
  'every method checks its arguments'(Database, dir, log) {
    const db = new Database(':memory:');
    const addon = raw(db);
    const fn = () => 1;
    const methods = {
      prepare: ['SELECT 1', db, false],
      exec: ['SELECT 1'],
      backup: [db, 'main', `${dir}/b.db`, true],
      serialize: ['main'],
      function: [fn, 'f', 1, 2, false, false],
      aggregate: [0, fn, null, null, 'f', 1, 2, false, false],
      table: [fn, 'f', true],
      defaultSafeIntegers: [true],
      unsafeMode: [true],
    };
    const values = [undefined, null, 5, 1.5, 2 ** 40, 'text', true, {}, [], fn, Symbol('s'), 5n];
    for (const [name, good] of Object.entries(methods)) {
      for (let count = 0; count < good.length; count++) log.call(`${name} with ${count}`, () => typeof addon[name](...good.slice(0, count)));
      for (const at of good.keys()) {
        for (const value of values) {
          // What is taken as it is, or names a table factory that SQLite calls at once, is a matter of its own claims.
          if (typeof value === typeof good[at] || (name === 'aggregate' && [0, 2, 3].includes(at))) continue;
          if (name === 'backup' && at === 0) continue;
          log.call(`${name} argument ${at} as ${value === null ? 'null' : typeof value}`, () => typeof addon[name](...good.with(at, value)));
        }
      }
      log.call(`${name} closed`, () => { const other = new Database(':memory:'); const closed = raw(other); other.close(); return name === 'unsafeMode' ? 'not asked' : typeof closed[name](...good); });
    }
    log('settled', db.defaultSafeIntegers(false).unsafeMode(false) === db);
  },
  'a backup by hand'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(100000))');
    const backup = raw(db).backup(db, 'main', `${dir}/b.db`, true);
    log('database', backup.database === db);
    for (const args of [[], ['x'], [1.5], [null], [2 ** 31]]) log.call('transfer', () => backup.transfer(...args));
    for (const pages of [0, 1, 5, -1, 5]) log.call(`transfer ${pages}`, () => backup.transfer(pages));
    log('close', backup.close() === backup);
    log('kept', require('node:fs').existsSync(`${dir}/b.db`));
    const unfinished = raw(db).backup(db, 'main', `${dir}/c.db`, true);
    unfinished.transfer(1);
    unfinished.close();
    log('unfinished and new: removed', require('node:fs').existsSync(`${dir}/c.db`));
    const old = raw(db).backup(db, 'main', `${dir}/d.db`, false);
    old.transfer(1);
    old.close();
    log('unfinished over an old one: kept', require('node:fs').existsSync(`${dir}/d.db`));
    const orphan = raw(db).backup(db, 'main', `${dir}/e.db`, true);
    orphan.transfer(1);
    db.close();
    log.call('transfer after the source is closed', () => orphan.transfer(1));
    log.call('close after it', () => orphan.close() === orphan);
    log('files', require('node:fs').readdirSync(dir).sort());
  },
  'loadExtension checks its arguments'(Database, dir, log) {
    const db = new Database(':memory:');
    for (const args of [[], [5], [null], ['x', 5], ['x', null]]) log.call('arguments', () => db.loadExtension(...args));
    log('refused all the same', (() => { try { db.loadExtension('/nonexistent/extension'); return 'loaded'; } catch (error) { return [error.constructor.name, typeof error.message]; } })());
    db.close();
    log.call('closed', () => db.loadExtension('x'));
  },
  'load_extension() in SQL is not authorized'(Database, dir, log) {
    const db = new Database(':memory:');
    for (const args of ["'x'", "'x', 'y'", 'NULL', '', '1, 2, 3']) log.call(args, () => db.prepare(`SELECT load_extension(${args})`).get());
    log.call('in a view', () => { db.exec("CREATE VIEW v AS SELECT load_extension('x')"); return db.prepare('SELECT * FROM v').get(); });
  },
};
