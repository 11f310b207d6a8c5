'use strict';
/** What a patched package's JavaScript wants of its addon: `node asked.cjs PACKAGE`, a line of JSON. */
const fs = require('node:fs');
const path = require('node:path');

const folder = path.resolve(process.argv[2]);
const Database = require(folder);
const file = path.join(folder, 'bank.db');
const db = new Database(file.replace(folder, process.argv[3]));
db.pragma('journal_mode = WAL');
db.exec('CREATE TABLE accounts(id INTEGER PRIMARY KEY, owner TEXT, cents INTEGER)');
const insert = db.prepare('INSERT INTO accounts(owner, cents) VALUES (?, ?)');
db.transaction(() => {
  for (let i = 0; i < 1000; i++) insert.run(`owner ${i}`, BigInt(i) * 10n ** 12n);
})();
db.function('euros', (cents) => cents / 100);
db.aggregate('last', { start: null, step: (_, value) => value });
db.close();

const addon = require(path.join(folder, 'wasmfix', 'addon.cjs'));
const again = new Database(file.replace(folder, process.argv[3]), { readonly: true });
const source = fs.readFileSync(path.join(folder, 'lib', 'database.js'), 'utf8');
const [, passed] = /new addon\.Database\(([^)]*)\)/.exec(source);
console.log(JSON.stringify({
  sqlite: again.prepare('SELECT sqlite_version()').pluck().get(),
  sum: String(again.prepare('SELECT sum(cents) FROM accounts').pluck().safeIntegers().get()),
  initialized: 'setErrorConstructor' in addon ? 'setErrorConstructor' : 'initialize',
  passed: passed.split(',').length,
  scanStatus: typeof again.prepare('SELECT 1').scanStatusV2 === 'function',
  explain: typeof again.explain === 'function',
}));
