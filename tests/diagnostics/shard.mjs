// What Zero's own code makes of a database: `node shard.mjs PROJECT URL APP [PUBLICATION…]`.
// Sets up a shard as zero-cache does before its initial sync, checks what is published, and prints `ready`, or Zero's
// words for what it does not take.

import {join} from 'node:path';
import process from 'node:process';
import {pathToFileURL} from 'node:url';
import {logContext} from '../../demo/zero.mjs';

const [project, url, appID, ...publications] = process.argv.slice(2);
const source = join(project, 'node_modules', '@rocicorp', 'zero', 'out', 'zero-cache', 'src');
const load = path => import(pathToFileURL(join(source, path)).href);
const pg = 'services/change-source/pg/schema';
const {ensureShardSchema} = await load(`${pg}/init.js`);
const {getInternalShardConfig, validatePublications} = await load(`${pg}/shard.js`);
const {getPublicationInfo} = await load(`${pg}/published.js`);
const {pgClient} = await load('types/pg.js');

const shard = {appID, shardNum: 0, publications};
const lc = await logContext(project);
const sql = pgClient(lc, url, 'wasmfix-test');
try {
  await ensureShardSchema(lc, sql, shard);
  const config = await getInternalShardConfig(sql, shard);
  validatePublications(lc, await getPublicationInfo(sql, config.publications));
  console.log('ready');
} catch (error) {
  console.log(String(error.message).split('\n')[0]);
}
await sql.end();
