'use strict';
/**
 * One of several processes on one database: `node together.cjs PACKAGE_FOLDER FILE
 * ROLE NUMBER`. Says `{"ready": true}` when it has the database open, starts at a
 * line on stdin (the milliseconds to warm up and to run), and prints what it did:
 * while V8 compiled, and then.
 *
 * Roles: `read` gets rows by key, `write` commits updates of one row, `make` makes
 * the database in the mode NUMBER, `check` counts what the writers have left.
 *
 * A server goes back to its event loop between requests; so do these, every TICK
 * milliseconds.
 */
const { performance } = require('perf_hooks');
const { fill } = require('./items.cjs');

const [, , package_, file, role, argument] = process.argv;
const ROWS = 50_000;
const TICK = 5;

const Database = require(package_);
const db = new Database(file, { timeout: 5000 });

/** @param {object} message */
function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function make() {
  if (db.pragma(`journal_mode = ${argument}`, { simple: true }) !== argument) throw new Error(`no ${argument}`);
  fill(db, ROWS);
  db.exec('UPDATE items SET score = 0');
  db.pragma('wal_checkpoint(TRUNCATE)');
}

function check() {
  const score = db.prepare('SELECT sum(score) FROM items').pluck().get();
  say({ commits: score, integrity: db.pragma('integrity_check', { simple: true }) });
}

/** @returns {() => unknown} one operation */
function operation() {
  let next = Number(argument) * 1009;
  const statement = db.prepare(role === 'write' ? 'UPDATE items SET score = score + 1 WHERE id = ?' : 'SELECT * FROM items WHERE id = ?');
  return () => {
    next = (next + 7919) % ROWS;
    return role === 'write' ? statement.run(next) : statement.get(next);
  };
}

/** @param {number} warmUp milliseconds @param {number} duration milliseconds */
function work(warmUp, duration) {
  const once = operation();
  const begin = performance.now() + warmUp;
  const end = begin + duration;
  let cold = null;
  let operations = 0;
  let busy = 0;
  let worst = 0;
  const tick = () => {
    if (cold === null && performance.now() >= begin) {
      cold = operations;
      operations = busy = worst = 0;
    }
    let before = performance.now();
    const pause = before + TICK;
    while (before < pause) {
      try {
        once();
        operations++;
      } catch (error) {
        if (error.code !== 'SQLITE_BUSY') throw error;
        busy++;
      }
      const after = performance.now();
      worst = Math.max(worst, after - before);
      before = after;
    }
    if (before < end) return void setImmediate(tick);
    say({ cold, operations, busy, worst });
    db.close();
  };
  tick();
}

if (role === 'make' || role === 'check') {
  if (role === 'make') make();
  else check();
  db.close();
} else {
  db.pragma('synchronous = NORMAL');
  db.prepare('SELECT count(*) FROM items').get();
  process.stdin.once('data', (line) => {
    process.stdin.destroy();
    work(...String(line).split(' ').map(Number));
  });
  say({ ready: true });
}
