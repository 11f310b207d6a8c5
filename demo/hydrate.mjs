// What a view-syncer does when a client connects, with Zero's own code: `node hydrate.mjs PROJECT REPLICA`.
//
// 1. cost model: `createSQLiteCostModel` estimates every table under several filters and constraints
// 2. tables:     `TableSource` reads every row of every table
// 3. queries:    a `PipelineDriver` on a `Snapshotter` plans and hydrates the six queries ("hydrating 6 queries")
//
// The answers go to stdout as one line of JSON; digests stand for the rows, so that two drivers can be compared.

import {createHash} from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {pathToFileURL} from 'node:url';
import {queries} from './queries.mjs';
import {applicationSchema, tables} from './schema.mjs';
import {LOG_CONFIG, driver, logContext, zero} from './zero.mjs';

const digest = value => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);

/** Estimates of Zero's cost model: each table as it is, filtered, ordered, and joined by each of its keys. */
export function estimates(z, db, specs) {
  const cost = z.createSQLiteCostModel(db, specs);
  const column = name => ({type: 'column', name});
  const found = {};
  for (const {name, columns} of tables) {
    const literal = value => ({type: 'literal', value});
    const filter = {type: 'simple', op: '>', left: column('id'), right: literal(`${name}-0001`)};
    const shapes = {
      whole: [[['id', 'asc']], undefined, undefined],
      filtered: [[['id', 'asc']], filter, undefined],
      sorted: [[[columns[1].name, 'desc'], ['id', 'asc']], undefined, undefined],
    };
    for (const {name: key, target} of columns) {
      if (target) shapes[`joined by ${key}`] = [[['id', 'asc']], undefined, {[key]: undefined}];
    }
    for (const [shape, [sort, filters, constraint]] of Object.entries(shapes)) {
      const {rows, startupCost, fanout} = cost(name, sort, filters, constraint);
      const fan = constraint ? fanout(Object.keys(constraint)) : undefined;
      found[`${name}: ${shape}`] = {rows, startupCost, fan};
    }
  }
  return found;
}

/** Read every table through Zero's TableSource. */
export function readTables(z, lc, db, specs) {
  const found = {};
  for (const {name} of tables) {
    const {tableSpec, zqlSpec} = specs.get(name);
    const source = new z.TableSource(lc, LOG_CONFIG, db, name, zqlSpec, tableSpec.primaryKey);
    const input = source.connect([['id', 'asc']]);
    found[name] = [...input.fetch({})].map(({row}) => row);
  }
  return found;
}

/** A view-syncer's pipelines on a snapshot of the replica. */
export function pipelineDriver(z, lc, replica, storage, schema) {
  const shard = {appID: 'zero', shardNum: 0};
  const snapshotter = new z.Snapshotter(lc, replica, shard);
  const pipelines = new z.PipelineDriver(
    lc,
    LOG_CONFIG,
    snapshotter,
    shard,
    storage.createClientGroupStorage('demo'),
    'demo',
    new z.InspectorDelegate(undefined),
    () => 10_000,
    true,
  );
  const clientTables = Object.entries(schema.tables).map(([name, {columns, primaryKey}]) => [name, {columns, primaryKey}]);
  pipelines.init({tables: Object.fromEntries(clientTables)});
  return pipelines;
}

/** @returns every row that hydrating the query adds, in the order in which Zero would poke it */
export function hydrate(z, lc, pipelines, name, ast) {
  const timer = new z.TimeSliceTimer(lc).startWithoutYielding();
  const changes = [...pipelines.addQuery(name, name, ast, timer, name)].filter(change => change !== 'yield');
  timer.stop();
  return changes.map(({table, row}) => [table, row]);
}

export const MODULES = /** @type {const} */ ([
  'api',
  'queryInternals',
  'db',
  'databaseStorage',
  'costModel',
  'tableSource',
  'liteTables',
  'snapshotter',
  'pipelineDriver',
  'viewSyncer',
  'inspector',
]);

function timed(work) {
  const started = performance.now();
  const value = work();
  return {value, ms: performance.now() - started};
}

/** All three parts, with their times. */
export async function run(project, replica) {
  const z = await zero(project, ...MODULES);
  const lc = await logContext(project);
  const schema = applicationSchema(z);
  const asts = Object.entries(queries(z.createBuilder(schema))).map(([name, q]) => [name, z.asQueryInternals(q).ast]);

  const db = new z.Database(lc, replica);
  const specs = z.computeZqlSpecs(lc, db, {includeBackfillingColumns: false});
  const cost = timed(() => estimates(z, db, specs));
  const read = timed(() => readTables(z, lc, db, specs));
  db.close();

  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'wasmfix-demo-'));
  try {
    const storage = z.DatabaseStorage.create(lc, path.join(scratch, 'operators'));
    const pipelines = pipelineDriver(z, lc, replica, storage, schema);
    const hydrated = asts.map(([name, ast]) => {
      const {value: rows, ms} = timed(() => hydrate(z, lc, pipelines, name, ast));
      return {name, rows: rows.length, digest: digest(rows), ms};
    });
    pipelines.destroy();
    storage.close();
    const count = Object.values(read.value).reduce((sum, rows) => sum + rows.length, 0);
    return {
      sqlite: sqliteVersion(project),
      cost: {estimates: Object.keys(cost.value).length, digest: digest(cost.value), ms: cost.ms},
      read: {tables: tables.length, rows: count, digest: digest(read.value), ms: read.ms},
      queries: hydrated,
      peak: process.resourceUsage().maxRSS * 1024,
    };
  } finally {
    fs.rmSync(scratch, {recursive: true, force: true});
  }
}

function sqliteVersion(project) {
  const db = new (driver(project))(':memory:');
  const {version} = db.prepare('SELECT sqlite_version() AS version').get();
  db.close();
  return version;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [project, replica] = process.argv.slice(2);
  console.log(JSON.stringify(await run(project, replica)));
}
