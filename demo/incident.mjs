// The incident, for a child process that its parent stops: `node incident.mjs PROJECT REPLICA`.
//
// The driver is the installed one with a single change, the one that a shim of the wild makes: `scanStatusV2`
// answers `[]`. The loop that follows is Zero's own; nothing here repeats it. The stub counts its answers, and
// writes a line of JSON each time that some milliseconds have passed, since nothing else in this process gets to run.

import fs from 'node:fs';
import process from 'node:process';
import {MODULES, hydrate, pipelineDriver} from './hydrate.mjs';
import {queries} from './queries.mjs';
import {applicationSchema} from './schema.mjs';
import {driver, logContext, zero} from './zero.mjs';

const EVERY_MS = 10;
const CALLS_BETWEEN_CLOCKS = 1024;

const say = line => fs.writeSync(1, `${JSON.stringify(line)}\n`);

/** Zero's frames of the present call stack, innermost first. */
function callers() {
  Error.stackTraceLimit = 30;
  const frames = new Error().stack?.split('\n') ?? [];
  return frames.flatMap(frame => {
    const [, name, file, line] = /at (?:new )?([^(]+) \(.*[/\\]out[/\\]([^:]+):(\d+)/.exec(frame) ?? [];
    return name ? [{name, file: file.replaceAll('\\', '/'), line: Number(line)}] : [];
  });
}

function stubScanStatus(Database) {
  const statement = new Database(':memory:').prepare('SELECT 1');
  let calls = 0;
  let last = performance.now();
  Object.getPrototypeOf(statement).scanStatusV2 = function scanStatusV2() {
    if (calls === 0) say({stack: callers()});
    calls++;
    if (calls % CALLS_BETWEEN_CLOCKS === 0 && performance.now() - last > EVERY_MS) {
      last = performance.now();
      say({calls, rss: process.memoryUsage.rss()});
    }
    return [];
  };
}

const [project, replica] = process.argv.slice(2);
const z = await zero(project, ...MODULES);
const lc = await logContext(project);
const schema = applicationSchema(z);
const storage = z.DatabaseStorage.create(lc, ':memory:');
const pipelines = pipelineDriver(z, lc, replica, storage, schema);

stubScanStatus(driver(project));
say({calls: 0, rss: process.memoryUsage.rss()});
for (const [name, query] of Object.entries(queries(z.createBuilder(schema)))) {
  say({hydrating: name});
  const rows = hydrate(z, lc, pipelines, name, z.asQueryInternals(query).ast);
  say({hydrated: name, rows: rows.length});
}
