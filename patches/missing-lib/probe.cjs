'use strict';
// Uses each file of the package's JavaScript once.
try {
  const Database = require(process.argv[2]);
  const db = new Database(':memory:');
  db.function('twice', (x) => 2 * x);
  db.aggregate('longest', { start: '', step: (found, text) => (text.length > found.length ? text : found) });
  db.table('numbers', { columns: ['n'], *rows() { yield [1]; yield [2]; } });
  db.exec('CREATE TABLE t (x UNIQUE)');
  const insert = db.prepare('INSERT INTO t VALUES (?)');
  db.transaction(() => insert.run('a').changes + insert.run('bb').changes)();
  const row = db.prepare('SELECT longest(x) AS text, (SELECT sum(twice(n)) FROM numbers) AS sum FROM t').get();
  if (row.text !== 'bb' || row.sum !== 6) throw new Error(`functions give ${JSON.stringify(row)}`);
  if (db.pragma('user_version', { simple: true }) !== 0) throw new Error('pragma() does not answer');
  if (!new Database(db.serialize()).prepare('SELECT x FROM t').get()) throw new Error('serialize() gives no database');
  try {
    insert.run('a');
    throw new Error('a constraint is not kept');
  } catch (error) {
    if (!(error instanceof Database.SqliteError) || error.code !== 'SQLITE_CONSTRAINT_UNIQUE') throw error;
  }
  if (typeof db.backup !== 'function') throw new Error('backup() is missing');
  db.close();
} catch (error) {
  console.log(String(error.message).split('\n')[0]);
  process.exitCode = 1;
}
