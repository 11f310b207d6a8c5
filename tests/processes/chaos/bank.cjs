'use strict';
/**
 * A process of the chaos test: a clerk of a bank. `node bank.cjs PLAN`, the plan
 * as JSON. It moves money, checks the books in snapshots, and says on standard
 * output, one line each and before it does anything else,
 *
 *   h           it has the database open
 *   a ID        it is about to commit transfer ID
 *   c ID        the commit of ID has returned
 *   f ID CODE   ID was not committed
 *   s           a snapshot was checked
 *   k MODE      a checkpoint has ended
 *   b WHAT      a statement gave up after the busy timeout
 *   w MS WHAT   the longest statement so far
 *   r MS WHAT   the longest piece of work so far, with all its attempts
 *   t WHAT      a trap was sprung: the process stops or ends itself here
 *   d           a thread of its own was terminated
 *   e TEXT      something that must not be
 *
 * Its driver says on standard input, one line of JSON each: {stop}, {trap}, {clock}, {known}.
 */
const fs = require('fs');
const readline = require('readline');
const { Worker, isMainThread, workerData } = require('worker_threads');

const { watch } = require('../hooks.cjs');
const { without } = require('../without.cjs');

/**
 * @typedef {{ package: string, file: string, mode: string, number: number, seed: number, threads: number,
 *   checkpoints: boolean, writes: number, timeout: number, without: (string | number)[], accounts: number, balance: number }} Plan
 */

/** @type {{ plan: Plan, shared: SharedArrayBuffer, turn: number }} */
const { plan, shared, turn } = isMainThread
  ? { plan: JSON.parse(process.argv[2]), shared: new SharedArrayBuffer(8), turn: 0 }
  : workerData;
/** Whether to stop; how many commits were acknowledged, to anybody, some time ago. */
const state = new Int32Array(shared);
const STOP = 0;
const KNOWN = 1;

const { writeSync } = fs;
/** One system call, and less than PIPE_BUF: lines of several threads do not mix. @param {string} line */
const say = (line) => void writeSync(1, `${line}\n`);

const isEngine = fs.existsSync(`${plan.package}/wasmfix`);
if (plan.without.length > 0) without(plan.package, plan.without);
const Database = require(plan.package);

const isWal = plan.mode !== 'delete';
const TOTAL = plan.accounts * plan.balance;
/** Milliseconds between two pieces of work, at most. */
const THINK = 3;
/** How often a piece of work hesitates at a place where others could come in between; milliseconds, at most. */
const HESITATES = 0.04;
const HESITATION = 15;
/** Milliseconds. RESTART and TRUNCATE keep writers out while they wait for the readers to leave, of whom there is always one. */
const CHECKPOINT_PATIENCE = 150;
const CHECKPOINT_EVERY = 400;
/** Of transfers; and which part of the work is one. */
const BURST = 200;
const BURSTS = 60;

let seed = (plan.seed + turn * 7919) >>> 0;
/** mulberry32 */
function random() {
  seed = (seed + 0x6d2b79f5) >>> 0;
  let t = seed;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
/** @param {number} below */
const dice = (below) => Math.floor(random() * below);

/** @param {number} ms */
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Springs a trap in the commit that comes next. @type {(() => void) | null} */
let atCommit = null;

/** @type {any} */
let hesitations = null;
let isHesitating = false;
/** Makes the engine wait in the midst of what comes next: a race that takes microseconds takes milliseconds then. */
function hesitate() {
  if (!isEngine || isHesitating || random() >= HESITATES) return;
  isHesitating = true;
  hesitations ??= watch(plan.package, () => {
    isHesitating = false;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, random() * HESITATION);
  });
  const skip = dice(4);
  if (isWal && dice(2)) hesitations.publish({ skip });
  else hesitations.pause(isWal && dice(2) ? { event: 'read', file: 'index', skip } : { event: 'write', file: '-wasmfix', skip });
}

/** Milliseconds that the disk has taken: no lock's affair, and there is no bound to it. */
let synced = 0;
for (const name of /** @type {const} */ (['fsyncSync', 'fdatasyncSync'])) {
  const sync = fs[name];
  fs[name] = (fd) => {
    const begun = performance.now();
    try {
      sync(fd);
    } finally {
      synced += performance.now() - begun;
    }
  };
}

let count = 0;
/** Of all transfers ever tried, and scattered, so that concurrent ones do not meet in the ledger's last page. */
function nextId() {
  return ((dice(65536) * 4096 + plan.number) * 64 + (turn % 64)) * 262144 + count++;
}

/** @type {Record<string, number>} */
const longest = { w: 100, r: 1000 };
/** @param {'w' | 'r'} kind @param {number} begun @param {string} what */
function note(kind, begun, what) {
  const ms = performance.now() - begun;
  if (ms <= longest[kind]) return;
  longest[kind] = ms;
  say(`${kind} ${Math.round(ms)} ${what}`);
}

/** @param {any} error */
const isBusy = (error) => typeof error?.code === 'string' && error.code.startsWith('SQLITE_BUSY');

/**
 * Runs one statement, timed.
 * @template T
 * @param {string} what
 * @param {() => T} body
 * @returns {T}
 */
function timed(what, body) {
  const begun = performance.now() - synced;
  try {
    return body();
  } catch (error) {
    if (isBusy(error) && performance.now() - synced - begun > plan.timeout / 2) say(`b ${what}`);
    throw error;
  } finally {
    note('w', begun + synced, what);
  }
}

class Clerk {
  constructor() {
    this.db = new Database(plan.file, { timeout: plan.timeout });
    /** A second connection of the same instance. */
    this.peer = new Database(plan.file, { timeout: plan.timeout });
    /** Whatever this clerk has seen in the books, it must not see less later. */
    this.seen = 0;
    /** @type {number | null} */
    this.last = null;
    this.nextCheckpoint = 0;
    /** @type {any} */
    this.booking = null;
    for (const db of [this.db, this.peer]) {
      db.pragma('synchronous = normal');
      db.pragma('cache_size = 20');
      db.pragma('wal_autocheckpoint = 200');
      db.pragma('journal_size_limit = 200000');
    }
  }

  /** @param {any} db @param {string} sql */
  run(db, sql) {
    timed(sql, () => db.exec(sql));
  }

  /** @param {any} db @param {string} sql @param {...unknown} values */
  row(db, sql, ...values) {
    return timed(sql, () => db.prepare(sql).get(...values));
  }

  /** @param {any} db @param {string} sql @param {...unknown} values */
  change(db, sql, ...values) {
    timed(sql, () => db.prepare(sql).run(...values));
  }

  /** Gives up what a statement has left open. @param {any} db */
  giveUp(db) {
    if (db.inTransaction) this.run(db, 'rollback');
  }

  /** Moves money, as often as it takes. @param {string} kind of transaction */
  async transfer(kind) {
    const begun = performance.now();
    while (!state[STOP]) {
      const id = nextId();
      try {
        this.run(this.db, `begin ${kind}`);
        this.move(id);
        if (isWal && dice(10) === 0) this.check(this.peer);
        if (dice(20) === 0) {
          this.run(this.db, 'rollback');
          return say(`f ${id} rolled back`);
        }
        say(`a ${id}`);
        atCommit?.();
        atCommit = null;
        this.run(this.db, 'commit');
        say(`c ${id}`);
        this.last = id;
        return note('r', begun, kind);
      } catch (error) {
        if (!isBusy(error)) throw error;
        this.giveUp(this.db);
        this.giveUp(this.peer);
        say(`f ${id} ${/** @type {any} */ (error).code}`);
        await sleep(random() * THINK);
      }
    }
  }

  /** Transfers of one statement each, one right after the other: locks are kept in between, WRITE is taken ahead. */
  burst() {
    this.booking ??= this.db.prepare('insert into booking values (?, ?, ?, ?)');
    const { booking } = this;
    for (let i = 0; i < BURST && !state[STOP]; i++) {
      const id = nextId();
      say(`a ${id}`);
      atCommit?.();
      atCommit = null;
      try {
        timed('booking', () => booking.run(id, dice(plan.accounts), dice(plan.accounts), dice(50)));
      } catch (error) {
        if (!isBusy(error)) throw error;
        return say(`f ${id} ${/** @type {any} */ (error).code}`);
      }
      say(`c ${id}`);
      this.last = id;
    }
  }

  /** @param {number} id */
  move(id) {
    const [from, to] = [dice(plan.accounts), dice(plan.accounts)];
    const amount = dice(50);
    const before = this.row(this.db, 'select balance from account where id = ?', from).balance;
    this.change(this.db, 'update account set balance = ?, moves = moves + 1 where id = ?', before - amount, from);
    this.change(this.db, 'update account set balance = balance + ?, moves = moves + 1 where id = ?', amount, to);
    // More than the cache has room for: frames are written before the commit.
    if (dice(25) === 0) this.run(this.db, 'update account set note = randomblob(700)');
    this.change(this.db, 'insert into ledger values (?, ?, ?, ?)', id, from, to, amount);
  }

  /** The books, as a transaction that is open sees them. @param {any} db @param {boolean} [all] the ledger, too */
  read(db, all = false) {
    const { balance, moves } = this.row(db, 'select sum(balance) balance, sum(moves) moves from account');
    const rows = all ? this.row(db, 'select count(*) n from ledger').n : moves / 2;
    return { balance, moves, rows };
  }

  /** @param {ReturnType<Clerk['read']>} books @param {number} known */
  verify(books, known) {
    if (books.balance !== TOTAL) say(`e the sum of a snapshot is ${books.balance}`);
    if (books.rows * 2 !== books.moves) say(`e a snapshot has ${books.rows} transfers and ${books.moves} moves`);
    if (books.rows < known) say(`e a snapshot has ${books.rows} transfers, ${known} were acknowledged before`);
    if (books.rows < this.seen) say(`e a snapshot has ${books.rows} transfers, an earlier one ${this.seen}`);
    this.seen = Math.max(this.seen, books.rows);
  }

  /** A snapshot that is read once. @param {any} db */
  check(db) {
    const known = state[KNOWN];
    this.run(db, 'begin');
    this.verify(this.read(db), known);
    this.run(db, 'commit');
    say('s');
  }

  /** A snapshot that lasts: it says the same each time. */
  async snapshot() {
    const begun = performance.now();
    const db = dice(2) ? this.db : this.peer;
    try {
      const known = state[KNOWN];
      this.run(db, 'begin');
      const all = dice(10) === 0;
      const books = this.read(db, all);
      this.verify(books, known);
      if (this.last !== null && !this.row(db, 'select 1 from ledger where id = ?', this.last)) say(`e transfer ${this.last} of its own is missing`);
      for (let i = dice(4); i > 0; i--) {
        await sleep(dice(6));
        const again = this.read(db, all);
        if (JSON.stringify(again) !== JSON.stringify(books)) say(`e a snapshot changed from ${JSON.stringify(books)} to ${JSON.stringify(again)}`);
      }
      this.run(db, 'commit');
      say('s');
      note('r', begun, 'snapshot');
    } catch (error) {
      if (!isBusy(error)) throw error;
      this.giveUp(db);
    }
  }

  checkpoint() {
    this.nextCheckpoint = performance.now() + CHECKPOINT_EVERY;
    const mode = ['passive', 'restart', 'truncate'][dice(3)];
    try {
      this.db.pragma(`busy_timeout = ${CHECKPOINT_PATIENCE}`);
      timed(`checkpoint ${mode}`, () => this.db.pragma(`wal_checkpoint(${mode})`));
      say(`k ${mode}`);
    } catch (error) {
      if (!isBusy(error)) throw error;
    } finally {
      this.db.pragma(`busy_timeout = ${plan.timeout}`);
    }
  }

  async work() {
    while (!state[STOP]) {
      hesitate();
      if (plan.checkpoints && turn === 0 && isWal && performance.now() > this.nextCheckpoint) this.checkpoint();
      else if (isWal && dice(BURSTS) === 0) this.burst();
      else if (random() < plan.writes) await this.transfer(isWal && dice(2) ? 'concurrent' : 'immediate');
      else await this.snapshot();
      await (dice(4) ? sleep(random() * THINK) : new Promise(setImmediate));
    }
  }

  close() {
    this.peer.close();
    this.db.close();
  }
}

/** @param {unknown} error */
function fail(error) {
  const { code, stack } = /** @type {any} */ (error);
  say(`e ${[code, stack ?? error].join(' ').replaceAll('\n', ' ').slice(0, 2000)}`);
}

/** A thread of this process, ended wherever it is, and replaced. */
async function keepThread() {
  for (let next = 1; !state[STOP]; next++) {
    const worker = new Worker(__filename, { workerData: { plan, shared, turn: next } });
    worker.on('error', fail);
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    const until = performance.now() + 1000 + random() * 3000;
    while (!state[STOP] && performance.now() < until) await sleep(50);
    if (!state[STOP]) {
      await worker.terminate();
      say('d');
    }
    await ended;
  }
}

function listen() {
  /** @type {any} */
  let hooks = null;
  let act = 'SIGKILL';
  /** @type {Record<string, (value: any) => void>} */
  const orders = {
    stop: () => void (state[STOP] = 1),
    known: (n) => void (state[KNOWN] = n),
    clock: (ms) => {
      const { now } = Date;
      Date.now = () => now() + ms;
    },
    trap: ({ signal, where, skip }) => {
      if (!isEngine) return;
      act = signal;
      hooks ??= watch(plan.package, (/** @type {string} */ point) => {
        say(`t ${act} ${point}`);
        process.kill(process.pid, act);
      });
      if (where === 'commit') atCommit = () => hooks.publish({ skip });
      else if (where === 'publish') hooks.publish({ skip });
      else hooks.pause({ event: 'write', file: where, skip });
    },
  };
  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    for (const [order, value] of Object.entries(JSON.parse(line))) orders[order](value);
  });
  // Its driver is gone.
  lines.on('close', orders.stop);
  return lines;
}

async function main() {
  const lines = isMainThread ? listen() : null;
  const threads = isMainThread && plan.threads > 1 ? keepThread() : null;
  const clerk = new Clerk();
  say('h');
  await clerk.work();
  // Two that close at the same time each see the other: neither would be the last.
  await threads;
  clerk.close();
  lines?.close();
}

main().catch((error) => {
  fail(error);
  process.exit(1);
});
