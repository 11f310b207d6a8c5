'use strict';
// node probe.cjs PACKAGE: no statement stays in the middle of its answer.
const path = require('node:path');
const { Database } = require(path.resolve(process.argv[2], 'dist/sqlite3.js'));

const db = new Database(':memory:');
try {
  db.exec('CREATE TABLE t (x)');
  const add = db.prepare('INSERT INTO t VALUES (1), (2), (3) RETURNING x');
  const read = db.prepare('SELECT x FROM t');
  const acts = {
    get: () => read.get(),
    run: () => add.run(),
    all: () => read.all(),
    'iterate, left early': () => {
      for (const row of read.iterate()) if (row) break;
    },
  };
  add.all();
  for (const [name, act] of Object.entries(acts)) {
    act();
    try {
      db.prepare('DROP TABLE IF EXISTS u').run();
      db.prepare('CREATE TABLE u (x)').run();
      db.prepare('BEGIN').run();
      act();
      db.prepare('DROP TABLE u').run(); // refused while any statement of the connection reads
      db.prepare('COMMIT').run();
    } catch (error) {
      throw new Error(`after ${name}: ${error.message}`);
    }
  }
} catch (error) {
  console.log(error.message);
  process.exitCode = 1;
} finally {
  db.close();
}
