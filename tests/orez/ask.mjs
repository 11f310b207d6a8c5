// `node ask.mjs PROJECT`: what Zero meets of a driver, asked of the project's zero-sqlite3; one line of JSON.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {pathToFileURL} from 'node:url';

const MOST = 1000;
const [project] = process.argv.slice(2);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wasmfix-orez-'));
fs.symlinkSync(path.join(project, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
// A module in the project, so that loader hooks see the name that zero-cache imports.
const entry = path.join(folder, 'entry.mjs');
fs.writeFileSync(entry, "export { default as Database } from '@rocicorp/zero-sqlite3';\n");
const {Database} = await import(pathToFileURL(entry).href);

/** As Zero's getScanstatusLoops does, but not for ever. */
function loops(statement) {
  const found = [];
  for (let index = 0; index < MOST; index += 1) {
    const ask = field => statement.scanStatusV2(index, Database[`SQLITE_SCANSTAT_${field}`], 1);
    if (ask('SELECTID') === undefined) return found;
    found.push({id: ask('SELECTID'), parent: ask('PARENTID'), explain: ask('EXPLAIN'), rows: ask('EST')});
  }
  return 'endless';
}

function code(db, sql) {
  try {
    db.prepare(sql).run();
    return null;
  } catch (error) {
    return error.code;
  }
}

const db = new Database(path.join(folder, 'replica.db'));
db.exec('CREATE TABLE issue (id INTEGER PRIMARY KEY, owner TEXT, title TEXT UNIQUE)');
db.exec('CREATE INDEX by_owner ON issue (owner)');
const insert = db.prepare('INSERT INTO issue (owner, title) VALUES (?, ?)');
for (let number = 0; number < 200; number += 1) insert.run(`owner ${number % 20}`, `title ${number}`);
db.exec('ANALYZE');
const sorted = db.prepare('SELECT * FROM issue WHERE owner = ? ORDER BY title');
const answer = {
  loops: {
    sorted: loops(sorted),
    scan: loops(db.prepare('SELECT * FROM issue')),
    key: loops(db.prepare('SELECT * FROM issue WHERE id = ?')),
    joined: loops(db.prepare('SELECT a.id FROM issue a JOIN issue b ON b.owner = a.owner WHERE a.id > 3')),
    insert: Array.isArray(loops(insert)),
  },
  complex: Database.SQLITE_SCANSTAT_COMPLEX,
  unsafe: db.unsafeMode(true) === db,
  duplicate: code(db, "INSERT INTO issue (title) VALUES ('title 1')"),
  rows: sorted.all('owner 3').length,
};
db.close();
fs.rmSync(folder, {recursive: true, force: true});
process.stdout.write(`${JSON.stringify(answer)}\n`);
