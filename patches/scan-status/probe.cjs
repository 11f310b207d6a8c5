'use strict';
// node probe.cjs PACKAGE: scanStatusV2 tells the loops of a plan, with estimates that follow ANALYZE, and then ends.
const path = require('node:path');
const { Database } = require(path.resolve(process.argv[2], 'dist/sqlite3.js'));

const [EST, EXPLAIN, SELECTID, PARENTID] = [2, 4, 5, 6];
const COMPLEX = 1;
const db = new Database(':memory:');

/** As Zero asks. */
function loops(sql) {
  const stmt = db.prepare(sql);
  if (typeof stmt.scanStatusV2 !== 'function') throw new Error('stmt.scanStatusV2 is not a function');
  const found = [];
  for (let i = 0; ; i++) {
    if (i === 1000) throw new Error('scanStatusV2 never answers undefined');
    const ask = op => stmt.scanStatusV2(i, op, COMPLEX);
    if (ask(SELECTID) === undefined) break;
    found.push({ selectId: ask(SELECTID), parentId: ask(PARENTID), explain: ask(EXPLAIN), est: ask(EST) });
  }
  stmt.scanStatusReset();
  return found;
}

function check(sql, from, to, explain) {
  const found = loops(sql);
  const [first] = found.filter(loop => loop.parentId === 0).sort((a, b) => a.selectId - b.selectId);
  if (!first) throw new Error(`no loop at all for ${sql}`);
  if (!explain.test(first.explain)) throw new Error(`${first.explain} for ${sql}`);
  if (!(first.est >= from && first.est <= to)) throw new Error(`${first.est} rows expected, not ${from} to ${to}, for ${sql}`);
  return found;
}

try {
  db.exec('CREATE TABLE t (id TEXT PRIMARY KEY, a, b); CREATE INDEX t_a ON t (a)');
  const insert = db.prepare('INSERT INTO t VALUES (?, ?, ?)');
  for (let i = 0; i < 2000; i++) insert.run(`k${i}`, i % 4, i);
  check('SELECT * FROM t', 100000, 1e7, /^SCAN t\b/);
  db.exec('ANALYZE');
  check('SELECT * FROM t', 1800, 2200, /^SCAN t\b/);
  check('SELECT * FROM t WHERE a = 3', 400, 600, /^SEARCH t USING INDEX t_a/);
  check("SELECT * FROM t WHERE id = 'k7'", 1, 1, /^SEARCH t /);
  const sorted = check('SELECT * FROM t ORDER BY b', 1800, 2200, /^SCAN t\b/);
  if (!sorted.some(loop => /ORDER BY/.test(loop.explain))) throw new Error('no sorter in the plan of ORDER BY');
  if (loops("SELECT 1 FROM t JOIN t AS u ON u.id = t.b WHERE t.a = 1").length < 2) throw new Error('a join of two has two loops');
} catch (error) {
  console.log(error.message);
  process.exitCode = 1;
} finally {
  db.close();
}
