'use strict';
/** What only the engine promises (DESIGN.md §3): limits on results, said in one clear error. */
const assert = require('node:assert/strict');

/** Fields of a tagged error (tag.cjs). @param {any} error */
function isGuard(error, limit, query) {
  assert.equal(error.class, 'SqliteError');
  assert.equal(error.code, 'SQLITE_TOOBIG');
  assert.match(error.message, new RegExp(`\\b${limit}\\b`), 'the message names the limit');
  assert.ok(error.message.includes(query), `the message names the query: ${error.message}`);
}

module.exports = {
  async 'all() warns once for each statement'(Database, dir, log) {
    const ended = await log.child('child', (Database, dir, see) => {
      process.on('warning', (warning) => see([warning.name, warning.code, warning.message]));
      const db = new Database(':memory:');
      const numbers = db.prepare('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n /* numbers */');
      see(numbers.all(99).length);
      see(numbers.all(5000).length);
      see(numbers.all(6000).length);
      see([...numbers.iterate(5000)].length);
      see(db.prepare("SELECT value FROM json_each('[1,2]') WHERE ? > 0 /* few */").all(1).length);
      see(db.prepare('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n /* others */').all().length);
    }, { env: { WASMFIX_ROW_WARN: '1000' } });
    const warnings = ended.seen.filter(Array.isArray);
    assert.deepEqual(ended.seen.filter((line) => typeof line === 'number'), [99, 5000, 6000, 5000, 2, 5000]);
    assert.equal(warnings.length, 2, 'one for each statement that passed the limit');
    for (const [at, word] of ['numbers', 'others'].entries()) {
      assert.equal(typeof warnings[at][1], 'string', 'a warning has a code');
      assert.match(warnings[at][2], new RegExp(`1000.*${word}`));
    }
    assert.equal(ended.code, 0);
  },
  async 'all() throws beyond the limit of rows, and nothing else does'(Database, dir, log) {
    const ended = await log.child('child', (Database, dir, see) => {
      const db = new Database(':memory:');
      db.exec('CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES (1)');
      const numbers = db.prepare(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i, '${'y'.repeat(300)}' AS y FROM n`);
      for (const rows of [999, 1001, 50_000]) for (const mode of ['raw', 'pluck', 'expand']) {
        try { see(numbers[mode]().all(rows).length); } catch (error) { see(error); }
      }
      let rows = 0;
      for (const row of numbers.iterate(50_000)) rows += 1;
      see(rows);
      see([numbers.busy, db.inTransaction]);
      see(numbers.pluck().get(50_000));
      see(db.exec('COMMIT').prepare('SELECT count(*) FROM t').pluck().get());
    }, { env: { WASMFIX_ROW_LIMIT: '1000', WASMFIX_ROW_WARN: '0' } });
    const { seen } = ended;
    assert.deepEqual(seen.slice(0, 3), [999, 999, 999]);
    for (const error of seen.slice(3, 9)) {
      isGuard(error, 1000, 'WITH RECURSIVE n(i)');
      assert.ok(error.message.length < 500 && error.message.includes('y'.repeat(20)) && !error.message.includes('y'.repeat(201)), 'the query is shown, but not all of it');
    }
    assert.deepEqual(seen.slice(9), [50_000, [false, true], 1, 1]);
    assert.equal(ended.stderr, '');
  },
  async 'a value beyond the limit of bytes throws wherever it is read into a row'(Database, dir, log) {
    const ended = await log.child('child', (Database, dir, see) => {
      const db = new Database(':memory:');
      db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, big)');
      const insert = db.prepare('INSERT INTO t(big) VALUES (?)');
      insert.run('x');
      insert.run(Buffer.alloc(20_000, 1));
      insert.run('é'.repeat(10_000));
      see('binding is not limited');
      const select = db.prepare('SELECT big FROM t WHERE a = ?');
      see(select.pluck().get(1));
      for (const id of [2, 3]) for (const way of [() => select.get(id), () => select.all(id), () => [...select.iterate(id)], () => select.raw().get(id), () => select.expand().all(id)]) {
        try { see(['read', way().length]); } catch (error) { see(error); }
      }
      const iterator = db.prepare('SELECT big FROM t ORDER BY a').iterate();
      see(iterator.next().value.big);
      try { iterator.next(); } catch (error) { see(error); }
      see(iterator.next().done);
      see(db.serialize().length > 40_000);
      see(db.prepare('SELECT sum(length(big)) AS n FROM t').get().n);
      see(select.busy);
    }, { env: { WASMFIX_BLOB_LIMIT: '10000' } });
    const errors = ended.seen.filter((line) => line && line.type === 'error');
    assert.equal(errors.length, 11);
    for (const error of errors) isGuard(error, 10000, 'SELECT big FROM t');
    assert.deepEqual(ended.seen.filter((line) => !line || line.type !== 'error'), ['binding is not limited', 'x', 'x', true, true, 30_001, false]);
  },
  async 'zero turns each limit off'(Database, dir, log) {
    const ended = await log.child('child', (Database, dir, see) => {
      process.on('warning', (warning) => see(warning.message));
      const db = new Database(':memory:');
      see(db.prepare('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000) SELECT i FROM n').all().length);
      see(db.prepare('SELECT zeroblob(120000000) AS z').get().z.length);
    }, { env: { WASMFIX_ROW_WARN: '0', WASMFIX_ROW_LIMIT: '0', WASMFIX_BLOB_LIMIT: '0' } });
    assert.deepEqual(ended.seen, [150_000, 120_000_000]);
  },
  async 'the defaults: a warning at 100,000 rows, no value over 100 MiB'(Database, dir, log) {
    const ended = await log.child('child', (Database, dir, see) => {
      process.on('warning', (warning) => see(warning.code));
      const db = new Database(':memory:');
      const numbers = db.prepare('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n');
      see(numbers.all(99_000).length);
      see(numbers.all(101_000).length);
      see(db.prepare('SELECT zeroblob(104857600) AS z').get().z.length);
      try { db.prepare('SELECT zeroblob(104857601) AS z').get(); } catch (error) { see(error); }
    });
    const [few, many, fits, refused, code] = ended.seen;
    assert.deepEqual([few, many, fits], [99_000, 101_000, 104_857_600]);
    isGuard(refused, 104857600, 'zeroblob(104857601)');
    assert.equal(typeof code, 'string');
  },
  async 'a limit that is no number is named and ignored'(Database, dir, log) {
    const ended = await log.child('child', (Database, dir, see) => {
      process.on('warning', (warning) => see(warning.message));
      see(new Database(':memory:').prepare('SELECT 1 AS a').get().a);
    }, { env: { WASMFIX_ROW_LIMIT: 'many' } });
    assert.equal(ended.code, 0);
    assert.equal(ended.seen[0], 1);
    assert.match(ended.seen[1], /WASMFIX_ROW_LIMIT.*many/);
  },
  async 'memory beyond WASMFIX_MAX_MEMORY is SQLITE_NOMEM and not the end'(Database, dir, log) {
    const ended = await log.child('child', (Database, dir, see) => {
      const db = new Database(':memory:');
      db.exec('CREATE TABLE t(a)');
      const insert = db.prepare('INSERT INTO t VALUES (zeroblob(1000000))');
      let rows = 0;
      try { for (; rows < 1000; rows++) insert.run(); } catch (error) { see(error); }
      see(rows > 10 && rows < 64);
      for (const attempt of [() => db.prepare('SELECT ? AS v').get(Buffer.alloc(80_000_000)), () => db.serialize().length, () => db.prepare("SELECT zeroblob(90000000) || 'x' AS v").get()]) {
        try { see(['fits', typeof attempt()]); } catch (error) { see([error.name, error.code ?? error.message]); }
      }
      see(db.close().open);
      const next = new Database(`${dir}/a.db`);
      next.exec('CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(20000000))');
      see(next.prepare('SELECT length(a) AS n FROM t').get().n);
      next.close();
    }, { env: { WASMFIX_MAX_MEMORY: String(64 << 20) } });
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal(ended.seen[0].class, 'SqliteError');
    assert.equal(ended.seen[0].code, 'SQLITE_NOMEM');
    assert.equal(ended.seen[1], true);
    assert.deepEqual(ended.seen.slice(-2), [false, 20_000_000], 'what was closed is free again');
  },
};
