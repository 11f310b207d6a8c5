// Ask Zero, on the driver of a project, all that the tests compare: `node ask.mjs PROJECT REPLICA`.
// One line of JSON on stdout. The replica is changed (the last question advances it): give each run a copy.

import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import {MODULES, estimates, hydrate, pipelineDriver, readTables} from '../../demo/hydrate.mjs';
import {queries} from '../../demo/queries.mjs';
import {applicationSchema} from '../../demo/schema.mjs';
import {LOG_CONFIG, logContext, zero} from '../../demo/zero.mjs';
import {shapes} from './shapes.mjs';

const NEXT_VERSION = '49zls1';

const [project, replica] = process.argv.slice(2);
const z = await zero(project, ...MODULES, 'analyze', 'debug');
const lc = await logContext(project);
const schema = applicationSchema(z);
const builder = z.createBuilder(schema);
const asked = Object.entries({...queries(builder), ...shapes(builder)});
const asts = asked.map(([name, query]) => [name, z.asQueryInternals(query).ast]);

z.runtimeDebugFlags.trackRowCountsVended = true;

/** Zero's own analysis: rows read, rows that SQLite visited, its plans, and what the planner considered. */
async function analyse(ast) {
  const config = {replica: {file: replica}, log: LOG_CONFIG, enableQueryPlanner: true};
  const clientTables = Object.entries(schema.tables).map(([name, {columns, primaryKey}]) => [name, {columns, primaryKey}]);
  const clientSchema = {tables: Object.fromEntries(clientTables)};
  const result = await z.analyzeQuery(lc, config, clientSchema, ast, true, false, undefined, undefined, true);
  const {start, end, elapsed, ...answer} = result;
  return answer;
}

function askOneConnection() {
  const db = new z.Database(lc, replica);
  try {
    const specs = z.computeZqlSpecs(lc, db, {includeBackfillingColumns: false});
    return {estimates: estimates(z, db, specs), tables: readTables(z, lc, db, specs)};
  } finally {
    db.close();
  }
}

/** Commit a transaction as the replicator does: rows, change log and version together. */
function replicate() {
  const db = new z.Database(lc, replica);
  const log = db.prepare(`INSERT OR REPLACE INTO "_zero.changeLog2" (stateVersion, pos, "table", rowKey, op)
    VALUES (@version, @pos, @table, json(@rowKey), @op)`);
  const changes = [
    ['s', 'issue', 'issue-0003', `UPDATE issue SET title = 'Ĉiuj ŝanĝoj', priority = 99, _0_version = ? WHERE id = ?`],
    ['s', 'user', 'user-0007', `UPDATE user SET name = 'Łukasz Ångström', _0_version = ? WHERE id = ?`],
    ['d', 'comment', 'comment-0011', `DELETE FROM comment WHERE ? <> '' AND id = ?`],
    ['s', 'label', 'label-9999', `INSERT INTO label (_0_version, id, projectID, name, color)
      SELECT ?, ?, projectID, 'new', color FROM label LIMIT 1`],
  ];
  db.prepare('BEGIN CONCURRENT').run();
  for (const [pos, [op, table, id, sql]] of changes.entries()) {
    db.prepare(sql).run(NEXT_VERSION, id);
    log.run({version: NEXT_VERSION, pos, table, rowKey: JSON.stringify({id}), op});
  }
  db.prepare(`UPDATE "_zero.replicationState" SET stateVersion = ?, writeTimeMs = 0`).run(NEXT_VERSION);
  db.prepare('COMMIT').run();
  db.close();
}

function hydrateAndAdvance() {
  const storage = z.DatabaseStorage.create(lc, path.join(path.dirname(replica), 'operators'));
  const pipelines = pipelineDriver(z, lc, replica, storage, schema);
  const hydrated = Object.fromEntries(asts.map(([name, ast]) => [name, hydrate(z, lc, pipelines, name, ast)]));
  replicate();
  const timer = new z.TimeSliceTimer(lc).startWithoutYielding();
  const {version, changes} = pipelines.advance(timer);
  const advanced = [...changes].filter(change => change !== 'yield');
  timer.stop();
  pipelines.destroy();
  storage.close();
  return {hydrated, advanced: {version, changes: advanced}};
}

const analysed = {};
for (const [name, ast] of asts) {
  // Analysing refuses what only a view-syncer can do (not exists): the refusal is the answer then.
  analysed[name] = await analyse(ast).catch(error => ({refused: String(error)}));
}
const answers = {...askOneConnection(), analysed, ...hydrateAndAdvance()};

const check = new z.Database(lc, replica, {readonly: true});
answers.after = {
  integrity: check.pragma('integrity_check'),
  journal: check.pragma('journal_mode'),
  version: check.prepare('SELECT stateVersion FROM "_zero.replicationState"').get(),
};
check.close();
answers.files = fs.readdirSync(path.dirname(replica)).filter(name => name.startsWith(path.basename(replica))).sort();
process.stdout.write(JSON.stringify(answers));
