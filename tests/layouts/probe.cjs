// One query through whatever `require(NAME)` finds from here: what answered, and from where. Usage: node probe.cjs NAME
'use strict';

const name = process.argv[2];
const Database = require(name);
const db = new Database(':memory:');
db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (39)');
const loaded = Object.keys(require.cache);
console.log(JSON.stringify({
  sum: db.prepare('SELECT sum(a) AS sum FROM t').get().sum,
  sqlite: db.prepare('SELECT sqlite_version()').pluck().get(),
  wasm: loaded.some(file => /wasmfix[\\/]addon\.cjs$/.test(file)),
  native: loaded.filter(file => file.endsWith('.node')),
  version: require(`${name}/package.json`).version,
}));
