'use strict';

const OPS = ['NLOOP', 'NVISIT', 'EST', 'NAME', 'EXPLAIN', 'SELECTID', 'PARENTID', 'NCYCLE'];
const NCYCLE_IS_TIME = (name) => name === 'NCYCLE';

/** All that scanStatusV2 tells of a statement, until it ends. @param {any} Database @param {any} stmt @param {number} flags */
function loops(Database, stmt, flags) {
  const found = [];
  for (let at = 0; at < 50; at++) {
    if (stmt.scanStatusV2(at, Database.SQLITE_SCANSTAT_SELECTID, flags) === undefined) return found;
    const loop = {};
    for (const name of OPS) {
      const value = stmt.scanStatusV2(at, Database[`SQLITE_SCANSTAT_${name}`], flags);
      loop[name] = NCYCLE_IS_TIME(name) ? typeof value : value;
    }
    found.push(loop);
  }
  return 'endless';
}

/** @param {any} Database */
function shop(Database) {
  const db = new Database(':memory:');
  db.exec(`CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE orders(id INTEGER PRIMARY KEY, user INTEGER, total REAL, state TEXT);
    CREATE INDEX orders_user ON orders(user); CREATE INDEX orders_state ON orders(state, total);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO users SELECT i, 'user ' || i FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO orders SELECT i, i % 200 + 1, i * 1.5, CASE i % 10 WHEN 0 THEN 'open' ELSE 'done' END FROM n;`);
  return db;
}

const QUERIES = [
  'SELECT 1', 'SELECT * FROM users', 'SELECT * FROM users WHERE id = 5', 'SELECT count(*) FROM orders WHERE user = 7', 'SELECT * FROM users JOIN orders ON orders.user = users.id WHERE users.id < 10',
  "SELECT * FROM orders WHERE state = 'open' ORDER BY total LIMIT 5", 'SELECT user, sum(total) FROM orders GROUP BY user', 'SELECT * FROM orders ORDER BY total DESC LIMIT 3', 'SELECT * FROM users WHERE id IN (SELECT user FROM orders WHERE state = \'open\')',
  'SELECT * FROM users WHERE EXISTS (SELECT 1 FROM orders WHERE user = users.id AND total > 100)', 'SELECT id FROM users UNION SELECT id FROM orders', 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT * FROM n',
  'SELECT * FROM orders WHERE user = 3 OR state = \'open\'', 'SELECT DISTINCT state FROM orders', 'SELECT *, row_number() OVER (PARTITION BY user ORDER BY total) FROM orders', 'DELETE FROM orders WHERE user = 3', 'UPDATE users SET name = name WHERE id > 190', 'SELECT * FROM json_each(\'[1,2]\')', 'VALUES (1), (2)',
];

module.exports = {
  'the constants'(Database, dir, log) {
    for (const name of [...OPS, 'COMPLEX']) log(name, Database[`SQLITE_SCANSTAT_${name}`]);
    log('own keys of the class', Object.keys(Database).sort());
  },
  'loops of prepared, run and analysed queries'(Database, dir, log) {
    const db = shop(Database);
    for (const analysed of [false, true]) {
      if (analysed) db.exec('ANALYZE');
      for (const sql of QUERIES) {
        const stmt = db.prepare(sql);
        for (const flags of [0, 1]) {
          log(`${sql} prepared ${flags}`, loops(Database, stmt, flags));
        }
        if (stmt.reader) stmt.all(); else stmt.run();
        for (const flags of [0, 1]) log(`${sql} run ${flags}`, loops(Database, stmt, flags));
      }
    }
  },
  'past the end is undefined'(Database, dir, log) {
    const db = shop(Database);
    const stmt = db.prepare('SELECT * FROM users JOIN orders ON orders.user = users.id');
    stmt.all();
    for (const at of [-2, -1, 2, 3, 100, 0x7fffffff, -0x80000000]) {
      for (const name of OPS) {
        const value = stmt.scanStatusV2(at, Database[`SQLITE_SCANSTAT_${name}`], 1);
        log(`${at} ${name}`, NCYCLE_IS_TIME(name) ? typeof value : value);
      }
    }
    for (const flags of [0, 1, 2, 3, -1, 0x7fffffff]) log(`flags ${flags}`, stmt.scanStatusV2(0, Database.SQLITE_SCANSTAT_EST, flags));
  },
  'counters add up and can be reset'(Database, dir, log) {
    const db = shop(Database);
    const stmt = db.prepare('SELECT * FROM users WHERE id < ?');
    const counters = () => ['NLOOP', 'NVISIT'].map((name) => stmt.scanStatusV2(0, Database[`SQLITE_SCANSTAT_${name}`], 0));
    log('before', counters());
    for (const limit of [10, 20]) {
      stmt.all(limit);
      log('after', counters());
    }
    log('returns the statement', stmt.scanStatusReset() === stmt);
    log('reset', counters());
    stmt.get(100);
    log('get', counters());
    const iterator = stmt.iterate(100);
    for (let i = 0; i < 5; i++) iterator.next();
    log('while iterating', counters());
    log('reset while iterating', stmt.scanStatusReset() === stmt);
    iterator.next();
    iterator.return();
    log('after return', counters());
    stmt.safeIntegers();
    log('as bigints', counters());
    log('the others stay numbers', [stmt.scanStatusV2(0, Database.SQLITE_SCANSTAT_SELECTID, 0), stmt.scanStatusV2(0, Database.SQLITE_SCANSTAT_EST, 0)]);
  },
  'arguments of the wrong type are refused'(Database, dir, log) {
    const db = shop(Database);
    const stmt = db.prepare('SELECT * FROM users');
    for (const args of [[], [0], [0, 0], ['0', 0, 0], [0, '0', 0], [0, 0, '0'], [0.5, 0, 0], [0, 0.5, 0], [2 ** 31, 0, 0], [0n, 0, 0], [null, 0, 0], [0, 8, 0], [0, 9, 0], [0, 10, 0], [0, -1, 0], [0, 99, 1], [0, 0, true], [0, 0, 0, 0]]) {
      log.call(String(args.map((arg) => `${typeof arg} ${String(arg)}`)), () => stmt.scanStatusV2(...args));
    }
  },
  'a statement that changes the schema of its own plan'(Database, dir, log) {
    const db = shop(Database);
    const stmt = db.prepare("SELECT * FROM orders WHERE state = 'done' AND user = 5");
    log('before', loops(Database, stmt, 1));
    db.exec('DROP INDEX orders_user');
    log('dropped, not yet run', loops(Database, stmt, 1).length);
    stmt.all();
    log('run', loops(Database, stmt, 1));
  },
};
