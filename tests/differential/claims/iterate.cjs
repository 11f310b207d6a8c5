'use strict';

module.exports = {
  'an iterator is the protocol and no more'(Database, dir, log) {
    const db = new Database(':memory:');
    const stmt = db.prepare('SELECT 1 AS a UNION ALL SELECT 2');
    const iterator = stmt.iterate();
    log('own keys', Reflect.ownKeys(iterator));
    log('statement', iterator.statement === stmt);
    log('iterable', iterator[Symbol.iterator]() === iterator);
    log('methods', ['next', 'return', 'throw', 'map'].map((name) => typeof iterator[name]));
    log('busy', stmt.busy);
    for (let i = 0; i < 4; i++) log('next', iterator.next());
    log('busy', stmt.busy);
    log('return after the end', iterator.return());
    log('return with a value', stmt.iterate().return(5));
    log('two are two', stmt.iterate !== undefined && (() => { const a = stmt.iterate(); a.return(); const b = stmt.iterate(); b.return(); return a !== b; })());
  },
  'loops can be left early'(Database, dir, log) {
    const db = new Database(':memory:');
    const stmt = db.prepare('SELECT value AS v FROM json_each(?)').pluck();
    const seen = [];
    for (const value of stmt.iterate('[1,2,3,4]')) {
      seen.push(value, stmt.busy);
      if (value === 2) break;
    }
    log('broken off', seen);
    log('busy', stmt.busy);
    log.call('a throw inside', () => { for (const value of stmt.iterate('[1,2]')) throw new Error(`at ${value}`); });
    log('busy', stmt.busy);
    log('destructured', (() => { const [first, second] = stmt.iterate('[7,8,9]'); return [first, second, stmt.busy]; })());
    log('spread', [...stmt.iterate('[]')]);
    log('Array.from', Array.from(stmt.iterate('[1,null,"x"]')));
  },
  'while an iterator is open, the database only reads'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3)');
    const stmt = db.prepare('SELECT a FROM t');
    const other = db.prepare('SELECT a FROM t');
    const insert = db.prepare('INSERT INTO t VALUES (9)');
    const returning = db.prepare('INSERT INTO t VALUES (8) RETURNING a');
    for (const opened of [false, true]) {
      const iterator = stmt.iterate();
      if (opened) log('first', iterator.next());
      log.call('get on itself', () => stmt.get());
      log.call('all on itself', () => stmt.all());
      log.call('iterate on itself', () => stmt.iterate());
      log.call('run on itself', () => stmt.run());
      log.call('bind on itself', () => stmt.bind());
      for (const method of ['raw', 'pluck', 'expand', 'safeIntegers']) log.call(method, () => stmt[method]());
      log.call('columns', () => stmt.columns());
      log.call('scanStatusReset', () => stmt.scanStatusReset() === stmt);
      log.call('another get', () => other.get());
      log.call('another all', () => other.all());
      log.call('another iterator', () => [...other.iterate()]);
      log.call('prepare', () => db.prepare('SELECT 2').get());
      log.call('prepare a write', () => db.prepare('DELETE FROM t').reader);
      log.call('run a write', () => insert.run());
      log.call('run a read', () => other.run());
      log.call('exec', () => db.exec('SELECT 1'));
      log.call('pragma', () => db.pragma('user_version'));
      log.call('close', () => db.close());
      log.call('function', () => db.function('f', () => 1));
      log.call('aggregate', () => db.aggregate('f', { step: () => 1 }));
      log.call('table', () => db.table('f', { columns: ['a'], *rows() {} }));
      log.call('serialize', () => db.serialize().length);
      log.call('loadExtension', () => db.loadExtension('x'));
      log.call('transaction', () => db.transaction(() => 1)());
      log.call('returning by get', () => returning.get());
      log.call('defaultSafeIntegers', () => db.defaultSafeIntegers(false) === db);
      log('next', iterator.next());
      iterator.return();
    }
    log('rows', db.prepare('SELECT a FROM t').pluck().all());
    log.call('all is well after', () => insert.run());
  },
  'settings are those of the start'(Database, dir, log) {
    const db = new Database(':memory:');
    const stmt = db.prepare('SELECT 1 AS a, 2 AS b UNION ALL SELECT 3, 4');
    for (const method of ['raw', 'pluck', 'expand', 'safeIntegers']) {
      stmt[method]();
      log(method, [...stmt.iterate()]);
      stmt[method](false);
    }
    const bound = db.prepare('SELECT ? AS a').bind(5);
    log('bound', [...bound.iterate()]);
    log.call('with arguments', () => bound.iterate(1));
    const free = db.prepare('SELECT ? AS a');
    log.call('too few', () => free.iterate());
    log.call('too many', () => free.iterate(1, 2));
    log('not busy', free.busy);
    const first = free.iterate('kept');
    log('the value is bound at the start', first.next());
    first.return();
    log.call('and cleared after', () => free.get());
  },
  'many iterators at once, closed in any order'(Database, dir, log) {
    const db = new Database(':memory:');
    const make = () => db.prepare('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n').pluck().iterate();
    const open = Array.from({ length: 50 }, make);
    const seen = [];
    for (let round = 0; round < 6; round++) for (const iterator of open) seen.push(iterator.next().value);
    log('interleaved', JSON.stringify(seen));
    const rest = Array.from({ length: 10 }, make);
    for (const at of [3, 1, 9, 0, 5]) rest[at].return();
    log.call('still open', () => db.exec('SELECT 1'));
    for (const iterator of rest) iterator.return();
    log.call('all closed', () => db.exec('SELECT 1'));
  },
  'next and return while the database is busy'(Database, dir, log) {
    const db = new Database(':memory:');
    const iterator = db.prepare('SELECT 1 UNION SELECT 2').pluck().iterate();
    db.prepare('SELECT 1').get();
    const seen = [];
    const other = new Database(':memory:');
    other.function('f', () => { seen.push(iterator.next()); return 1; });
    other.prepare('SELECT f()').get();
    log('from another database', seen);
    iterator.return();
    let inner;
    db.function('g', () => {
      for (const attempt of [() => inner.next(), () => inner.return(), () => inner.statement.busy]) {
        try { seen.push(attempt()); } catch (error) { seen.push(error); }
      }
      return 7;
    });
    inner = db.prepare('SELECT g() AS a UNION ALL SELECT g() + 1').iterate();
    log.call('next', () => inner.next());
    log.call('next', () => inner.next());
    log.call('next', () => inner.next());
    log('inside', seen);
  },
  'a row is computed when it is asked for'(Database, dir, log) {
    const db = new Database(':memory:');
    let calls = 0;
    db.function('count_me', () => ++calls);
    const iterator = db.prepare('SELECT count_me() AS n FROM json_each(?)').iterate('[1,2,3]');
    log('opened', calls);
    iterator.next();
    log('one', calls);
    iterator.next();
    log('two', calls);
    iterator.return();
    log('left', calls);
    db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3), (4), (5), (6)');
    const scan = db.prepare('SELECT a FROM t');
    const nvisit = () => scan.scanStatusV2(0, Database.SQLITE_SCANSTAT_NVISIT, 0);
    const rows = scan.iterate();
    rows.next();
    rows.next();
    log('visited while open', nvisit());
    rows.return();
    log('visited after return', nvisit());
  },
  async 'a forgotten iterator keeps its database busy'(Database, dir, log) {
    const db = new Database(':memory:');
    (() => { db.prepare('SELECT 1 UNION SELECT 2').iterate().next(); })();
    await new Promise((resolve) => setTimeout(resolve, 5));
    log.call('exec', () => db.exec('SELECT 1'));
    log.call('close', () => db.close());
  },
};
