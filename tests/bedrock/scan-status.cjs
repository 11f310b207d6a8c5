'use strict';
// What a driver's scanStatusV2 tells of some queries: `node scan-status.cjs DRIVER DATABASE`, the queries as JSON on stdin.
const fs = require('node:fs');

const [driver, file] = process.argv.slice(2);
const loaded = require(driver);
const db = new (loaded.Database ?? loaded)(file);
const [EST, EXPLAIN, SELECTID, PARENTID] = [2, 4, 5, 6];

function loops(sql) {
  const stmt = db.prepare(sql);
  const found = [];
  for (let i = 0; i < 100; i++) {
    const answer = [SELECTID, PARENTID, EXPLAIN, EST].map(op => stmt.scanStatusV2(i, op, 1));
    if (answer.every(part => part === undefined)) return found;
    found.push(answer);
  }
  throw new Error(`no end: ${sql}`);
}

console.log(JSON.stringify(JSON.parse(fs.readFileSync(0, 'utf8')).map(loops)));
db.close();
