'use strict';
/** Zero asks for the loops of a statement until it is told undefined: an endless answer is how it runs out of memory. */
const { Skip, expect, show } = require('./runner.cjs');

/** @typedef {import('./runner.cjs').Context} Context */

const SCHEMA = `
  CREATE TABLE issue (id INTEGER PRIMARY KEY, owner INTEGER, title TEXT, open INTEGER);
  CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
  CREATE INDEX issue_owner ON issue (owner, open);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
    INSERT INTO issue SELECT i, i % 20, 'title ' || i, i % 3 FROM n;
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19)
    INSERT INTO person SELECT i, 'person ' || i FROM n;
  ANALYZE;
`;

/** @type {[string, unknown[]][]} */
const QUERIES = [
  ['SELECT * FROM issue', []],
  ['SELECT * FROM issue WHERE id = ?', [7]],
  ['SELECT i.id, p.name FROM issue i JOIN person p ON p.id = i.owner WHERE i.owner = ? AND i.open = 1 ORDER BY i.title', [3]],
  ['SELECT name, (SELECT count(*) FROM issue WHERE owner = person.id) FROM person WHERE name > ?', ['person 5']],
];

// Documented for sqlite3_stmt_scanstatus_v2. NCYCLE is left out: it counts the cycles of a processor.
const OPCODES = { NLOOP: 0, NVISIT: 1, EST: 2, NAME: 3, EXPLAIN: 4, SELECTID: 5, PARENTID: 6 };
const COMPLEX = 1;
const MANY = 1000;

/** @param {Context} context @param {any} db */
function requireScanStatus({ job }, db) {
  const statement = db.prepare('SELECT 1');
  if (job.defines.some((define) => define.startsWith('SQLITE_ENABLE_STMT_SCANSTATUS'))) {
    expect(typeof statement.scanStatusV2 === 'function', 'statements have no scanStatusV2');
  } else if (typeof statement.scanStatusV2 !== 'function') {
    throw new Skip('this version is built without scan status');
  }
}

/**
 * All that a database says of the queries above, after they ran.
 * @param {any} db
 */
function loops(db) {
  return QUERIES.map(([sql, values]) => {
    const statement = db.prepare(sql);
    statement.all(...values);
    const found = [];
    for (let index = 0; statement.scanStatusV2(index, OPCODES.SELECTID, COMPLEX) !== undefined; index += 1) {
      expect(index < MANY, `scanStatusV2(${index}) still gives ${show(statement.scanStatusV2(index, OPCODES.SELECTID, COMPLEX))} for ${show(sql)}: it never ends`);
      found.push(Object.entries(OPCODES).map(([name, opcode]) => [name, statement.scanStatusV2(index, opcode, COMPLEX)]));
    }
    return { sql, found };
  });
}

/** @param {Context} context */
function ends(context) {
  const db = new context.Database(':memory:');
  requireScanStatus(context, db);
  db.exec(SCHEMA);
  let count = 0;
  for (const { sql, found } of loops(db)) {
    expect(found.length > 0, `scanStatusV2 reports no loop for ${show(sql)}`);
    for (const loop of found) {
      const value = Object.fromEntries(loop);
      const sound = Number.isInteger(value.SELECTID) && Number.isInteger(value.PARENTID) && typeof value.EXPLAIN === 'string' && typeof value.EST === 'number';
      expect(sound, `scanStatusV2 gives ${show(value)} for ${show(sql)}`);
    }
    count += found.length;
  }
  const scan = db.prepare('SELECT * FROM issue');
  expect(scan.all().length === 500, 'the table has not its 500 rows');
  const visited = scan.scanStatusV2(0, OPCODES.NVISIT, COMPLEX);
  expect(visited === 500, `NVISIT of a scan of 500 rows is ${show(visited)}`);
  scan.scanStatusReset();
  const after = scan.scanStatusV2(0, OPCODES.NVISIT, COMPLEX);
  expect(after === 0, `NVISIT after scanStatusReset() is ${show(after)}`);
  db.close();
  return `${count} loops of ${QUERIES.length} queries`;
}

/** @param {Context} context */
function equalsNative(context) {
  const { Database, job } = context;
  const db = new Database(':memory:');
  requireScanStatus(context, db);
  let native;
  const reasons = [];
  const abi = /\.abi(\d+)\./;
  for (const candidate of job.native) {
    const match = abi.exec(candidate);
    if (match && match[1] !== process.versions.modules) continue;
    try {
      // As an object: the path of the package's own binary means the engine.
      native = new Database(':memory:', { nativeBinding: require(candidate) });
      break;
    } catch (error) {
      reasons.push(/** @type {Error} */ (error).message.split('\n')[0]);
    }
  }
  if (native === undefined) throw new Skip(reasons[0] || 'the package has no native addon for this platform');
  db.exec(SCHEMA);
  native.exec(SCHEMA);
  const [ours, theirs] = [loops(db), loops(native)];
  for (const [index, { sql, found }] of ours.entries()) {
    const expected = theirs[index].found;
    expect(JSON.stringify(found) === JSON.stringify(expected), `for ${show(sql)} it says ${show(found)}, native ${show(expected)}`);
  }
  db.close();
  native.close();
  return `${ours.length} queries`;
}

/** @type {import('./runner.cjs').Check[]} */
module.exports = [
  { id: 'V010', title: 'scanStatusV2 is true, and ends', phases: ['all', 'quick'], run: ends },
  { id: 'V011', title: 'scanStatusV2 says what the native addon says', phases: ['all'], run: equalsNative },
];
