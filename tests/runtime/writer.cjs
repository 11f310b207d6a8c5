'use strict';
/**
 * A bank whose clerk never rests. `node writer.cjs PACKAGE FILE MODE PAGES PAUSE`
 *
 * MODE is the journal mode, PAGES about how many pages the accounts take, PAUSE milliseconds between transactions.
 * Makes the database if there is none, prints `ready`, and then every 100 ms a line of JSON: commits so far, and how
 * long the slowest one since the last line took (ms). Ends when its standard input does.
 *
 * Each transaction moves money between accounts, and counts itself: `state.n` is the number of the last commit, `log`
 * has a row for each, with the number of rows that this driver saw in it. So any consistent view has the same sum of
 * money, as many rows in the log as it says, and no number missing.
 */
const [, , packageFolder, file, mode, pages, pause] = process.argv;
const Database = require(packageFolder);
const db = new Database(file, { timeout: 10000 });
const ACCOUNTS = Number(pages) * 3;

if (db.prepare("SELECT count(*) FROM sqlite_master").pluck().get() === 0) {
  db.pragma('journal_mode = OFF');
  db.exec(`
    CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER, pad TEXT);
    CREATE TABLE log(n INTEGER PRIMARY KEY, seen INTEGER, pad TEXT);
    CREATE TABLE state(n INTEGER);
    INSERT INTO state VALUES (0);
    CREATE INDEX log_pad ON log(pad);
    WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ${ACCOUNTS})
    INSERT INTO account SELECT n, 100, hex(zeroblob(580)) FROM i;
  `);
}
if (db.pragma('journal_mode', { simple: true }) !== mode) db.pragma(`journal_mode = ${mode}`);
db.pragma('synchronous = NORMAL');

const move = db.prepare('UPDATE account SET balance = balance + ? WHERE id = ?');
const next = db.prepare('UPDATE state SET n = n + 1 RETURNING n').pluck();
const count = db.prepare('SELECT count(*) FROM log').pluck();
const note = db.prepare('INSERT INTO log VALUES (?, ?, ?)');
const trim = db.prepare('DELETE FROM log WHERE n < ? - 500');
const transfer = db.transaction(() => {
  for (let i = 0; i < 3; i++) {
    const amount = Math.floor(Math.random() * 50);
    move.run(-amount, 1 + Math.floor(Math.random() * ACCOUNTS));
    move.run(amount, 1 + Math.floor(Math.random() * ACCOUNTS));
  }
  const n = next.get();
  trim.run(n);
  note.run(n, count.get() + 1, String(Math.random()).repeat(5));
  return n;
});

let commits = 0;
let slowest = 0;
let reported = Date.now();
process.stdout.write('ready\n');
process.stdin.on('end', () => { db.close(); process.exit(0); }).resume();

function work() {
  const until = Date.now() + 20;
  while (Date.now() < until) {
    const before = performance.now();
    transfer.immediate();
    slowest = Math.max(slowest, performance.now() - before);
    commits++;
    if (Number(pause) > 0) break;
  }
  if (Date.now() - reported >= 100) {
    process.stdout.write(`${JSON.stringify({ at: Date.now(), commits, slowest })}\n`);
    reported = Date.now();
    slowest = 0;
  }
  if (Number(pause) > 0) setTimeout(work, Number(pause));
  else setImmediate(work);
}
work();
