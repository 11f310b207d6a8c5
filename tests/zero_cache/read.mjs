// Reads a replica with the driver that is installed in a project: node read.mjs PROJECT REPLICA

import {createHash} from 'node:crypto';
import {createRequire} from 'node:module';
import path from 'node:path';

const [project, replica] = process.argv.slice(2);
const zeroPackage = path.join(project, 'node_modules', '@rocicorp', 'zero', 'package.json');
const Database = createRequire(zeroPackage)('@rocicorp/zero-sqlite3');
const db = new Database(replica, {fileMustExist: true});

const tables = Object.fromEntries(
  ['person', 'issue', 'comment', 'progress'].map(name => {
    const rows = db.prepare(`SELECT * FROM "${name}" ORDER BY id`).safeIntegers(true).all();
    // Zero's own column holds positions in the upstream's log, which differ from run to run.
    const own = rows.map(({_0_version, ...row}) => JSON.stringify(row, (_key, value) => (typeof value === 'bigint' ? `${value}` : value)));
    return [name, {rows: rows.length, digest: createHash('sha256').update(own.join('\n')).digest('hex').slice(0, 16)}];
  }),
);
const answer = {journalMode: db.pragma('journal_mode', {simple: true}), integrity: db.pragma('integrity_check', {simple: true}), tables};
db.close();
console.log(JSON.stringify(answer));
