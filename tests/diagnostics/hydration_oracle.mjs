// What Zero itself reads and keeps: `node hydration_oracle.mjs PROJECT REPLICA`, a replica of the demo.
//
// One line of JSON: by name, each query's AST, the rows that Zero's own analysis counts as read, and those that a client
// gets, by table. Queries with EXISTS are asked as they are, and with each way round.

import process from 'node:process';
import {queries} from '../../demo/queries.mjs';
import {applicationSchema} from '../../demo/schema.mjs';
import {LOG_CONFIG, logContext, zero} from '../../demo/zero.mjs';
import {shapes} from '../zero/shapes.mjs';

const [project, replica] = process.argv.slice(2);
const z = await zero(project, 'api', 'queryInternals', 'analyze', 'debug');
const lc = await logContext(project);
const schema = applicationSchema(z);
const builder = z.createBuilder(schema);
const asked = Object.entries({...queries(builder), ...shapes(builder)});
z.runtimeDebugFlags.trackRowCountsVended = true;

/** The AST with every EXISTS that way round. */
const turned = (ast, flip) =>
  JSON.parse(JSON.stringify(ast), (_, value) =>
    value?.type === 'correlatedSubquery' && value.op === 'EXISTS' ? {...value, flip} : value,
  );

const answers = {};
for (const [name, query] of asked) {
  const {ast} = z.asQueryInternals(query);
  const ways = {[name]: ast};
  if (JSON.stringify(ast).includes('"EXISTS"')) {
    ways[`${name}, parent first`] = turned(ast, false);
    ways[`${name}, child first`] = turned(ast, true);
  }
  for (const [way, each] of Object.entries(ways)) {
    try {
      const config = {replica: {file: replica}, log: LOG_CONFIG, enableQueryPlanner: true};
      const tables = Object.entries(schema.tables).map(([table, {columns, primaryKey}]) => [table, {columns, primaryKey}]);
      const found = await z.analyzeQuery(lc, config, {tables: Object.fromEntries(tables)}, each, true);
      const kept = Object.entries(found.syncedRows).map(([table, rows]) => [table, rows.length]);
      answers[way] = {ast: each, read: found.readRowCount, kept: Object.fromEntries(kept)};
    } catch (error) {
      answers[way] = {ast: each, refused: error.message};
    }
  }
}
console.log(JSON.stringify(answers));
