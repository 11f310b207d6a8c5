'use strict';
/** What a hostile reader of the engine broke, and native has no counterpart for. */
const assert = require('node:assert/strict');
const fs = require('node:fs');
const { join } = require('node:path');

/** Runs in a child: each of the methods at every depth at which the stack may just be full. @param {any} Database @param {string} dir @param {(value: unknown) => void} see */
function atTheEndOfTheStack(Database, dir, see) {
  const file = `${dir}/deep.db`;
  /** @type {any} */ let db;
  /** @type {Record<string, () => unknown>} */ let methods;
  const open = () => {
    db = new Database(file);
    const all = db.prepare('SELECT a, b FROM t WHERE a > ? AND b <> ?');
    const get = db.prepare('SELECT ? AS a, ? AS b FROM t');
    const run = db.prepare('UPDATE t SET b = ? WHERE a = ? + 0');
    methods = {
      all: () => all.all(0.25, 'é').length,
      get: () => get.get(7.5, 'é').b,
      run: () => run.run('text', 1).changes,
      serialize: () => db.serialize().length > 100_000,
    };
  };
  new Database(file).exec("CREATE TABLE t(a, b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i, printf('%.*c', 100, 'x') FROM n").close();
  open();
  const right = { all: 2000, get: 'é', run: 1, serialize: true };
  for (const [name, expected] of Object.entries(right)) {
    let wrong = 0;
    let refused = 0;
    let succeeded = false;
    const attempt = () => {
      try {
        if (methods[name]() !== expected) wrong++;
      } catch (error) {
        if (error instanceof RangeError) throw error;
        if (error.code !== 'SQLITE_INTERNAL') throw new Error(`${name}: ${error.message}`, { cause: error });
        refused++;
      }
    };
    /** @type {unknown} */ let other = null;
    const descend = () => {
      try {
        descend();
        return;
      } catch {
        if (succeeded) return;
      }
      try {
        attempt();
        succeeded = true;
      } catch (error) {
        if (error instanceof RangeError) throw error; // still too deep
        other = error;
        succeeded = true;
      }
    };
    const shifted = (/** @type {number} */ n) => (n > 0 ? shifted(n - 1) : descend());
    for (let phase = 0; phase < 12; phase++) {
      succeeded = false;
      const before = refused;
      shifted(phase);
      if (refused > before) {
        db.close();
        open();
      }
      if (other !== null) throw other;
      if (methods[name]() !== expected) wrong++;
    }
    see([name, wrong]);
  }
  see(db.pragma('integrity_check', { simple: true }));
  db.close();
}

/** Runs in a child: a call that is interrupted inside a function of another one, which is changing a file. @param {any} Database @param {string} dir @param {(value: unknown) => void} see */
function insideAnother(Database, dir, see) {
  const memory = () => {
    const db = new Database(':memory:');
    db.function('same', (x) => x);
    return db.prepare('SELECT same(?) AS v');
  };
  for (const mode of ['DELETE', 'WAL']) {
    for (let phase = 0; phase < 8; phase++) {
      const file = `${dir}/${mode}${phase}.db`;
      const outer = new Database(file);
      outer.pragma(`journal_mode = ${mode}`);
      outer.pragma('synchronous = OFF');
      outer.pragma('cache_size = 5');
      outer.exec('CREATE TABLE t(a, b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 800) INSERT INTO t SELECT i, zeroblob(500) FROM n');
      const query = memory();
      let interrupted = false;
      outer.function('deep', (x) => {
        if (x !== 600) return x;
        let done = false;
        const descend = () => {
          try {
            descend();
          } catch {
            if (done) return;
            try {
              query.get(1);
            } catch (error) {
              if (error instanceof RangeError) throw error;
              interrupted = true;
            }
            done = true;
          }
        };
        const shifted = (/** @type {number} */ n) => (n > 0 ? shifted(n - 1) : descend());
        shifted(phase);
        if (interrupted) new Database(file, { timeout: 50 }).exec('CREATE TABLE next(a)').close();
        return x;
      });
      let ended = 'committed';
      try {
        outer.exec('BEGIN; UPDATE t SET b = zeroblob(900 + 0 * deep(a)); COMMIT');
      } catch (error) {
        ended = error.code;
      }
      outer.close();
      const after = new Database(file, { timeout: 50 });
      const [bytes, check] = [after.prepare('SELECT sum(length(b)) FROM t').pluck().get(), after.pragma('integrity_check', { simple: true })];
      after.close();
      const right = interrupted ? [400_000, 'SQLITE_INTERNAL'] : [720_000, 'committed'];
      if (bytes !== right[0] || ended !== right[1] || check !== 'ok') see([mode, phase, interrupted, ended, bytes, check]);
    }
  }
  see('done');
}

module.exports = {
  async 'a call interrupted inside another undoes that, and frees the file at once'(Database, dir, log) {
    const ended = await log.child('child', insideAnother, { flags: ['--stack-size=700'] });
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual(ended.seen, ['done']);
  },
  async 'whatever was under way when the stack was full works again, or the instance refuses'(Database, dir, log) {
    const ended = await log.child('child', atTheEndOfTheStack, { flags: ['--stack-size=600'] });
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual(ended.seen, [['all', 0], ['get', 0], ['run', 0], ['serialize', 0], 'ok']);
  },
  'a lock of an earlier boot is broken'(Database, dir, log) {
    const file = join(dir, 'boot.db');
    const lock = `${file}-wasmfix`;
    const db = new Database(file, { timeout: 10 });
    db.exec('CREATE TABLE t(a)');
    db.exec('BEGIN EXCLUSIVE');
    const held = fs.readFileSync(lock, 'latin1');
    db.close();
    const world = held.match(/[0-9a-f]{8}\.\d+(?=:\d+:)/)[0];
    const [boot, namespace] = world.split('.');
    const left = (/** @type {string} */ text) => {
      fs.writeFileSync(lock, held.replace(world, text), 'latin1');
      const next = new Database(file, { timeout: 10 });
      try {
        return next.prepare('INSERT INTO t VALUES (1)').run().changes;
      } catch (error) {
        return error.code;
      } finally {
        next.close();
        fs.rmSync(lock, { force: true });
      }
    };
    // Only where the file system can have no other machine on it.
    const local = [0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1, 0xf2f52010, 0x01021994, 0x794c7630].includes(fs.statfsSync(dir).type >>> 0);
    const answers = [left(`${boot === '00000000' ? '11111111' : '00000000'}.${namespace}`), left(`${boot}.${'1'.repeat(namespace.length)}`)];
    log('answers', answers);
    assert.deepEqual(answers, [local ? 1 : 'SQLITE_BUSY', 'SQLITE_BUSY'], 'another container of this boot may be alive');
  },
  'a lock that was removed by hand and taken by another is left to it'(Database, dir, log) {
    const file = join(dir, 'hand.db');
    const lock = `${file}-wasmfix`;
    const db = new Database(file);
    db.pragma('journal_mode = WAL');
    db.exec('CREATE TABLE t(a)');
    fs.unlinkSync(lock);
    fs.symlinkSync('somebody:else', lock);
    db.close();
    log('left', fs.readlinkSync(lock));
    assert.equal(fs.readlinkSync(lock), 'somebody:else');
  },
};
