'use strict';
/** Memory that comes back. */
const { expect } = require('./runner.cjs');

/** @typedef {import('./runner.cjs').Context} Context */

const ROUNDS = 1000;
const WARM_UP = 200;
const ALLOWED = 24 * 1024 * 1024;

/** Resident bytes after a collection, finalizers run. */
async function resident() {
  for (let round = 0; round < 3; round += 1) {
    /** @type {any} */ (globalThis).gc();
    await new Promise(setImmediate);
  }
  return process.memoryUsage().rss;
}

/** @param {Context} context */
async function flat({ Database }) {
  const values = Buffer.alloc(20000, 1);
  const round = () => {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v)');
    db.prepare('INSERT INTO t (v) VALUES (?)').run(values);
    db.prepare('SELECT * FROM t WHERE id = ?').get(1);
    db.prepare('SELECT * FROM t').all();
    db.function('twice', (/** @type {number} */ x) => x * 2);
    db.prepare('SELECT twice(id) FROM t').pluck().get();
    db.close();
  };
  for (let done = 0; done < WARM_UP; done += 1) round();
  const before = await resident();
  for (let done = 0; done < ROUNDS; done += 1) {
    round();
    // A server comes back to its event loop now and then, and so do we.
    if (done % 50 === 49) await new Promise(setImmediate);
  }
  // Less: the system has taken pages back.
  const grown = Math.max(0, (await resident()) - before);
  const text = `${(grown / 1024 / 1024).toFixed(1)} MB more after ${ROUNDS} rounds`;
  expect(grown < ALLOWED, text);
  return text;
}

/** @type {import('./runner.cjs').Check[]} */
module.exports = [{ id: 'V050', title: 'memory stays flat', phases: ['all'], run: flat }];
