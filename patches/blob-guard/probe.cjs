'use strict';
// node probe.cjs PACKAGE: a blob, or a text, that is larger than the limit of the environment is not read into a row.
process.env.WASMFIX_BLOB_LIMIT = '1000';
const path = require('node:path');
const { Database, SqliteError } = require(path.resolve(process.argv[2], 'dist/sqlite3.js'));

const db = new Database(':memory:');
try {
  for (const [value, what] of [['zeroblob(?)', 'blob'], ["printf('%.*c', ?, 'x')", 'text']]) {
    const stmt = db.prepare(`SELECT 1 AS one, ${value} AS large`);
    if (stmt.get(1000).large.length !== 1000) throw new Error(`a ${what} of 1000 bytes is not whole`);
    let thrown;
    try {
      stmt.get(1001);
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof SqliteError) || thrown.code !== 'SQLITE_TOOBIG') throw new Error(`a ${what} of 1001 bytes, the limit is 1000: ${thrown}`);
    if (!/"large".*1001\b.*1000\b.*WASMFIX_BLOB_LIMIT.*SELECT 1 AS one/.test(thrown.message)) {
      throw new Error(`it does not name column, size, limit and query: ${thrown.message}`);
    }
    if (db.prepare('SELECT ? AS bound').pluck().get('x'.repeat(500)).length !== 500) throw new Error('a short text is not whole');
  }
} catch (error) {
  console.log(error.message);
  process.exitCode = 1;
} finally {
  db.close();
}
