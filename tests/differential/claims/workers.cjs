'use strict';
const { join } = require('node:path');
const { Worker } = require('node:worker_threads');

/**
 * Runs `body(Database, dir, see)` in a worker thread and gives what it saw.
 * @param {any} log @param {string} dir @param {Function} body is sent as source
 */
function worker(log, dir, body) {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { tag } = require(workerData.tag);
    const see = (value) => parentPort.postMessage(tag(value, workerData.dir));
    (async () => (${body})(require(workerData.packageDir), workerData.dir, see))();`;
  return new Promise((resolve) => {
    const seen = [];
    // Errors and messages come by different ways: their order among each other is chance.
    const errors = [];
    const thread = new Worker(source, { eval: true, workerData: { packageDir: log.packageDir, dir, tag: join(__dirname, '..', 'tag.cjs') } });
    thread.on('message', (value) => seen.push(value));
    thread.on('error', (error) => errors.push(error.message));
    thread.on('exit', (code) => resolve({ code, seen, errors }));
  });
}

module.exports = {
  async 'each thread has databases of its own'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a)');
    const runs = await Promise.all([1, 2, 3].map(() => worker(log, dir, (Database, dir, see) => {
      const db = new Database(':memory:');
      db.function('twice', (a) => a * 2);
      db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (21)');
      see(db.prepare('SELECT twice(a) AS d FROM t').all());
      try { db.prepare('SELECT nosuch'); } catch (error) { see([error, error instanceof Database.SqliteError]); }
      see(Database.SQLITE_SCANSTAT_EST);
      db.close();
    })));
    for (const run of runs) log('worker', run);
    log('the main thread', db.prepare('SELECT count(*) AS n FROM t').get());
  },
  async 'one thread after another on one file'(Database, dir, log) {
    const file = join(dir, 'a.db');
    for (const mode of ['delete', 'wal', 'wal2']) {
      const db = new Database(file);
      db.pragma(`journal_mode = ${mode}`);
      db.exec('CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES (1)');
      db.close();
      log(mode, await worker(log, dir, (Database, dir, see) => {
        const db = new Database(`${dir}/a.db`);
        db.exec('INSERT INTO t VALUES (2)');
        see(db.prepare('SELECT sum(a) AS s FROM t').get());
        db.close();
      }));
      const again = new Database(file);
      log('back in the main thread', again.prepare('SELECT sum(a) AS s FROM t').get());
      again.pragma('journal_mode = delete');
      again.close();
    }
  },
  async 'a thread that forgets to close'(Database, dir, log) {
    log('worker', await worker(log, dir, (Database, dir, see) => {
      const db = new Database(`${dir}/a.db`);
      db.pragma('journal_mode = wal');
      db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2)');
      see(db.inTransaction);
    }));
    const db = new Database(join(dir, 'a.db'));
    log.call('the next', () => db.prepare('SELECT a FROM t').pluck().all());
    log.call('may write', () => db.prepare('INSERT INTO t VALUES (3)').run());
    db.close();
    log('nothing is left', require('node:fs').readdirSync(dir).sort());
  },
  async 'a thread that ends by an error'(Database, dir, log) {
    log('worker', await worker(log, dir, (Database, dir, see) => {
      const db = new Database(`${dir}/a.db`);
      db.exec('CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES (1)');
      see('before');
      db.function('fail', () => { throw new Error('from a function'); });
      db.prepare('SELECT fail()').get();
      see('never');
    }));
    const db = new Database(join(dir, 'a.db'), { timeout: 1000 });
    log.call('the next', () => db.prepare('SELECT count(*) AS n FROM t').get());
    db.close();
  },
  async 'a thread that exits inside a callback'(Database, dir, log) {
    log('worker', await worker(log, dir, (Database, dir, see) => {
      const db = new Database(`${dir}/a.db`);
      db.exec('CREATE TABLE t(a)');
      db.close();
      const memory = new Database(':memory:');
      process.on('exit', () => see(['exit handler', memory.prepare('SELECT 1 AS one').get()]));
      see(memory.prepare('SELECT 2 AS two').get());
    }));
    const db = new Database(join(dir, 'a.db'));
    log.call('the next', () => db.exec('INSERT INTO t VALUES (1)') === db);
    db.close();
  },
  async 'results travel between threads'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, x'0102'), (9007199254740993, 'x')");
    const rows = db.prepare('SELECT * FROM t').safeIntegers().all();
    log('cloned', structuredClone(rows));
    log('a database cannot', (() => { try { structuredClone(db.prepare('SELECT 1')); return 'cloned'; } catch (error) { return error.name; } })());
    const { port1, port2 } = new MessageChannel();
    const arrived = new Promise((resolve) => { port2.once('message', resolve); });
    port1.postMessage(rows);
    log('posted', await arrived);
    port1.close();
  },
};
