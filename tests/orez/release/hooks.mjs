// Between the first and the later releases orez wrote a loader hook into the temporary folder, and gave it to
// zero-cache through NODE_OPTIONS. Written from the facts; a template within a template, as there.

import fs from 'node:fs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';

export function start(index, bedrock, mode, folder) {
  fs.mkdirSync(folder, {recursive: true});
  const hooks = path.join(folder, 'hooks.mjs');
  fs.writeFileSync(
    hooks,
    `const SHIM_URL = 'orez-sqlite-shim://shim';
const BEDROCK = '${bedrock}';

export function resolve(specifier, context, next) {
  if (specifier === '@rocicorp/zero-sqlite3') return { url: SHIM_URL, shortCircuit: true };
  return next(specifier, context);
}

export function load(url, context, next) {
  if (url !== SHIM_URL) return next(url, context);
  return {
    format: 'module',
    shortCircuit: true,
    source: \`
import { createRequire } from 'node:module';
const require = createRequire('\${BEDROCK}');
const mod = require('\${BEDROCK}');
const OrigDatabase = mod.Database;
const SqliteError = mod.SqliteError;
function Database(...args) {
  const opened = new OrigDatabase(...args);
  try { opened.pragma('busy_timeout = 30000'); } catch (_) {}
  return opened;
}
Database.prototype = OrigDatabase.prototype;
Database.prototype.constructor = Database;
Object.keys(OrigDatabase).forEach(key => { Database[key] = OrigDatabase[key]; });
Database.prototype.unsafeMode = function() { return this; };
const probe = new OrigDatabase(':memory:');
const statement = probe.prepare('SELECT 1');
const SP = Object.getPrototypeOf(statement);
SP.scanStatus = function() { return undefined; };
SP.scanStatusV2 = function() { return []; };
SP.scanStatusReset = function() {};
probe.close();
Database.SQLITE_SCANSTAT_NLOOP = 0;
Database.SQLITE_SCANSTAT_NVISIT = 1;
Database.SQLITE_SCANSTAT_EST = 2;
Database.SQLITE_SCANSTAT_NAME = 3;
Database.SQLITE_SCANSTAT_EXPLAIN = 4;
Database.SQLITE_SCANSTAT_SELECTID = 5;
Database.SQLITE_SCANSTAT_PARENTID = 6;
Database.SQLITE_SCANSTAT_NCYCLE = 7;
Database.SQLITE_SCANSTAT_COMPLEX = 8;
export default Database;
export { SqliteError };
\`
  };
}
`,
  );
  const register = path.join(folder, 'register.mjs');
  const url = JSON.stringify(pathToFileURL(hooks).href);
  fs.writeFileSync(register, `import { register } from 'node:module';\nregister(${url}, import.meta.url);\n`);
  return `--import ${pathToFileURL(register).href}`;
}

export function stop() {
  return 'left alone';
}
