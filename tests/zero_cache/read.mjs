// Reads a replica with the driver that is installed in a project: node read.mjs PROJECT REPLICA [QUERY]

import {createHash} from 'node:crypto';
import {createRequire} from 'node:module';
import path from 'node:path';

const [project, replica, query] = process.argv.slice(2);
const zeroPackage = path.join(project, 'node_modules', '@rocicorp', 'zero', 'package.json');
const Database = createRequire(zeroPackage)('@rocicorp/zero-sqlite3');
const db = new Database(replica, {fileMustExist: true});

const digest = text => createHash('sha256').update(text).digest('hex').slice(0, 16);

function contents(table) {
  const rows = db.prepare(`SELECT * FROM "${table}" ORDER BY id`).safeIntegers(true).all();
  // Zero's own column holds positions in the upstream's log, which differ from run to run.
  const own = rows.map(({_0_version, ...row}) => JSON.stringify(row, (_key, value) => (typeof value === 'bigint' ? `${value}` : value)));
  return {rows: rows.length, digest: digest(own.join('\n'))};
}

// The tables of the application, without those of Zero, which have a dot in their names, and SQLite's statistics.
const schema = db.prepare(
  `SELECT type, name, tbl_name AS "table", sql FROM sqlite_master WHERE tbl_name NOT LIKE '%.%' AND tbl_name NOT LIKE 'sqlite_%' ORDER BY type, name`,
).all();
for (const entry of schema) entry.sql = entry.sql?.replace(/("_0_version" "text" DEFAULT) '\w+'/, '$1 …');
const tables = schema.filter(({type}) => type === 'table').map(({name}) => name);
const answer = {
  journalMode: db.pragma('journal_mode', {simple: true}),
  integrity: db.pragma('integrity_check', {simple: true}),
  schema,
  tables: Object.fromEntries(tables.map(name => [name, contents(name)])),
};
if (query) answer.asked = db.prepare(query).all();
db.close();
console.log(JSON.stringify(answer));
