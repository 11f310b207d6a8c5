'use strict';
/** Several copies of the driver in one process, as nested duplicates of a package make them. */
const { join } = require('node:path');

/** A second copy of the package that `Database` comes from. */
function another() {
  const before = Object.keys(require.cache).filter((file) => file.includes('zero-sqlite3') && !file.endsWith('.node'));
  const root = before.find((file) => file.endsWith(join('lib', 'index.js')));
  const kept = before.map((file) => /** @type {[string, any]} */ ([file, require.cache[file]]));
  for (const [file] of kept) delete require.cache[file];
  const copy = require(/** @type {string} */ (root));
  for (const [file, module] of kept) require.cache[file] = module;
  return copy;
}

module.exports = {
  async 'two copies in one process, and both are closed at its end'(Database, dir, log) {
    await log.child('two copies', new Function('Database', 'dir', 'see', `
      const another = ${another};
      const { join } = require('node:path');
      const Copy = another();
      const one = new Database(dir + '/one.db');
      const two = new Copy(dir + '/two.db');
      see(Copy === Database);
      for (const db of [one, two]) { db.pragma('journal_mode = wal'); db.exec('CREATE TABLE t(a)'); }
      const use = (n) => () => { for (const db of [one, two]) db.prepare('INSERT INTO t VALUES (?)').run(n); see([n, one.open, two.open]); };
      process.on('exit', use(1));
      setImmediate(() => { process.on('exit', use(2)); process.once('exit', use(3)); });
    `));
    for (const name of ['one.db', 'two.db']) {
      const db = new Database(join(dir, name));
      log(name, db.prepare('SELECT a FROM t').pluck().all());
      db.close();
    }
  },
};
