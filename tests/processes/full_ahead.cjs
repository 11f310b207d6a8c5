'use strict';
/**
 * The stack is full just after WRITE was taken ahead, and so full that it cannot be given back; then, in the same turn,
 * statements with room enough. `node full_ahead.cjs PACKAGE_FOLDER FILE MODE` prints JSON.
 */
const { Worker, isMainThread, workerData } = require('worker_threads');

const [, , package_, file, mode] = process.argv;
const Database = require(isMainThread ? package_ : workerData.package_);

/** @param {Int32Array} state @param {number} value */
function waitFor(state, value) {
  while (Atomics.load(state, 0) !== value) Atomics.wait(state, 0, Atomics.load(state, 0), 100);
}

/** @param {Int32Array} state @param {number} value */
function say(state, value) {
  Atomics.store(state, 0, value);
  Atomics.notify(state, 0);
}

/** Another instance, which commits when it is told to. */
function other({ name, state }) {
  const db = new Database(name, { timeout: 10000 });
  const insert = db.prepare("insert into t values('other')");
  for (let turn = 1; ; turn += 2) {
    while (Atomics.load(state, 0) < turn) Atomics.wait(state, 0, turn - 1, 100);
    if (Atomics.load(state, 0) > turn) break;
    insert.run();
    say(state, turn + 1);
  }
  db.close();
}

function main() {
  const { WalIndex } = require(`${package_}/wasmfix/wal-index.js`);
  const { FileNodes } = require(`${package_}/wasmfix/locks.js`);
  // A burst is so many read locks in so many milliseconds: this machine is a hundred times as fast, then.
  const clock = require(`${package_}/wasmfix/clock.js`);
  const { now } = clock;
  clock.now = () => now() / 100;

  const db = new Database(file, { timeout: 1000 });
  db.pragma(`journal_mode = ${mode}`);
  db.exec('create table t(x)');
  const state = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(__filename, { workerData: { package_, name: file, state } });
  const insert = db.prepare('insert into t values(?)');
  const read = db.prepare('select count(*) from t').pluck();
  let rows = 0;
  let shown = 0;
  const wrong = [];
  // On a machine that others use, a burst may take several attempts all the same.
  for (let turn = 1; turn < 40 && shown < 3; turn += 2) {
    insert.run('ours');
    for (let i = 0; i < 500; i++) read.get();
    say(state, turn);
    waitFor(state, turn + 1);
    rows += 2;
    const { refresh } = WalIndex.prototype;
    const { guarded, takeAhead } = FileNodes.prototype;
    const full = () => {
      throw new RangeError('Maximum call stack size exceeded');
    };
    FileNodes.prototype.takeAhead = function (node) {
      WalIndex.prototype.refresh = () => {
        FileNodes.prototype.guarded = full;
        full();
      };
      try {
        takeAhead.call(this, node);
      } finally {
        WalIndex.prototype.refresh = refresh;
        FileNodes.prototype.guarded = guarded;
      }
    };
    try {
      insert.run('ours');
      rows++;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      shown++;
    }
    FileNodes.prototype.takeAhead = takeAhead;
    if (read.get() !== rows) wrong.push(`${read.get()} rows are read, not ${rows}`);
    db.exec("insert into t values('ours')");
    rows++;
  }
  say(state, 1000);
  worker.on('exit', () => {
    if (read.get() !== rows) wrong.push(`${read.get()} rows are left, not ${rows}`);
    console.log(JSON.stringify({ shown, wrong, check: db.pragma('integrity_check', { simple: true }) }));
    db.close();
  });
}

if (isMainThread) main();
else other(workerData);
