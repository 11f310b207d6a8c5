// Hydrate queries in Zero's own view-syncer, and watch the heap: `node --expose-gc hydrate.mjs PROJECT REPLICA QUERIES URL`.
//
// URL: an empty database in PostgreSQL, for the view-syncer's records. One client, which reads what it is sent. Answers
// with one line of JSON: the most bytes of live heap in each phase, and rows sent. A sample is taken after a full
// collection: before and after all, while rows are sent, when their records are serialized, and between.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {zero} from './load.mjs';

const SHARD = {appID: 'zero', shardNum: 0};
const LOG = {format: 'text', level: 'error', ivmSampling: 0, slowRowThreshold: 0, slowHydrateThreshold: 600_000};
// As long as those that clients make up, and as Zero's hashes of queries: they are in every record.
const GROUP = 'q8v1tgh3k9d0m5a2ce';
const hash = number => `1x9k2mz4qw7${String(number).padStart(2, '0')}`;
const SELECTOR = {clientID: 'client', wsID: 'ws'};
// The more a collection takes, the fewer there are: its share of the time.
const SHARE = 0.4;

const [project, replica, queriesFile, url] = process.argv.slice(2);
const watching = globalThis.gc !== undefined;
const {lc, ...z} = await zero(project, 'syncer');
const queries = Object.values(JSON.parse(fs.readFileSync(queriesFile, 'utf8'))).map((ast, at) => ({hash: hash(at), ast}));

/** @type {Record<string, number>} the peak of each phase */
const peaks = {};
let samples = 0;
let next = 0;
function sample(when, always = false) {
  const started = performance.now();
  if (!watching || (!always && started < next)) return;
  globalThis.gc();
  const heap = process.memoryUsage().heapUsed;
  peaks[when] = Math.max(peaks[when] ?? 0, heap);
  samples++;
  const now = performance.now();
  next = now + (now - started) / SHARE;
}

/** Looked at when JavaScript is in the middle of serializing: nothing else runs then. */
function watchSerializers(db) {
  for (const [type, serialize] of Object.entries(db.options.serializers)) {
    db.options.serializers[type] = value => {
      const large = Array.isArray(value) && value.length > 500;
      if (large) sample('serialized', true);
      const text = serialize(value);
      if (large) sample('serialized', true);
      return text;
    };
  }
}

const cvr = z.pgClient(lc, url, 'bench-cvr', {max: 5});
await z.initViewSyncerSchema(lc, cvr, SHARD);
watchSerializers(cvr);
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'wasmfix-hydration-'));
const storage = z.DatabaseStorage.create(lc, path.join(scratch, 'operators'));

const specs = z.computeZqlSpecs(lc, new z.Database(lc, replica), {includeBackfillingColumns: false});
const clientTables = [...specs]
  .filter(([name]) => !name.includes('.'))
  .map(([name, {tableSpec, zqlSpec}]) => {
    const columns = Object.entries(zqlSpec).filter(([column]) => column !== '_0_version');
    return [name, {columns: Object.fromEntries(columns.map(([column, {type}]) => [column, {type}])), primaryKey: tableSpec.primaryKey}];
  });

const connections = new z.ConnectionContextManagerImpl(lc, undefined, undefined, undefined, undefined, undefined);
const inspector = new z.InspectorDelegate(undefined);
const snapshotter = new z.Snapshotter(lc, replica, SHARD);
const config = {auth: {}, log: LOG, enableQueryCovering: false};
const driver = new z.PipelineDriver(
  lc, LOG, snapshotter, SHARD, storage.createClientGroupStorage(GROUP), GROUP, inspector, () => 10, true, config,
);
const states = z.Subscription.create();
const syncer = new z.ViewSyncerService(
  config, lc, SHARD, 'task', GROUP, cvr, driver, states, new z.DrainCoordinator(), 600_000, inspector, connections, undefined,
  z.runPriorityOp,
);
const running = syncer.run();
connections.registerConnection(SELECTOR, {...SELECTOR, userID: 'anyone', baseCookie: null, protocolVersion: 49, requestHeaders: {}}, undefined);
const body = {
  desiredQueriesPatch: queries.map(query => ({op: 'put', ...query})),
  clientSchema: {tables: Object.fromEntries(clientTables)},
};
connections.initConnection(SELECTOR, body);

sample('before', true);
const timer = setInterval(() => sample('between'), 20);
const downstream = syncer.initConnection(SELECTOR, ['initConnection', body]);
states.push({state: 'version-ready'});

const got = new Set();
let rows = 0;
for await (const message of downstream) {
  const [kind, part] = message;
  // As zero-cache's connection does; what is sent leaves the heap.
  Buffer.from(z.BigIntJSON.stringify(message));
  if (kind === 'pokePart') {
    for (const patch of part.rowsPatch ?? []) rows += patch.op === 'put' ? 1 : 0;
    for (const {hash} of part.gotQueriesPatch ?? []) got.add(hash);
    sample('sent');
  }
  if (kind === 'pokeEnd' && queries.every(query => got.has(query.hash))) break;
}
// The records go to PostgreSQL after the client has its rows.
await syncer.stop();
await running;
clearInterval(timer);
sample('after', true);
storage.close();
fs.rmSync(scratch, {recursive: true, force: true});
const rss = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({peaks, rows, rss, samples}));
process.exit(0);
