'use strict';

/** @param {any} Database @param {string} sql */
function memory(Database, sql) {
  const db = new Database(':memory:');
  db.exec(sql);
  return db;
}

module.exports = {
  'changes and lastInsertRowid'(Database, dir, log) {
    const db = memory(Database, 'CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE); CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE copy(a)');
    const sources = [
      'SELECT 1', 'INSERT INTO t(a) VALUES (10), (20), (30)', 'SELECT * FROM t', 'INSERT INTO t VALUES (-5, 40)', 'UPDATE t SET a = a + 1',
      'UPDATE t SET a = 1 WHERE 0', 'DELETE FROM t WHERE id = 2', 'REPLACE INTO t VALUES (1, 99)', 'INSERT OR IGNORE INTO t VALUES (1, 5)',
      'INSERT INTO t VALUES (1, 7) ON CONFLICT(id) DO UPDATE SET a = excluded.a', 'INSERT INTO t VALUES (1, 7) ON CONFLICT DO NOTHING',
      'INSERT INTO w VALUES (1, 1), (2, 2)', 'UPDATE w SET v = 3', 'INSERT INTO copy SELECT a FROM t', 'DELETE FROM copy', 'CREATE TABLE x(a)', 'DROP TABLE x',
      'INSERT INTO t(a) VALUES (77) RETURNING id', 'UPDATE t SET a = a + 100 RETURNING a', 'INSERT INTO t VALUES (9007199254740993, 0)',
      'INSERT INTO t VALUES (9223372036854775807, 1)', 'INSERT INTO t VALUES (-9223372036854775808, 3)', 'BEGIN', 'COMMIT', 'PRAGMA user_version', 'DELETE FROM t',
    ];
    for (const source of sources) {
      const stmt = db.prepare(source);
      log.call(source, () => stmt.run());
    }
    db.defaultSafeIntegers();
    for (const id of [1n, -1n, 9007199254740993n, 9223372036854775807n, -9223372036854775808n]) {
      log.call(`rowid ${id}`, () => db.prepare('INSERT INTO t VALUES (?, NULL)').run(id));
    }
  },
  'triggers and foreign keys count as SQLite counts'(Database, dir, log) {
    const db = memory(Database, `CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE);
      CREATE TABLE l(a); CREATE TRIGGER g AFTER INSERT ON p BEGIN INSERT INTO l VALUES (new.id), (new.id); END;
      CREATE VIEW v AS SELECT id FROM p; CREATE TRIGGER h INSTEAD OF INSERT ON v BEGIN INSERT INTO p VALUES (new.id + 100); END`);
    for (const source of ['INSERT INTO p VALUES (1), (2)', 'INSERT INTO c(p) VALUES (1), (1), (2)', 'DELETE FROM p WHERE id = 1', 'INSERT INTO v VALUES (5)', 'SELECT count(*) FROM l']) {
      log.call(source, () => db.prepare(source).run());
    }
    log('rows', db.prepare('SELECT (SELECT count(*) FROM p), (SELECT count(*) FROM c), (SELECT count(*) FROM l)').raw().get());
  },
  'each broken constraint has its code'(Database, dir, log) {
    const db = memory(Database, `CREATE TABLE t(id INTEGER PRIMARY KEY, n NOT NULL, u UNIQUE, c CHECK (c < 10), r REFERENCES t(id), d INTEGER CONSTRAINT named CHECK (d <> 5));
      CREATE TABLE w(a, b, PRIMARY KEY (a, b)) WITHOUT ROWID; CREATE TABLE s(a INTEGER, b TEXT, c ANY) STRICT; CREATE TABLE k(a TEXT PRIMARY KEY);
      CREATE TABLE g(a); CREATE TRIGGER ga BEFORE INSERT ON g WHEN new.a = 1 BEGIN SELECT raise(ABORT, 'stop here'); END;
      CREATE TRIGGER gf BEFORE INSERT ON g WHEN new.a = 2 BEGIN SELECT raise(FAIL, 'fail ä🙂'); END; CREATE TRIGGER gr BEFORE INSERT ON g WHEN new.a = 3 BEGIN SELECT raise(ROLLBACK, 'back'); END;
      CREATE TRIGGER gi BEFORE INSERT ON g WHEN new.a = 4 BEGIN SELECT raise(IGNORE); END; CREATE VIEW v AS SELECT 1 AS a; CREATE UNIQUE INDEX ix ON g(a + 1);
      CREATE TABLE gen(a, b AS (a * 2)); INSERT INTO t VALUES (1, 1, 1, 1, NULL, 1); INSERT INTO w VALUES (1, 1); INSERT INTO k VALUES ('a'); INSERT INTO g VALUES (50)`);
    const sources = [
      'INSERT INTO t VALUES (1, 1, 2, 1, NULL, 1)', 'INSERT INTO t VALUES (2, NULL, 2, 1, NULL, 1)', 'INSERT INTO t VALUES (2, 1, 1, 1, NULL, 1)',
      'INSERT INTO t VALUES (2, 1, 2, 11, NULL, 1)', 'INSERT INTO t VALUES (2, 1, 2, 1, 77, 1)', 'INSERT INTO t VALUES (2, 1, 2, 1, NULL, 5)', "INSERT INTO t VALUES ('x', 1, 2, 1, NULL, 1)",
      'INSERT INTO w VALUES (1, 1)', 'INSERT INTO w VALUES (NULL, 1)', "INSERT INTO s VALUES ('x', 'y', 1)", 'INSERT INTO s VALUES (1, 1, 1)', 'INSERT INTO s VALUES (1.5, 1, 1)',
      "INSERT INTO k VALUES ('a')", 'INSERT INTO g VALUES (1)', 'INSERT INTO g VALUES (2)', 'INSERT INTO g VALUES (3)', 'INSERT INTO g VALUES (4)', 'INSERT INTO g VALUES (50)', 'INSERT INTO v VALUES (1)',
      'INSERT INTO gen VALUES (1, 2)', 'INSERT INTO gen(b) VALUES (2)', 'UPDATE t SET rowid = 9223372036854775807', 'DROP TABLE sqlite_master', 'INSERT INTO sqlite_master VALUES (1, 1, 1, 1, 1)', 'DELETE FROM t WHERE id = abs(-9223372036854775808)',
      "SELECT abs(-9223372036854775808)", 'SELECT json(\'{\')', "SELECT '[' REGEXP 'a'", 'SELECT 1 LIKE 2 ESCAPE 33', "SELECT like('a', 'b', 'cc')", 'COMMIT', 'ROLLBACK', 'RELEASE nosuch', "SELECT zeroblob(3000000000)", "DETACH nosuch", "ATTACH 'x' AS main", 'SELECT raise(ABORT, 1)',
      "INSERT OR ROLLBACK INTO k VALUES ('a')", "INSERT OR FAIL INTO k VALUES ('b'), ('a'), ('c')", 'SELECT group_concat(a) FROM k',
    ];
    for (const source of sources) {
      log.call(`run: ${source}`, () => db.prepare(source).run());
      log.call(`exec: ${source}`, () => db.exec(source));
    }
    for (const source of sources.filter((source) => source.startsWith('SELECT'))) {
      log.call(`get: ${source}`, () => db.prepare(source).get());
      log.call(`all: ${source}`, () => db.prepare(source).all());
      log.call(`iterate: ${source}`, () => [...db.prepare(source).iterate()]);
    }
  },
  'a rollback inside a statement ends the transaction'(Database, dir, log) {
    const db = memory(Database, "CREATE TABLE k(a PRIMARY KEY); INSERT INTO k VALUES ('a')");
    db.exec("BEGIN; INSERT INTO k VALUES ('b')");
    log.call('or rollback', () => db.prepare("INSERT OR ROLLBACK INTO k VALUES ('a')").run());
    log('inTransaction', db.inTransaction);
    log('rows', db.prepare('SELECT * FROM k').all());
    db.exec("BEGIN; INSERT INTO k VALUES ('b')");
    log.call('abort keeps it', () => db.prepare("INSERT INTO k VALUES ('c'), ('a')").run());
    log('inTransaction', db.inTransaction);
    log('rows', db.prepare('SELECT * FROM k').all());
    log.call('fail keeps what went before', () => db.prepare("INSERT OR FAIL INTO k VALUES ('d'), ('a')").run());
    log('rows', db.prepare('SELECT * FROM k').all());
    db.exec('ROLLBACK');
  },
  'a failed statement can be run again'(Database, dir, log) {
    const db = memory(Database, 'CREATE TABLE t(a INTEGER PRIMARY KEY)');
    const insert = db.prepare('INSERT INTO t VALUES (?)');
    for (const value of [1, 1, 2, 'x', 2, 3]) log.call(`insert ${value}`, () => insert.run(value));
    log('rows', db.prepare('SELECT * FROM t').pluck().all());
    const failing = db.prepare('SELECT abs(?) AS a');
    for (const value of [1, -9223372036854775808n, -2]) log.call('get', () => failing.get(value));
    for (const value of [1, -9223372036854775808n, -2]) log.call('all', () => failing.all(value));
  },
  'rows of a reader run to nothing'(Database, dir, log) {
    const db = memory(Database, 'CREATE TABLE t(a)');
    log.call('returning', () => db.prepare('INSERT INTO t VALUES (1), (2), (3) RETURNING a').run());
    log('rows', db.prepare('SELECT * FROM t').all());
    log.call('a pragma', () => db.prepare('PRAGMA user_version = 5').run());
    log('set', db.pragma('user_version', { simple: true }));
    log.call('vacuum', () => db.prepare('VACUUM').run());
    log.call('vacuum into', () => db.prepare('VACUUM INTO ?').run(`${dir}/v.db`));
    log.call('vacuum into an existing file', () => db.prepare('VACUUM INTO ?').run(`${dir}/v.db`));
    const copy = new Database(`${dir}/v.db`);
    log('copied', copy.prepare('SELECT * FROM t').all());
    copy.close();
  },
  'returning a value while writing'(Database, dir, log) {
    const db = memory(Database, 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)');
    const insert = db.prepare('INSERT INTO t(b) VALUES (?), (?) RETURNING a, b');
    log.call('get takes the first row but writes all', () => insert.get('x', 'y'));
    log('rows', db.prepare('SELECT * FROM t').all());
    log.call('all', () => insert.all('z', 'w'));
    log.call('iterate', () => [...insert.iterate('u', 'v')]);
    const iterator = insert.iterate('early', 'return');
    log('first', iterator.next());
    iterator.return();
    log('rows', db.prepare('SELECT * FROM t').all());
    const untouched = insert.iterate('never', 'stepped');
    untouched.return();
    log('rows', db.prepare('SELECT count(*) FROM t').pluck().get());
  },
};
