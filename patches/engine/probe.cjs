'use strict';
// A second process must not write while this one does, and must see what this one committed.
const { execFileSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

const other = `
  const { Database } = require(process.argv[1]);
  const db = new Database(process.argv[2], { timeout: 0 });
  db.exec('PRAGMA busy_timeout = 0');
  let written;
  try {
    db.exec('INSERT INTO t VALUES (2)');
    written = 'written';
  } catch (error) {
    written = error.code;
  }
  console.log(JSON.stringify({ written, rows: db.prepare('SELECT count(*) AS n FROM t').get().n }));
`;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wasmfix-probe-'));
try {
  const { Database } = require(process.argv[2]);
  const file = path.join(folder, 'shared.db');
  const db = new Database(file);
  db.exec('PRAGMA journal_mode = wal; CREATE TABLE t (x); INSERT INTO t VALUES (1); BEGIN IMMEDIATE; INSERT INTO t VALUES (3)');
  const said = JSON.parse(execFileSync(process.execPath, ['-e', other, process.argv[2], file], { encoding: 'utf8' }));
  db.exec('COMMIT');
  db.close();
  if (said.written !== 'SQLITE_BUSY') throw new Error(`while one process writes, another is told: ${said.written}`);
  if (said.rows !== 1) throw new Error(`another process sees ${said.rows} rows, not 1`);
} catch (error) {
  console.log(String(error.message).split('\n')[0]);
  process.exitCode = 1;
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
