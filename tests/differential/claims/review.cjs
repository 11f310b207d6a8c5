'use strict';
/** What a hostile reader of the engine found: each of these once differed from native, or gave wrong data. */
const fs = require('node:fs');
const { join } = require('node:path');

/** @param {any} db */
const answer = (db) => {
  try {
    return db.prepare('SELECT count(*) FROM sqlite_master').pluck().get();
  } catch (error) {
    return error.code;
  }
};

/** @param {() => unknown} body */
const outcome = (body) => {
  try {
    return body();
  } catch (error) {
    return `${error.name} ${error.code ?? ''} ${error.message}`;
  }
};

module.exports = {
  'a failed attempt to leave WAL mode locks nobody out'(Database, dir, log) {
    const file = join(dir, 'leave.db');
    const [a, b] = [0, 1].map(() => new Database(file, { timeout: 20 }));
    a.pragma('journal_mode = WAL');
    a.exec('CREATE TABLE t(a)');
    log('second', answer(b));
    log('leaves', outcome(() => a.pragma('journal_mode = DELETE', { simple: true })));
    const c = new Database(file, { timeout: 20 });
    log('third', answer(c));
    b.exec('INSERT INTO t VALUES (1)');
    for (const db of [b, c]) db.close();
    log('leaves alone', a.pragma('journal_mode = DELETE', { simple: true }));
    a.close();
  },
  'two dots behind a link to a folder'(Database, dir, log) {
    fs.mkdirSync(join(dir, 'parent', 'child'), { recursive: true });
    fs.symlinkSync(join(dir, 'parent', 'child'), join(dir, 'link'));
    const db = new Database(`${dir}/link/../dots.db`);
    db.exec('CREATE TABLE t(a)');
    db.close();
    log('in the parent', fs.existsSync(join(dir, 'parent', 'dots.db')), fs.existsSync(join(dir, 'dots.db')));
  },
  'a link to a name with a backslash'(Database, dir, log) {
    fs.symlinkSync('odd\\name.db', join(dir, 'plain.db'));
    const db = new Database(join(dir, 'plain.db'));
    db.exec('CREATE TABLE t(a)');
    db.close();
    log('made', fs.existsSync(join(dir, 'odd\\name.db')));
  },
  'a file that was deleted has a successor'(Database, dir, log) {
    for (const mode of ['DELETE', 'WAL']) {
      const file = join(dir, `${mode}.db`);
      const old = new Database(file, { timeout: 20 });
      old.pragma(`journal_mode = ${mode}`);
      old.exec('CREATE TABLE old(a); BEGIN; SELECT * FROM old');
      for (const suffix of ['', '-wal', '-shm']) fs.rmSync(file + suffix, { force: true });
      const young = new Database(file, { timeout: 20 });
      log('young', mode, outcome(() => young.exec('CREATE TABLE young(a)').prepare('SELECT name FROM sqlite_master').pluck().all()));
      old.exec('COMMIT');
      old.close();
      log('still', young.prepare('INSERT INTO young VALUES (1)').run().changes);
      young.close();
    }
  },
  'the traps of a proxy use the database'(Database, dir, log) {
    const db = new Database(':memory:');
    const inner = db.prepare('SELECT ?, ?, ?');
    const disturb = () => inner.get('not é', 'these é', 'texts é');
    const statement = db.prepare('SELECT ? AS a, @b AS b');
    const named = new Proxy({ b: 'second' }, { getPrototypeOf: () => (disturb(), Object.prototype), getOwnPropertyDescriptor: (t, k) => (disturb(), Reflect.getOwnPropertyDescriptor(t, k)) });
    log('get', statement.get('first é', named));
    log('all', statement.all('first é', named));
    log('iterate', [...statement.iterate('first é', named)]);
  },
  'a view with a length of its own making'(Database, dir, log) {
    const db = new Database(':memory:');
    const inner = db.prepare('SELECT ?, ?, ?');
    const view = Buffer.from('four');
    Object.defineProperty(view, 'byteLength', { get: () => (inner.get('not é', 'these é', 'texts é'), 4) });
    log('getter', db.prepare('SELECT ? AS a, ? AS b').get('first é', view));
  },
  'bytes that were transferred away'(Database, dir, log) {
    const db = new Database(':memory:');
    const gone = () => {
      const view = new Uint8Array(8);
      structuredClone(view, { transfer: [view.buffer] });
      return view;
    };
    db.function('gone', gone);
    log('bound', db.prepare('SELECT ? AS a, typeof(?) AS t').get(gone(), gone()));
    log('returned', db.prepare('SELECT gone() AS a, typeof(gone()) AS t').get());
  },
};
