'use strict';
const fs = require('node:fs');
const { join } = require('node:path');

/** @param {any} db */
const facts = (db) => ({ name: db.name, open: db.open, memory: db.memory, readonly: db.readonly, inTransaction: db.inTransaction });

/** Names beside a database that both drivers must agree on: a driver's own lock files are its own affair. @param {string} dir */
const listing = (dir) => fs.readdirSync(dir).filter((name) => !/-(shm|wasmfix)$/.test(name)).sort();

module.exports = {
  'a file is created on first use and reported'(Database, dir, log) {
    const db = new Database(join(dir, 'new.db'));
    log('facts', facts(db));
    log('before the first write', fs.statSync(join(dir, 'new.db')).size);
    db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    log('after', fs.statSync(join(dir, 'new.db')).size);
    db.close();
    log('closed', facts(db));
    log('files', listing(dir));
  },
  'anonymous databases need no file'(Database, dir, log) {
    for (const name of ['', ':memory:', undefined, null, '  ', ' :memory: ']) {
      const db = log.call(`open ${String(name)}`, () => new Database(name));
      log('facts', facts(db));
      db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (randomblob(100))');
      log('rows', db.prepare('SELECT count(*) AS n FROM t').get());
      db.close();
    }
    log('files', listing(dir));
  },
  'Database works without new'(Database, dir, log) {
    const db = Database(join(dir, 'a.db'));
    log('instance', db instanceof Database);
    log('facts', facts(db));
    db.close();
  },
  'arguments of the wrong type are refused'(Database, dir, log) {
    for (const name of [0, 5, true, {}, [], new Uint8Array(3), Symbol.iterator]) {
      log.call(`name ${typeof name}`, () => new Database(name));
    }
    const file = join(dir, 'x.db');
    const bad = [
      5, 'x', true, { readOnly: true }, { memory: true }, { readonly: 1 }, { readonly: undefined },
      { fileMustExist: 'yes' }, { timeout: '5' }, { timeout: -1 }, { timeout: 1.5 }, { timeout: NaN },
      { timeout: 0x80000000 }, { timeout: 75.01 }, { verbose: 5 }, { verbose: {} }, { nativeBinding: 5 },
    ];
    for (const [at, options] of bad.entries()) log.call(`options ${at}`, () => new Database(file, options));
    log.call('a memory database cannot be readonly', () => new Database(':memory:', { readonly: true }));
    log.call('nor a temporary one', () => new Database('', { readonly: true }));
    log('nothing was created', listing(dir));
    for (const options of [null, undefined, { timeout: 0x7fffffff }, { timeout: 0 }, { verbose: null }, { nativeBinding: null }]) {
      log.call('accepted', () => new Database(file, options).close());
    }
  },
  'fileMustExist and readonly decide about missing files'(Database, dir, log) {
    const file = join(dir, 'missing.db');
    log.call('must exist', () => new Database(file, { fileMustExist: true }));
    log.call('readonly', () => new Database(file, { readonly: true }));
    log.call('both', () => new Database(file, { readonly: true, fileMustExist: true }));
    log('files', listing(dir));
    new Database(file).exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)').close();
    const db = log.call('now it exists', () => new Database(file, { fileMustExist: true }));
    db.exec('INSERT INTO t VALUES (2)');
    db.close();
    const reader = log.call('readonly', () => new Database(file, { readonly: true }));
    log('facts', facts(reader));
    log.call('reads', () => reader.prepare('SELECT a FROM t').all());
    log.call('exec refused', () => reader.exec('INSERT INTO t VALUES (3)'));
    log.call('run refused', () => reader.prepare('DELETE FROM t').run());
    log.call('create refused', () => reader.exec('CREATE TABLE u(a)'));
    log.call('temp tables are allowed', () => reader.exec('CREATE TEMP TABLE u(a); INSERT INTO u VALUES (1)'));
    reader.close();
  },
  'a missing directory is named before SQLite is asked'(Database, dir, log) {
    log.call('missing', () => new Database(join(dir, 'no', 'such', 'a.db')));
    log.call('a directory as file', () => new Database(dir));
    log.call('a directory, readonly', () => new Database(dir, { readonly: true }));
    fs.writeFileSync(join(dir, 'plain'), 'x');
    log.call('a file as directory', () => new Database(join(dir, 'plain', 'a.db')));
  },
  'a file that is no database is refused on first use'(Database, dir, log) {
    const file = join(dir, 'text.db');
    fs.writeFileSync(file, 'This is not a database, whatever its name may say. '.repeat(100));
    const db = log.call('open', () => new Database(file));
    log.call('select', () => db.prepare('SELECT * FROM sqlite_master').all());
    log.call('exec', () => db.exec('CREATE TABLE t(a)'));
    log.call('pragma', () => db.pragma('user_version'));
    db.close();
    log('untouched', fs.readFileSync(file, 'latin1').length);
    fs.writeFileSync(join(dir, 'short.db'), 'SQLite format 3\0');
    const short = new Database(join(dir, 'short.db'));
    log.call('a header cut short', () => short.prepare('SELECT * FROM sqlite_master').all());
    short.close();
    fs.writeFileSync(join(dir, 'empty.db'), '');
    const empty = new Database(join(dir, 'empty.db'));
    log.call('an empty file is an empty database', () => empty.prepare('SELECT * FROM sqlite_master').all());
    empty.close();
  },
  'a damaged database says so'(Database, dir, log) {
    const file = join(dir, 'a.db');
    const db = new Database(file);
    db.exec('CREATE TABLE t(a); CREATE INDEX i ON t(a)');
    const insert = db.prepare('INSERT INTO t VALUES (?)');
    db.transaction(() => { for (let i = 0; i < 2000; i++) insert.run(`row ${i} ${'x'.repeat(100)}`); })();
    db.close();
    const bytes = fs.readFileSync(file);
    bytes.fill(0x5a, 4096 * 3, 4096 * 8);
    fs.writeFileSync(file, bytes);
    const damaged = new Database(file);
    log.call('scan', () => damaged.prepare('SELECT count(a), sum(length(a)) FROM t NOT INDEXED').get());
    log.call('integrity_check', () => damaged.pragma('integrity_check(3)'));
    damaged.close();
    fs.truncateSync(file, 4096 * 4);
    const cut = new Database(file);
    log.call('a file cut short', () => cut.prepare('SELECT sum(length(a)) FROM t NOT INDEXED').get());
    cut.close();
  },
  'names may hold spaces, signs and any letters'(Database, dir, log) {
    for (const name of ['a b.db', 'q?mode=ro.db', 'h#x.db', 'per%20cent.db', 'grün-日本-🙂.db', "quo'te\".db", 'x'.repeat(200)]) {
      const db = log.call('open', () => new Database(join(dir, name)));
      log('name', db.name);
      db.exec('CREATE TABLE t(a)');
      log('database_list', db.pragma('database_list'));
      db.close();
      log('there', fs.existsSync(join(dir, name)));
      fs.rmSync(join(dir, name), { force: true });
    }
    log.call('a name longer than the file system allows', () => new Database(join(dir, 'y'.repeat(300))));
    const trimmed = new Database(`  ${join(dir, 'trim.db')}\n`);
    log('the given name is kept', trimmed.name);
    trimmed.close();
    log('the file has the trimmed one', listing(dir));
  },
  async 'a relative name is relative to the working directory'(Database, dir, log) {
    await log.child('child', (Database, dir, see) => {
      process.chdir(dir);
      const db = new Database('rel.db');
      db.exec('CREATE TABLE t(a)');
      see(db.name);
      see(db.pragma('database_list'));
      process.chdir('/');
      db.exec('INSERT INTO t VALUES (1)');
      see(db.prepare('SELECT * FROM t').all());
      db.close();
      see(require('fs').readdirSync(dir).filter((name) => !/-(shm|wasmfix)$/.test(name)));
    });
  },
  'URI filenames'(Database, dir, log) {
    const file = join(dir, 'uri.db');
    new Database(file).exec('CREATE TABLE t(a); INSERT INTO t VALUES (7)').close();
    const names = [
      `file:${file}`, `file://${file}`, `file://localhost${file}`, `file://elsewhere${file}`, `file:${file}?mode=ro`,
      `file:${file}?mode=rw`, `file:${file}?mode=rwc`, `file:${file}?mode=memory`, `file:${file}?mode=wrong`,
      `file:${file}?cache=shared`, `file:${file}?cache=wrong`, `file:${file}?immutable=1`, `file:${file}?nolock=1`,
      `file:${file}?psow=0`, `file:${file}?vfs=nosuch`, `file:${file}#fragment`, `file:${file.replace('uri', '%75ri')}`,
      `file:${join(dir, 'absent.db')}?mode=rw`, 'file::memory:', 'file:mem?mode=memory', `file:${file}?unknown=1&mode=ro`,
    ];
    for (const name of names) {
      const db = log.call(name.split(dir).join('<dir>'), () => new Database(name));
      if (!db) continue;
      log('facts', facts(db));
      log.call('read', () => db.prepare('SELECT * FROM t').all());
      log.call('write', () => db.exec('CREATE TABLE IF NOT EXISTS u(a); INSERT INTO u VALUES (1); DROP TABLE u'));
      db.close();
    }
    log('files', listing(dir));
  },
  async 'SQLITE_USE_URI is read when the driver loads'(Database, dir, log) {
    for (const value of ['0', '1', 'yes', '']) {
      await log.child(`SQLITE_USE_URI=${value}`, (Database, dir, see) => {
        const name = `file:${dir}/u${process.env.SQLITE_USE_URI}.db`;
        try {
          const db = new Database(name);
          db.exec('CREATE TABLE t(a)');
          see(db.pragma('database_list').map((row) => row.file));
          db.close();
        } catch (error) {
          see(error);
        }
        see(require('fs').readdirSync(dir).filter((file) => !/-(shm|wasmfix)$/.test(file)).sort());
      }, { env: { SQLITE_USE_URI: value } });
    }
  },
  'a database behind a symlink keeps its WAL beside the real file'(Database, dir, log) {
    fs.mkdirSync(join(dir, 'real'));
    fs.symlinkSync(join('real', 'a.db'), join(dir, 'link.db'));
    const dangling = log.call('a dangling link creates its target', () => new Database(join(dir, 'link.db')));
    dangling.pragma('journal_mode = wal');
    dangling.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    log('database_list', dangling.pragma('database_list'));
    log('beside the link', listing(dir));
    log('beside the file', listing(join(dir, 'real')));
    const other = new Database(join(dir, 'real', 'a.db'));
    log('the same database by its real name', other.prepare('SELECT * FROM t').all());
    other.close();
    dangling.close();
    log('after close', listing(join(dir, 'real')));
    fs.symlinkSync('loop2', join(dir, 'loop1'));
    fs.symlinkSync('loop1', join(dir, 'loop2'));
    log.call('a loop', () => new Database(join(dir, 'loop1')));
    fs.symlinkSync('real', join(dir, 'folder'));
    const folder = new Database(join(dir, 'folder', 'b.db'));
    folder.exec('CREATE TABLE t(a)');
    log('through a linked folder', folder.pragma('database_list'));
    folder.close();
    log('files', listing(join(dir, 'real')));
  },
  'files get the usual mode, and the WAL that of its database'(Database, dir, log) {
    const file = join(dir, 'a.db');
    const db = new Database(file);
    db.pragma('journal_mode = wal');
    db.exec('CREATE TABLE t(a)');
    log('database', (fs.statSync(file).mode & 0o777).toString(8));
    log('wal', (fs.statSync(`${file}-wal`).mode & 0o777).toString(8));
    db.close();
    fs.chmodSync(file, 0o600);
    const again = new Database(file);
    again.exec('INSERT INTO t VALUES (1)');
    log('wal of a private database', (fs.statSync(`${file}-wal`).mode & 0o777).toString(8));
    again.close();
    const journalled = new Database(join(dir, 'j.db'));
    fs.chmodSync(join(dir, 'j.db'), 0o640);
    journalled.exec('CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES (1)');
    journalled.pragma('cache_flush');
    log('journal', listing(dir));
    log('mode', fs.existsSync(join(dir, 'j.db-journal')) && (fs.statSync(join(dir, 'j.db-journal')).mode & 0o777).toString(8));
    journalled.exec('COMMIT');
    journalled.close();
  },
  'a hot journal is rolled back by the next who opens'(Database, dir, log) {
    const file = join(dir, 'a.db');
    const db = new Database(file);
    db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    db.pragma('cache_size = 5');
    db.exec('BEGIN; UPDATE t SET a = 2; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t SELECT randomblob(500) FROM n');
    for (const name of ['a.db', 'a.db-journal']) fs.copyFileSync(join(dir, name), join(dir, name.replace('a', 'copy')));
    db.exec('ROLLBACK');
    db.close();
    const copy = new Database(join(dir, 'copy.db'));
    log.call('rows', () => copy.prepare('SELECT * FROM t').all());
    log.call('check', () => copy.pragma('integrity_check', { simple: true }));
    copy.close();
    log('files', listing(dir));
  },
  'a WAL left behind is recovered'(Database, dir, log) {
    const file = join(dir, 'a.db');
    for (const mode of ['wal', 'wal2']) {
      const db = new Database(file);
      log('mode', db.pragma(`journal_mode = ${mode}`, { simple: true }));
      db.exec(`CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES ('${mode}')`);
      for (const name of listing(dir).filter((name) => name.startsWith('a.db'))) {
        fs.copyFileSync(join(dir, name), join(dir, name.replace('a.db', `${mode}.copy`)));
      }
      db.close();
      const copy = new Database(join(dir, `${mode}.copy`));
      log.call('rows', () => copy.prepare('SELECT * FROM t').all());
      log.call('mode', () => copy.pragma('journal_mode', { simple: true }));
      copy.close();
      const back = new Database(file);
      back.pragma('journal_mode = delete');
      back.close();
    }
    log('files', listing(dir));
  },
  'nativeBinding as a string is a path to a file of its own'(Database, dir, log) {
    const refused = () => {
      try {
        return new Database(':memory:', { nativeBinding: join(dir, 'absent') });
      } catch (error) {
        return error.code;
      }
    };
    log('missing', refused());
  },
};
