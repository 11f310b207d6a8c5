'use strict';
// node thread_exit.cjs PACKAGE DATABASE HOW: the main thread ends while a worker thread has the database open.
//   idle        the thread waits for messages
//   closing     the thread has just been told to close its database (so does zero-cache's replicator)
//   slow disk   the same; it is the last to close it, and each sync takes most of a second
//   terminated  the thread was ended before
//   busy        the thread does not listen
const fs = require('fs');
const { Worker, isMainThread, parentPort } = require('worker_threads');

const [pkg, file, how] = process.argv.slice(2);
const Database = require(pkg);
const db = new Database(file);

if (isMainThread) {
  db.pragma('journal_mode = wal2');
  db.exec('CREATE TABLE t (x)');
  const worker = new Worker(__filename, { argv: process.argv.slice(2) });
  worker.once('message', async () => {
    if (how === 'slow disk') db.close();
    if (how === 'closing' || how === 'slow disk') worker.postMessage('close');
    if (how === 'terminated') await worker.terminate();
    process.exit(0);
  });
} else {
  db.exec("INSERT INTO t VALUES ('of the thread')");
  if (how === 'slow disk') fs.fsyncSync = fs.fdatasyncSync = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
  parentPort.on('message', () => db.close());
  parentPort.postMessage('ready');
  if (how === 'busy') for (;;);
}
