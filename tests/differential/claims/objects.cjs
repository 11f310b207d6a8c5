'use strict';

/** @param {any} object */
function own(object, skip = []) {
  return Reflect.ownKeys(object).filter((key) => !skip.includes(key)).map((key) => {
    const { value, get, set, ...flags } = Object.getOwnPropertyDescriptor(object, key);
    return [key, flags, typeof value, typeof get, typeof set];
  });
}

/** @param {any} object */
function chain(object) {
  const found = [];
  for (let at = object; at; at = Object.getPrototypeOf(at)) found.push([at.constructor && at.constructor.name, Object.prototype.toString.call(at)]);
  return found;
}

const raw = (db) => db[Object.getOwnPropertySymbols(db)[0]];

module.exports = {
  'a statement'(Database, dir, log) {
    const db = new Database(':memory:');
    for (const sql of ['SELECT 1 AS a', 'CREATE TABLE t(a)']) {
      const stmt = db.prepare(sql);
      log('own', own(stmt, ['busy']));
      log('busy', ['busy' in stmt, Object.keys(stmt).includes('busy'), stmt.busy, typeof stmt.busy]);
      log('keys', Object.keys(stmt).sort());
      log('chain', chain(stmt));
      log('spread', Object.entries({ ...stmt, database: 0 }).sort());
      log('database', stmt.database === db);
      log('extensible', [Object.isExtensible(stmt), Object.isFrozen(stmt), Object.isSealed(stmt)]);
      for (const key of ['reader', 'readonly', 'source', 'database']) {
        log.call(`write ${key}`, () => { stmt[key] = 5; });
        log.call(`delete ${key}`, () => delete stmt[key]);
        log.call(`define ${key}`, () => Object.defineProperty(stmt, key, { value: 5 }) === stmt);
      }
      log.call('a property of ones own', () => { stmt.mine = 5; return stmt.mine; });
    }
  },
  'the prototype of statements'(Database, dir, log) {
    const db = new Database(':memory:');
    const { constructor, prototype = Object.getPrototypeOf(db.prepare('SELECT 1')) } = {};
    log('names', Object.getOwnPropertyNames(prototype).sort());
    log('enumerable', Object.keys(prototype).sort());
    for (const key of Object.getOwnPropertyNames(prototype).sort()) {
      const { value, ...flags } = Object.getOwnPropertyDescriptor(prototype, key);
      log(key, [typeof value, value && value.name, flags]);
    }
    log('constructor', prototype.constructor.name);
    log('enumerated by for-in', (() => { const keys = []; for (const key in db.prepare('SELECT 1')) keys.push(key); return keys.sort(); })());
    const original = prototype.get;
    prototype.get = function (...args) { return ['wrapped', original.apply(this, args)]; };
    log('may be patched, as Zero does', db.prepare('SELECT 1 AS a').get());
    prototype.get = original;
    prototype.extra = function () { return this.source; };
    log('and extended', db.prepare('SELECT 7').extra());
    delete prototype.extra;
    log('the same for all databases', Object.getPrototypeOf(new Database(':memory:').prepare('SELECT 1')) === prototype);
  },
  'an iterator'(Database, dir, log) {
    const iterator = new Database(':memory:').prepare('SELECT 1 UNION SELECT 2').iterate();
    log('own', own(iterator));
    log('chain', chain(iterator));
    const prototype = Object.getPrototypeOf(iterator);
    log('prototype', Reflect.ownKeys(prototype).map(String).sort());
    log('enumerable', Object.keys(prototype).sort());
    log.call('write', () => { iterator.statement = 5; });
    log('record', [own(iterator.next()), own(iterator.return())]);
    log('prototype of a record', Object.getPrototypeOf(iterator.next()) === Object.prototype);
  },
  'a database and what is behind it'(Database, dir, log) {
    const db = new Database(':memory:');
    log('own', own(db).filter(([key]) => typeof key === 'string'));
    log('symbols', Object.getOwnPropertySymbols(db).length);
    log('chain', chain(db));
    log('keys', Object.keys(db));
    log('prototype', Object.getOwnPropertyNames(Database.prototype).sort());
    log('inspect', require('node:util').inspect(db));
    log('JSON', JSON.stringify(db));
    const addon = raw(db);
    log('addon own', own(addon, ['open', 'inTransaction']));
    log('addon keys', Object.keys(addon).sort());
    log('addon values', [addon.open, addon.inTransaction, addon.memory, addon.readonly, addon.name]);
    log('addon chain', chain(addon));
    const prototype = Object.getPrototypeOf(addon);
    log('addon prototype', Object.getOwnPropertyNames(prototype).sort());
    for (const key of Object.getOwnPropertyNames(prototype).sort()) {
      const { value, ...flags } = Object.getOwnPropertyDescriptor(prototype, key);
      log(key, [typeof value, value && value.name, flags]);
    }
    for (const key of ['memory', 'readonly', 'name']) log.call(`write ${key}`, () => { addon[key] = 5; });
    for (const key of ['open', 'inTransaction', 'name', 'memory', 'readonly']) log.call(`write ${key} of the database`, () => { db[key] = 5; });
  },
  'errors'(Database, dir, log) {
    const db = new Database(':memory:');
    const caught = (fn) => { try { fn(); } catch (error) { return error; } return undefined; };
    const { SqliteError } = Database;
    for (const [name, fn] of Object.entries({ prepare: () => db.prepare('SELEC'), exec: () => db.exec('SELEC'), get: () => db.prepare("SELECT json('{')").get(), open: () => new Database(dir), pragma: () => db.pragma('a b c') })) {
      const error = caught(fn);
      log(name, own(error));
      log('chain', chain(error));
      log('classes', [error instanceof SqliteError, error instanceof Error, error.constructor === SqliteError, error.name, error.code]);
      log('stack', [error.stack.split('\n')[0], error.stack.includes(__filename), error.stack.includes(name)]);
      log('text', String(error));
    }
    for (const [name, fn] of Object.entries({ type: () => db.prepare(5), range: () => db.prepare(''), bind: () => db.prepare('SELECT ?').get() })) {
      const error = caught(fn);
      log(name, own(error));
      log('chain', chain(error));
      log('stack', [error.stack.split('\n')[0], error.stack.includes(__filename)]);
    }
    log('made by hand', new SqliteError('hello', 'SQLITE_X'));
    log('without new', SqliteError('hello', 'SQLITE_X'));
    for (const args of [[], ['x'], ['x', 5], [5, 'CODE']]) log.call('arguments', () => new SqliteError(...args));
  },
  'a transaction function, a backup and a run result'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a)');
    log('transaction', own(db.transaction(() => 1)));
    log('result', own(db.prepare('INSERT INTO t VALUES (1)').run()));
    log('column', own(db.prepare('SELECT a FROM t').columns()[0]));
    const backup = raw(db).backup(db, 'main', `${dir}/b.db`, true);
    log('backup', own(backup));
    log('chain', chain(backup));
    log('prototype', Object.getOwnPropertyNames(Object.getPrototypeOf(backup)).sort());
    log('progress', own(backup.transfer(1)));
    log('close', backup.close() === backup);
    log('close again', backup.close() === backup);
  },
  'the package'(Database, dir, log) {
    log('exports', Object.getOwnPropertyNames(Database).sort());
    log('name and length', [Database.name, Database.length, Database.SqliteError.name]);
    log('statics', Object.entries(Database).filter(([, value]) => typeof value === 'number').sort());
    log('subclasses', (() => { class Mine extends Database { answer() { return this.prepare('SELECT 42 AS a').get().a; } } const mine = new Mine(':memory:'); return [mine.answer(), mine instanceof Database, mine.constructor.name]; })());
  },
};
