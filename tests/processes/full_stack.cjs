'use strict';
/**
 * Statements on a stack that is nearly full: it is filled, and so many frames before its end a statement begins.
 * `node full_stack.cjs PACKAGE_FOLDER FILE MODE` prints what goes wrong, as JSON.
 */
const fs = require('fs');
const { setImmediate } = require('timers/promises');

const [, , package_, file, mode] = process.argv;
const ROWS = 384;
const ROW = 128;
/** After so many that had room enough, all others will have. */
const ENOUGH = 8;
/** Of a row: the locks of the WAL index, RESERVED and PENDING. */
const LOCKS = [0, 1, 2, 3, 4, 5, 6, 7, 10, 11];
const Database = require(package_);

function locks() {
  if (!fs.existsSync(`${file}-wasmfix`)) return [];
  const table = fs.readFileSync(`${file}-wasmfix`);
  const found = [];
  for (let at = ROWS; at < table.length; at += ROW) for (const slot of LOCKS) if (table[at + slot] !== 0) found.push(slot);
  return found;
}

/** Calls `body` where the stack has room for `frames` frames more. Each time a new function: V8 would make one of its frames smaller. */
function within(frames, body) {
  new Function('state', 'body', `
    let spare = state.up;
    function dive() {
      try {
        dive();
      } catch (error) {
        state.last = error;
      }
      if (state.up++ === state.frames) body();
      return spare;
    }
    return dive();
  `)({ up: 0, frames }, body);
}

const operations = {
  insert: (db) => db.insert.run(1),
  read: (db) => db.read.get(),
};

function open() {
  const db = new Database(file, { timeout: 300 });
  db.pragma(`journal_mode = ${mode}`);
  db.pragma('synchronous = off');
  db.exec('create table if not exists t(a)');
  db.insert = db.prepare('insert into t values(?)');
  db.read = db.prepare('select count(*) n from t');
  return db;
}

/** The error's code, or none. */
function attempt(db, run) {
  try {
    run(db);
    return 'none';
  } catch (error) {
    return error.code ?? error.name;
  }
}

async function main() {
  const wrong = [];
  const errors = {};
  let isCompiled = false;
  // What has not been compiled cannot be on a full stack.
  for (const run of Object.values(operations)) {
    const db = open();
    within(1000, () => attempt(db, run));
    db.close();
  }
  for (const [name, run] of Object.entries(operations)) {
    for (const burst of [false, true]) {
      let passed = 0;
      for (let frames = 0; passed < ENOUGH; frames++) {
        const what = `${name}, ${burst ? 'in a burst, ' : ''}${frames} frames`;
        const db = open();
        db.insert.run(1);
        const rows = db.read.get().n;
        if (burst) for (let i = 0; i < 200; i++) db.read.get();
        let code = 'no room';
        const body = () => {
          code = attempt(db, run);
        };
        if (!isCompiled) within(1000, body);
        isCompiled = true;
        within(frames, body);
        passed = code === 'none' ? passed + 1 : 0;
        errors[code] = (errors[code] ?? 0) + 1;
        await setImmediate();
        await setImmediate();
        if (locks().length > 0) wrong.push(`${what}: ${code}, locks ${locks()} are left`);
        try {
          db.close();
        } catch {
          // It was interrupted.
        }
        await setImmediate();
        if (fs.existsSync(`${file}-wasmfix`)) wrong.push(`${what}: ${code}, the lock table is left`);
        try {
          const other = open();
          if (other.read.get().n < rows) wrong.push(`${what}: rows are lost`);
          other.insert.run(1);
          other.close();
        } catch (error) {
          wrong.push(`${what}: ${code}, then ${error.message}`);
          return { wrong, errors };
        }
      }
    }
  }
  return { wrong, errors };
}

main().then((report) => console.log(JSON.stringify(report)));
