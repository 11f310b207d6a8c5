'use strict';
// node probe.cjs PACKAGE: all() warns once a statement, and stops with a code, at limits that the environment sets.
process.env.WASMFIX_ROW_WARN = '100';
process.env.WASMFIX_ROW_LIMIT = '1000';
const path = require('node:path');
const { Database, SqliteError } = require(path.resolve(process.argv[2], 'dist/sqlite3.js'));

const warnings = [];
process.removeAllListeners('warning');
process.on('warning', warning => warnings.push(warning));

const db = new Database(':memory:');
const upTo = 'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT ?) SELECT x AS count_of_the_probe FROM n';

function tooMany() {
  try {
    db.prepare(`${upTo} /* stopped */`).all(5000);
  } catch (error) {
    return error;
  }
  return undefined;
}

function check() {
  const stmt = db.prepare(upTo);
  for (let i = 0; i < 2; i++) {
    const rows = stmt.all(500).length;
    if (rows !== 500) throw new Error(`all() gave ${rows} rows of 500`);
  }
  const error = tooMany();
  if (!(error instanceof SqliteError) || error.code !== 'SQLITE_TOOBIG') throw new Error(`5000 rows, the limit is 1000: ${error}`);
  if (!/1000\b.*WASMFIX_ROW_LIMIT.*count_of_the_probe.*stopped/.test(error.message)) throw new Error(`it does not name limit and query: ${error.message}`);
  db.exec('CREATE TABLE the_statement_is_reset (x)');
}

try {
  check();
} catch (error) {
  console.log(error.message);
  process.exitCode = 1;
}
// Warnings come after this turn. The statement that was stopped may have warned, too.
setImmediate(() => {
  const ours = warnings.filter(warning => warning.code === 'WASMFIX_ROW_WARN' && /count_of_the_probe/.test(warning.message) && !/stopped/.test(warning.message));
  if (!process.exitCode && ours.length !== 1) {
    console.log(`${ours.length} warnings for one statement`);
    process.exitCode = 1;
  }
  db.close();
});
