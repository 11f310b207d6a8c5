// Write the demo's replica: `node replica.mjs PROJECT FILE`.
//
// It is Zero's own code that makes it: the migration that zero-cache runs for an initial sync, its statements for
// tables and indexes, its `_zero.*` bookkeeping, its conversion of values, then ANALYZE and wal2, as in production.
// Only the PostgreSQL that the rows would come from is missing.

import fs from 'node:fs';
import process from 'node:process';
import {pathToFileURL} from 'node:url';
import {rows} from './rows.mjs';
import {tables} from './schema.mjs';
import {logContext, zero} from './zero.mjs';

const VERSION = '49zls0';

/** The table as the change source describes it after reading PostgreSQL's catalogue. */
function publishedTable({name, columns}) {
  const described = columns.map(({name: column, pgType, nullable}, index) => {
    const spec = {pos: index + 1, dataType: pgType, characterMaximumLength: null, notNull: !nullable, dflt: null};
    return [column, spec];
  });
  return {schema: 'public', name, columns: Object.fromEntries(described), primaryKey: ['id']};
}

function* publishedIndexes({name, columns}) {
  yield {schema: 'public', tableName: name, name: `${name}_pkey`, unique: true, columns: {id: 'ASC'}};
  for (const {name: column, target} of columns) {
    if (!target) continue;
    const index = `${name}_${column.toLowerCase()}_idx`;
    yield {schema: 'public', tableName: name, name: index, unique: false, columns: {[column]: 'ASC'}};
  }
}

function fill(z, db) {
  const statements = new Map();
  let count = 0;
  for (const {table, values} of rows()) {
    let insert = statements.get(table);
    if (!insert) {
      const names = table.columns.map(({name}) => `"${name}"`);
      insert = db.prepare(`INSERT INTO "${table.name}" (${names}) VALUES (${names.map(() => '?')})`);
      statements.set(table, insert);
    }
    const types = table.columns.map(({pgType}) => pgType);
    insert.run(values.map((value, index) => z.liteValue(value, types[index], 'p')));
    count++;
  }
  return count;
}

/** @returns {Promise<number>} how many rows were written */
export async function writeReplica(project, file) {
  const z = await zero(project, 'db', 'create', 'pgToLite', 'lite', 'columnMetadata', 'replicationState', 'replicaSchema');
  const lc = await logContext(project);
  for (const suffix of ['', '-wal', '-wal2', '-shm', '-journal']) fs.rmSync(file + suffix, {force: true});
  let count = 0;
  await z.initReplica(lc, 'demo', file, (_lc, db) => {
    z.initReplicationState(db, ['zero_chat'], VERSION);
    const metadata = z.ColumnMetadataStore.getInstance(db);
    for (const table of tables.map(publishedTable)) {
      db.exec(z.createLiteTableStatement(z.mapPostgresToLite(table, VERSION)));
      for (const [column, spec] of Object.entries(table.columns)) metadata.insert(table.name, column, spec);
    }
    count = fill(z, db);
    for (const index of tables.flatMap(table => [...publishedIndexes(table)])) {
      db.exec(z.createLiteIndexStatement(z.mapPostgresToLiteIndex(index)));
    }
  });
  const db = new z.Database(lc, file);
  db.pragma('journal_mode = wal2');
  db.close();
  return count;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [project, file] = process.argv.slice(2);
  const started = performance.now();
  const count = await writeReplica(project, file);
  const ms = performance.now() - started;
  console.log(JSON.stringify({tables: tables.length, rows: count, bytes: fs.statSync(file).size, ms}));
}
