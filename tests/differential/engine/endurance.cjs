'use strict';
/** Memory stays flat and the process lives, whatever is thrown or forgotten. Native's own figures differ: here are bounds. */
const assert = require('node:assert/strict');

const MiB = 1 << 20;

/** Growth of resident memory in the child, after a first round that warms everything up. @param {any} ended */
function grew(ended, bound) {
  assert.equal(ended.code, 0, ended.stderr);
  const [bytes] = ended.seen;
  assert.ok(bytes < bound, `resident memory grew by ${(bytes / MiB).toFixed(1)} MiB`);
}

module.exports = {
  async '300,000 pragmas in one tick'(Database, dir, log) {
    grew(await log.child('child', (Database, dir, see) => {
      const db = new Database(`${dir}/a.db`);
      for (let i = 0; i < 2000; i++) db.pragma('user_version');
      const before = process.memoryUsage.rss();
      for (let i = 0; i < 300_000; i++) db.pragma('user_version');
      see(process.memoryUsage.rss() - before);
      db.close();
    }), 64 * MiB);
  },
  async '300,000 forgotten statements in one tick'(Database, dir, log) {
    const ended = await log.child('child', (Database, dir, see) => {
      const db = new Database(':memory:');
      db.exec('CREATE TABLE t(a, b)');
      for (let i = 0; i < 2000; i++) db.prepare('SELECT * FROM t WHERE a = ?');
      const before = process.memoryUsage.rss();
      for (let i = 0; i < 300_000; i++) db.prepare('SELECT * FROM t WHERE a = ?');
      const after = process.memoryUsage.rss();
      see(after - before);
      see(db.prepare('SELECT 1 AS a').get().a);
      for (let i = 0; i < 300_000; i++) db.prepare('SELECT * FROM t WHERE a = ?');
      see(process.memoryUsage.rss() - after);
      db.close();
    });
    grew(ended, 128 * MiB);
    assert.equal(ended.seen[1], 1);
    assert.ok(ended.seen[2] < 32 * MiB, 'twice as many take no more');
  },
  async 'held statements work after many forgotten ones'(Database, dir, log) {
    const ended = await log.child('child', (Database, dir, see) => {
      const db = new Database(':memory:');
      db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)');
      const held = Array.from({ length: 500 }, (_, i) => db.prepare(`SELECT a + ${i} AS v FROM t`).pluck());
      const iterator = db.prepare('SELECT a FROM t').pluck().iterate();
      iterator.next();
      for (let i = 0; i < 50_000; i++) db.prepare('SELECT ? AS a').get(i);
      see(held.reduce((sum, stmt) => sum + stmt.get(), 0));
      see(iterator.next().value);
      iterator.return();
    });
    assert.deepEqual(ended.seen, [500 + (499 * 500) / 2, 2]);
  },
  async 'functions, aggregates and tables that throw, tens of thousands of times'(Database, dir, log) {
    const ended = await log.child('child', (Database, dir, see) => {
      const db = new Database(':memory:');
      const fail = () => { throw new Error('no'); };
      db.function('fail', fail);
      db.aggregate('fail_step', { start: 0, step: (x, a) => fail() });
      db.aggregate('fail_result', { start: 0, step: (x, a) => x, result: fail });
      db.table('fail_rows', { columns: ['a'], *rows() { yield [1]; fail(); } });
      const statements = ['SELECT fail()', 'SELECT fail_step(1)', 'SELECT fail_result(1)', 'SELECT * FROM fail_rows'].map((sql) => db.prepare(sql));
      let caught = 0;
      const round = (count) => {
        for (let i = 0; i < count; i++) {
          for (const stmt of statements) {
            try { if (i % 2) stmt.all(); else for (const row of stmt.iterate()) void row; } catch (error) { if (error.message === 'no') caught++; }
          }
        }
      };
      round(1000);
      const before = process.memoryUsage.rss();
      round(20_000);
      see(process.memoryUsage.rss() - before);
      see(caught);
      see(db.prepare('SELECT 1 AS a').get().a);
    });
    grew(ended, 96 * MiB);
    assert.deepEqual(ended.seen.slice(1), [84_000, 1]);
  },
  async 'databases open and close a thousand times'(Database, dir, log) {
    grew(await log.child('child', (Database, dir, see) => {
      const round = (count) => {
        for (let i = 0; i < count; i++) {
          const db = new Database(i % 2 ? ':memory:' : `${dir}/a.db`);
          db.pragma('journal_mode = wal');
          db.function('f', () => 1);
          db.exec('CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES (zeroblob(10000)); DELETE FROM t');
          db.prepare('SELECT f() FROM t').all();
          db.close();
        }
      };
      round(50);
      const before = process.memoryUsage.rss();
      round(1000);
      see(process.memoryUsage.rss() - before);
    }), 96 * MiB);
  },
  async 'a function that recurses without end is one error'(Database, dir, log) {
    const ended = await log.child('child', (Database, dir, see) => {
      const db = new Database(`${dir}/a.db`);
      db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
      const endless = (n) => endless(n + 1) + 1;
      db.function('endless', () => endless(0));
      for (let i = 0; i < 3; i++) try { db.prepare('SELECT endless()').get(); } catch (error) { see(error.name); }
      see(db.prepare('SELECT a FROM t').get().a);
      db.close();
    });
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual(ended.seen, ['RangeError', 'RangeError', 'RangeError', 1]);
  },
  async 'a stack exhausted around and inside calls never corrupts: it works or refuses'(Database, dir, log) {
    const ended = await log.child('child', (Database, dir, see) => {
      const file = `${dir}/a.db`;
      const kinds = {};
      const note = (error) => {
        const kind = error.name === 'SqliteError' ? `SqliteError ${error.code}` : error.name;
        kinds[kind] = (kinds[kind] ?? 0) + 1;
        return kind;
      };
      // Frames of different sizes, so that the stack ends at different places of a call.
      const dives = Array.from({ length: 12 }, (_, size) => new Function('attempt', 'state', `
        ${Array.from({ length: size }, (_, at) => `let v${at} = state.up + ${at};`).join(' ')}
        return function dive() {
          try { dive(); } catch (error) { state.note(error); }
          if (state.up++ < 60) attempt();
          return ${size ? 'v0' : '0'};
        };`));
      for (const [round, make] of [...dives, ...dives].entries()) {
        const db = new Database(file);
        db.pragma('synchronous = off');
        db.exec('CREATE TABLE IF NOT EXISTS t(a)');
        db.function('back', (n) => (n > 0 ? [n].map((k) => k + 1)[0] : 0));
        db.aggregate('agg', { start: () => 0, step: (x, a) => x + a, result: (x) => JSON.parse(String(x)) });
        const calls = [
          [db.prepare('INSERT INTO t VALUES (back(?))'), 'run', round],
          [db.prepare('SELECT back(1) AS v, count(*) AS n FROM t'), 'get'],
          [db.prepare('SELECT agg(a) AS s FROM t'), 'all'],
          [db.prepare("SELECT back(value) AS v FROM json_each('[1,2,3]')"), 'all'],
        ];
        const attempt = () => {
          for (const [stmt, method, ...args] of calls) try { stmt[method](...args); } catch (error) { note(error); }
          try { for (const row of calls[1][0].iterate()) void row; } catch (error) { note(error); }
          try { db.exec('BEGIN; INSERT INTO t VALUES (back(5)); COMMIT'); } catch (error) { note(error); if (db.open && db.inTransaction) try { db.exec('ROLLBACK'); } catch (inner) { note(inner); } }
        };
        try { make(attempt, { up: 0, note })(); } catch (error) { note(error); }
        let state = 'works';
        try {
          if (db.inTransaction) db.exec('ROLLBACK');
          if (db.prepare('SELECT 1 AS one').get().one !== 1) state = 'lies';
          db.prepare('SELECT a FROM t LIMIT 3').all();
        } catch (error) {
          state = note(error);
        }
        if (state !== 'works' && state !== 'SqliteError SQLITE_INTERNAL') see(['neither works nor refuses', round, state]);
        try { db.close(); } catch (error) { note(error); }
      }
      const fresh = new Database(file);
      see(fresh.pragma('integrity_check', { simple: true }));
      see(fresh.exec('INSERT INTO t VALUES (1)').prepare('SELECT 1 AS one').get().one);
      fresh.close();
      see(kinds);
    });
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual(ended.seen.slice(0, 2), ['ok', 1]);
    assert.equal(ended.seen.length, 3);
  },
};
