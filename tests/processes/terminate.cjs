'use strict';
/**
 * Worker threads that are ended by `worker.terminate()` in the middle of a write
 * transaction, or wherever they are: `node terminate.cjs PACKAGE FILE ROUNDS`.
 * The main thread says what it could do afterwards, and how long that took.
 */
const { Worker, isMainThread, workerData, parentPort } = require('worker_threads');

const [, , pkg, file, rounds] = isMainThread ? process.argv : [0, 0, workerData.pkg, workerData.file];
const Database = require(pkg);

function work() {
  const db = new Database(file, { timeout: 5000 });
  const insert = db.prepare('insert into t values(?)');
  let acknowledged = 0;
  const count = new Int32Array(workerData.count);
  for (;;) {
    if (workerData.hold) {
      db.exec('begin immediate');
      insert.run('never committed');
      parentPort.postMessage('holding');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    }
    insert.run('committed');
    Atomics.store(count, 0, ++acknowledged);
  }
}

async function main() {
  const db = new Database(file, { timeout: 5000 });
  let expected = 0;
  /** @type {number[]} */
  const took = [];
  for (let i = 0; i < Number(rounds); i++) {
    const hold = i % 2 === 0;
    const count = new SharedArrayBuffer(4);
    const worker = new Worker(__filename, { workerData: { pkg, file, hold, count } });
    if (hold) await new Promise((resolve) => worker.once('message', resolve));
    else await new Promise((resolve) => setTimeout(resolve, 150 + 7 * i));
    await worker.terminate();
    const begun = performance.now();
    db.prepare('insert into t values(?)').run('by the main thread');
    took.push(performance.now() - begun);
    expected += 1 + Atomics.load(new Int32Array(count), 0);
  }
  const rows = db.prepare("select count(*) from t where x <> 'never committed'").pluck().get();
  const never = db.prepare("select count(*) from t where x = 'never committed'").pluck().get();
  const integrity = db.pragma('integrity_check', { simple: true });
  db.close();
  process.stdout.write(JSON.stringify({ expected, rows, never, integrity, took }));
}

if (isMainThread) main();
else work();
