// Write the replica of a shape: `node replica.mjs PROJECT FILE SHAPE`. Beside it, FILE.json: the queries as `--queries` has them.
//
// Zero's own code makes it, as for an initial sync; only the PostgreSQL that the rows would come from is missing.

import fs from 'node:fs';
import process from 'node:process';
import {zero} from './load.mjs';
import {SHAPES} from './shapes.mjs';

const VERSION = '49zls0';
const TYPES = {key: 'text', ref: 'text', int: 'int4', big: 'int8', real: 'float8', flag: 'bool', text: 'text', wide: 'text', json: 'jsonb'};
const LATIN = 'the quick brown fox jumps over a lazy dog and naïve café ';
const WIDE = 'Ελλάδα дорога 東京 łódź straße ';

const id = (table, number) => `${table}-${String(number).padStart(7, '0')}`;
const cut = (text, length, number) => `${number} ${text.repeat(Math.ceil(length / text.length))}`.slice(0, length);

function value(kind, argument, table, number, sizes) {
  if (kind.endsWith('?')) return number % 3 === 0 ? null : value(kind.slice(0, -1), argument, table, number, sizes);
  switch (kind) {
    case 'key':
      return id(table, number);
    case 'ref':
      return id(argument, (number * 7919) % sizes[argument]);
    case 'int':
      return number % 997;
    case 'big':
      return 1_700_000_000_000 + number * 1013;
    case 'real':
      return number + 0.37;
    case 'flag':
      return number % 2 === 0;
    case 'text':
      return cut(LATIN, argument, number);
    case 'wide':
      return cut(WIDE, argument, number);
    case 'json':
      return Object.fromEntries(Array.from({length: argument}, (_, at) => [`field${at}`, at % 4 ? `${number} value ${at}` : number + at]));
  }
}

const column = (pos, dataType, notNull) => ({pos, dataType, characterMaximumLength: null, notNull, dflt: null});

function described({name, columns, key}) {
  const specs = columns.map(([column_, kind], at) => [column_, column(at + 1, TYPES[kind.replace('?', '')], !kind.endsWith('?'))]);
  return {schema: 'public', name, columns: Object.fromEntries(specs), primaryKey: key};
}

/** Zero's own tables in every replica. */
const OWN = [
  {
    schema: 'zero_0',
    name: 'clients',
    columns: {clientGroupID: column(1, 'text', true), clientID: column(2, 'text', true), lastMutationID: column(3, 'int8', true), userID: column(4, 'text', false)},
    primaryKey: ['clientGroupID', 'clientID'],
  },
  {
    schema: 'zero_0',
    name: 'mutations',
    columns: {clientGroupID: column(1, 'text', true), clientID: column(2, 'text', true), mutationID: column(3, 'int8', true), result: column(4, 'json', false)},
    primaryKey: ['clientGroupID', 'clientID', 'mutationID'],
  },
  {
    schema: 'zero',
    name: 'permissions',
    columns: {permissions: column(1, 'json', false), hash: column(2, 'text', false), lock: column(3, 'bool', true)},
    primaryKey: ['lock'],
  },
];

function* indexes(z, spec, columns = []) {
  const at = {schema: spec.schema, tableName: spec.name};
  yield {...at, name: `${spec.name}_pkey`, unique: true, columns: Object.fromEntries(spec.primaryKey.map(key => [key, 'ASC']))};
  for (const [name, kind] of columns) {
    if (kind === 'ref') yield {...at, name: `${spec.name}_${name}_idx`, unique: false, columns: {[name]: 'ASC'}};
  }
}

export async function writeReplica(project, file, shape) {
  const {lc, ...z} = await zero(project, 'replica');
  for (const suffix of ['', '-wal', '-wal2', '-shm', '-journal']) fs.rmSync(file + suffix, {force: true});
  const sizes = Object.fromEntries(shape.tables.map(({name, rows}) => [name, rows]));
  await z.initReplica(lc, 'bench', file, (_lc, db) => {
    z.initReplicationState(db, ['zero_bench'], VERSION);
    const metadata = z.ColumnMetadataStore.getInstance(db);
    const specs = [...OWN.map(spec => ({spec})), ...shape.tables.map(table => ({spec: described(table), table}))];
    for (const {spec, table} of specs) {
      const lite = z.mapPostgresToLite(spec, VERSION);
      db.exec(z.createLiteTableStatement(lite));
      for (const [name, each] of Object.entries(spec.columns)) metadata.insert(lite.name, name, each);
      if (table) {
        const marks = table.columns.map(() => '?');
        const insert = db.prepare(`INSERT INTO "${table.name}" (${table.columns.map(([name]) => `"${name}"`)}) VALUES (${marks})`);
        for (let number = 0; number < table.rows; number++) {
          insert.run(
            table.columns.map(([, kind, argument]) =>
              z.liteValue(value(kind, argument, table.name, number, sizes), TYPES[kind.replace('?', '')], 'p'),
            ),
          );
        }
      }
      for (const index of indexes(z, spec, table?.columns)) db.exec(z.createLiteIndexStatement(z.mapPostgresToLiteIndex(index)));
    }
    const anyone = {row: {select: [['allow', {type: 'and', conditions: []}]]}};
    const permissions = {tables: Object.fromEntries(shape.tables.map(({name}) => [name, anyone]))};
    db.prepare(`INSERT INTO "zero.permissions" (permissions, hash, "lock") VALUES (?, 'all', 1)`).run(JSON.stringify(permissions));
  });
  const db = new z.Database(lc, file);
  db.pragma('journal_mode = wal2');
  db.close();
  fs.writeFileSync(`${file}.json`, JSON.stringify(shape.queries));
}

if (process.argv[1].endsWith('replica.mjs')) {
  const [project, file, name] = process.argv.slice(2);
  await writeReplica(project, file, SHAPES[name]);
}
