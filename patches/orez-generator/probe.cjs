'use strict';
// Has the generator write its shim over a driver whose scan status never ends, and asks the shim as Zero does. Releases
// that write the shim from another place are read only: an answer that is the same for ever is in their text or not.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const MOST = 100;
const TEXTS = ['dist/index.js', 'dist/shim/hooks.mjs', 'dist/sqlite-shim.cjs', 'src/shim/hooks.mjs', 'src/sqlite-shim.cjs'];
const ENDLESS = /\.scanStatusV2\s*=\s*(function\s*\(\)\s*\{\s*return\s*\[\];?\s*\}|\(\)\s*=>\s*\[\])/;
const DRIVER = `'use strict';
class Statement {
  constructor(database, source) { this.database = database; this.source = source; }
  all() { return this.source.startsWith('EXPLAIN') ? [{ id: 2, parent: 0, notused: 0, detail: 'SCAN t' }] : []; }
  scanStatusV2() { return []; }
}
class Database {
  prepare(source) { return new Statement(this, source); }
  pragma() { return []; }
  close() { return this; }
}
module.exports = { Database, SqliteError: Error };
`;

async function loopsOfShim(generator) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wasmfix-probe-'));
  try {
    const bedrockPath = path.join(folder, 'driver.cjs').split(path.sep).join('/');
    fs.writeFileSync(bedrockPath, DRIVER);
    const { generateCjsShim } = await import(pathToFileURL(generator).href);
    const shim = path.join(folder, 'shim.cjs');
    fs.writeFileSync(shim, generateCjsShim({ mode: 'wasm', bedrockPath }));
    const statement = new (require(shim))(':memory:').prepare('SELECT * FROM t');
    let index = 0;
    while (index < MOST && statement.scanStatusV2(index, 5, 1) !== undefined) index += 1;
    return index;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function main(folder) {
  const generator = path.join(folder, 'dist', 'sqlite-mode', 'shim-template.js');
  if (fs.existsSync(generator)) {
    const loops = await loopsOfShim(generator);
    if (loops !== 1) throw new Error(`the shim has ${loops === MOST ? 'endless' : loops} loops for a query of one`);
  }
  for (const name of TEXTS) {
    const file = path.join(folder, name);
    if (fs.existsSync(file) && ENDLESS.test(fs.readFileSync(file, 'utf8'))) {
      throw new Error(`${name} writes a shim whose scan status never ends`);
    }
  }
}

main(process.argv[2]).catch(error => {
  console.log(String(error.message).split('\n')[0]);
  process.exitCode = 1;
});
