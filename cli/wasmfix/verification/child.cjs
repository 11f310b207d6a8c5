'use strict';
/**
 * Runs checks against one installed package, in a Node of its own, and prints a line of JSON for each thing that
 * the parent has to know: {node}, {plan}, {start}, {id, title, status, detail}, {done}.
 *
 * Arguments: the path of a JSON file, the job. Syntax that Node 12 can read, so that an old one can say its version.
 */
const fs = require('fs');

/** @param {Record<string, unknown>} message */
function say(message) {
  // Synchronous: the next thing that happens may be the end of this process.
  fs.writeSync(1, JSON.stringify(message) + '\n');
}

say({ node: process.version });
if (Number(process.versions.node.split('.')[0]) >= 20) {
  const job = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
  require('./runner.cjs').run(job, say);
}
