'use strict';

/** @param {any} stmt */
const facts = (stmt) => ({ reader: stmt.reader, readonly: stmt.readonly, source: stmt.source, busy: stmt.busy });

module.exports = {
  'exactly one statement is wanted'(Database, dir, log) {
    const db = new Database(':memory:');
    const sources = [
      '', ' ', ';', ';;;', '-- nothing', '/* nothing */', '/* open', '\n\t\r\f\v', 'SELECT 1; SELECT 2', 'SELECT 1;;',
      'SELECT 1; -- end', 'SELECT 1; /* end */', 'SELECT 1; /* open', 'SELECT 1; -- a\n ; /* b */ ', 'SELECT 1; x',
      'SELECT 1 -- c', ';SELECT 1', '/* a */ SELECT /* b */ 1 /* c */', 'SELECT 1;\0SELECT 2', 'SELECT 1\0', '\0SELECT 1',
      '\ufeffSELECT 1', ' \ufeffSELECT 1', 'SELECT 1;\ufeff', 'SELECT 1; -', 'SELECT 1; /', 'SELECT 1; /*/', 'SELECT 1;--',
      'SELECT 1;\u00a0', '\u00a0SELECT 1',
    ];
    for (const source of sources) {
      const stmt = log.call(JSON.stringify(source), () => db.prepare(source));
      if (stmt) log('facts', facts(stmt));
      if (stmt) log.call('all', () => stmt.all());
    }
  },
  'the facts of every kind of statement'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE VIEW v AS SELECT * FROM t');
    const sources = [
      'SELECT 1', 'VALUES (1), (2)', 'WITH x AS (SELECT 1) SELECT * FROM x', 'INSERT INTO t VALUES (1, 2)',
      'INSERT INTO t VALUES (2, 2) RETURNING *', 'UPDATE t SET b = 1', 'UPDATE t SET b = 1 RETURNING a', 'DELETE FROM t',
      'DELETE FROM t RETURNING a', 'REPLACE INTO t VALUES (1, 1)', 'CREATE TABLE u(a)', 'DROP TABLE t', 'CREATE INDEX i ON t(b)',
      'BEGIN', 'BEGIN IMMEDIATE', 'BEGIN EXCLUSIVE', 'BEGIN CONCURRENT', 'COMMIT', 'ROLLBACK', 'SAVEPOINT s', 'RELEASE s', 'ROLLBACK TO s',
      'PRAGMA user_version', 'PRAGMA user_version = 1', 'PRAGMA journal_mode', 'PRAGMA foreign_keys = 0', 'PRAGMA nosuch',
      'EXPLAIN SELECT 1', 'EXPLAIN QUERY PLAN SELECT * FROM t', 'EXPLAIN INSERT INTO t VALUES (1, 1)', "ATTACH ':memory:' AS x",
      'DETACH x', 'VACUUM', 'ANALYZE', 'REINDEX', 'ALTER TABLE t ADD COLUMN c', 'SELECT * FROM v', 'SELECT random()',
      'DELETE FROM t ORDER BY a LIMIT 1', 'UPDATE t SET b = 1 ORDER BY a LIMIT 1',
    ];
    for (const source of sources) {
      const stmt = log.call(source, () => db.prepare(source));
      if (stmt) log('facts', facts(stmt));
    }
  },
  'mistakes are reported in the words of SQLite'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a, b)');
    const sources = [
      'SELEC 1', 'SELECT', 'SELECT * FROM', 'SELECT * FROM nosuch', 'SELECT nosuch FROM t', 'SELECT nosuch(1)', 'SELECT abs()',
      'SELECT abs(1, 2)', 'INSERT INTO t VALUES (1)', 'INSERT INTO t(c) VALUES (1)', 'CREATE TABLE t(a)', 'DROP TABLE nosuch',
      'SELECT "dqs"', "SELECT 'open", 'SELECT (1', 'SELECT 1)', 'SELECT * FROM t, t AS t2 WHERE a = 1', 'SELECT a FROM t GROUP BY', 'SELECT ?0', 'SELECT ?99999',
      'SELECT sum(a, b) FROM t', 'SELECT sum(sum(a)) FROM t', 'SELECT 1 UNION SELECT 1, 2', 'CREATE INDEX i ON nosuch(a)',
      'ALTER TABLE nosuch ADD COLUMN x', 'ATTACH', 'CREATE TABLE sqlite_x(a)', 'SELECT * FROM t INDEXED BY nosuch', 'SELECT a COLLATE nosuch FROM t ORDER BY 1',
      'SELECT x.a FROM t', 'SELECT nosuch.t.a FROM t', '@', '#', '\u{1f642}', 'SELECT 1 LIMIT', 'UPDATE t SET nosuch = 1', 'SELECT 0x1g', "SELECT x'1'", 'PRAGMA',
    ];
    for (const source of sources) log.call(source, () => db.prepare(source).all());
    for (const source of ['SELEC 1', 'INSERT INTO t VALUES (1)', 'SELECT 1; nonsense', "SELECT 'open"]) log.call(`exec ${source}`, () => db.exec(source));
  },
  'only strings are SQL'(Database, dir, log) {
    const db = new Database(':memory:');
    for (const source of [undefined, null, 1, {}, [], Buffer.from('SELECT 1'), ['SELECT 1'], new String('SELECT 1'), Symbol('s')]) {
      log.call(`prepare ${typeof source}`, () => db.prepare(source));
      log.call(`exec ${typeof source}`, () => db.exec(source));
    }
    log.call('no argument', () => db.prepare());
    log.call('exec without argument', () => db.exec());
  },
  'SQL is any text'(Database, dir, log) {
    const db = new Database(':memory:');
    log.call('letters', () => db.prepare("SELECT 'ä日🙂' AS \"ä日🙂\"").all());
    log.call('a lone surrogate in a literal', () => db.prepare("SELECT hex('\ud800x') AS h").all());
    log.call('a lone low surrogate', () => db.prepare("SELECT hex('x\udc00') AS h").all());
    log.call('long', () => db.prepare(`SELECT ${Array.from({ length: 1500 }, (_, i) => i).join(', ')}`).raw().get().length);
    log.call('too many columns', () => db.prepare(`SELECT ${Array.from({ length: 2001 }, (_, i) => i).join(', ')}`));
    log.call('two megabytes', () => db.prepare(`SELECT length('${'y'.repeat(2 << 20)}')`).pluck().get());
    log.call('deep', () => db.prepare(`SELECT ${'('.repeat(200)}1${')'.repeat(200)}`).pluck().get());
    log.call('too deep', () => db.prepare(`SELECT ${'1+('.repeat(1200)}1${')'.repeat(1200)}`).pluck().get());
    log.call('many terms', () => db.prepare(Array.from({ length: 501 }, () => 'SELECT 1').join(' UNION ALL ')).all());
    log.call('a source longer than an error message', () => db.prepare(`SELECT ${'z'.repeat(5000)}`));
  },
  'exec runs many statements and stops at the first error'(Database, dir, log) {
    const db = new Database(':memory:');
    log('returns the database', db.exec('CREATE TABLE t(a)') === db);
    log.call('nothing', () => db.exec(''));
    log.call('comments', () => db.exec(' -- a\n /* b */ ; ;'));
    log.call('rows are thrown away', () => db.exec('SELECT 1; SELECT 2; VALUES (1), (2)'));
    log.call('stops', () => db.exec('INSERT INTO t VALUES (1); INSERT INTO nosuch VALUES (2); INSERT INTO t VALUES (3)'));
    log('what was done is done', db.prepare('SELECT * FROM t').all());
    log.call('a transaction left open', () => db.exec('BEGIN; INSERT INTO t VALUES (4); SELECT * FROM nosuch; COMMIT'));
    log('inTransaction', db.inTransaction);
    log.call('goes on', () => db.exec('ROLLBACK'));
    log('rows', db.prepare('SELECT * FROM t').all());
    log.call('parameters are null', () => db.exec('INSERT INTO t VALUES (?), (:x)'));
    log('rows', db.prepare('SELECT * FROM t').all());
    log.call('stops at a NUL', () => db.exec('INSERT INTO t VALUES (9);\0INSERT INTO t VALUES (10)'));
    log('rows', db.prepare('SELECT * FROM t').all());
    log.call('triggers', () => db.exec('CREATE TRIGGER r AFTER INSERT ON t WHEN new.a > 5 BEGIN DELETE FROM t WHERE a = 1; INSERT INTO t VALUES (0); END; INSERT INTO t VALUES (6)'));
    log('rows', db.prepare('SELECT * FROM t').all());
  },
  'a statement outlives changes of the schema'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2)');
    const star = db.prepare('SELECT * FROM t');
    log('before', star.all());
    db.exec('ALTER TABLE t ADD COLUMN c DEFAULT 3');
    log.call('all', () => star.all());
    log.call('get', () => star.get());
    log.call('columns', () => star.columns());
    log.call('iterate', () => [...star.iterate()]);
    log.call('raw', () => star.raw().all());
    db.exec('ALTER TABLE t RENAME COLUMN a TO z');
    log.call('renamed column', () => star.raw(false).all());
    log.call('columns first, then all', () => [star.columns().map((column) => column.name), star.all()]);
    const named = db.prepare('SELECT b FROM t');
    db.exec('ALTER TABLE t DROP COLUMN b');
    log.call('dropped column', () => named.all());
    log.call('and again', () => named.get());
    db.exec('DROP TABLE t');
    log.call('dropped table', () => star.all());
    log.call('iterate', () => star.iterate().next());
    log.call('run', () => star.run());
    log('not busy', star.busy);
    db.exec('CREATE TABLE t(q); INSERT INTO t VALUES (5)');
    log.call('a table of that name is back', () => star.all());
    log.call('columns', () => star.columns());
  },
  'many statements live side by side'(Database, dir, log) {
    const db = new Database(':memory:');
    const statements = Array.from({ length: 2000 }, (_, i) => db.prepare(`SELECT ${i} AS a${i % 7}, ? AS b`));
    log('sum', statements.reduce((sum, stmt, i) => sum + Object.values(stmt.get(i)).reduce((a, b) => a + b), 0));
    db.close();
    log.call('after close', () => statements[77].get(1));
  },
};
