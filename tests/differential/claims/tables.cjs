'use strict';

module.exports = {
  'an eponymous table'(Database, dir, log) {
    const db = new Database(':memory:');
    log('returns the database', db.table('three', { columns: ['a', 'b'], *rows() { yield [1, 'x']; yield { b: 'y', a: 2 }; yield [null, Buffer.from('z')]; } }) === db);
    for (const sql of ['SELECT * FROM three', 'SELECT rowid, b FROM three', 'SELECT * FROM three WHERE a = 2', 'SELECT * FROM three ORDER BY b DESC', 'SELECT count(*) FROM three', 'SELECT x.a, y.b FROM three x, three y', 'SELECT * FROM three LIMIT 1 OFFSET 1', 'SELECT * FROM main.three', 'SELECT * FROM three()', 'SELECT * FROM three(1)', 'SELECT a FROM three WHERE a IN (SELECT a FROM three WHERE b = \'x\')', 'SELECT * FROM nosuch(1)']) log.call(sql, () => db.prepare(sql).all());
    log.call('columns', () => db.prepare('SELECT * FROM three').columns());
    for (const sql of ['INSERT INTO three VALUES (1, 2)', 'DELETE FROM three', 'UPDATE three SET a = 1', 'DROP TABLE three', 'CREATE VIRTUAL TABLE t USING three', 'ALTER TABLE three ADD COLUMN c', 'CREATE INDEX i ON three(a)']) log.call(sql, () => db.exec(sql));
    log.call('pragma table_xinfo', () => db.pragma('table_xinfo(three)'));
  },
  'parameters of a table'(Database, dir, log) {
    const db = new Database(':memory:');
    const calls = [];
    db.table('args', { columns: ['n'], parameters: ['from', 'to', 'step'], *rows(...args) { calls.push(args); const [from = 1, to = 3, step = 1] = args; for (let n = from; n <= to; n += step) yield [n]; } });
    for (const sql of ['SELECT n FROM args', 'SELECT n FROM args(2)', 'SELECT n FROM args(2, 6)', 'SELECT n FROM args(2, 6, 2)', 'SELECT n FROM args(1, 2, 3, 4)', 'SELECT n FROM args WHERE "to" = 2', 'SELECT n FROM args WHERE step = 2 AND "from" = 1', 'SELECT n FROM args(NULL)', 'SELECT n FROM args(1, NULL)', 'SELECT n FROM args WHERE "to" > 2', 'SELECT n FROM args WHERE "to" IN (1, 2)', 'SELECT n FROM args WHERE "to" IS NULL', 'SELECT n, "from", "to", step FROM args(1, 2)', 'SELECT a.n, b.n FROM args(1, 2) a, args(a.n, 3) b', 'SELECT n FROM args(2) WHERE "from" = 3', 'SELECT n FROM args(1, 5) LIMIT 2', 'SELECT n FROM args(1, 5) WHERE n > 3 ORDER BY n DESC', "SELECT n FROM args('x')", 'SELECT n FROM args(1.5, 3)', 'SELECT n FROM args(?)', 'SELECT * FROM (SELECT 1 AS q) LEFT JOIN args(q) ON n > 2', 'SELECT n FROM args WHERE "to" = "from"', 'SELECT (SELECT max(n) FROM args(1, value)) AS m FROM json_each(\'[2,4]\')']) {
      log.call(sql, () => { const stmt = db.prepare(sql); return stmt.raw().all(...(sql.includes('?') ? [3] : [])); });
      log('calls', calls.splice(0));
    }
    db.table('inferred', { columns: ['a'], *rows(x, y) { yield [`${x} ${y}`]; } });
    log.call('names come from the length', () => db.prepare('SELECT *, $1, $2 FROM inferred(5, 6)').all({ 1: 'p', 2: 'q' }));
    log.call('quoted', () => db.prepare('SELECT *, "$1", "$2" FROM inferred(5, 6)').all());
    db.table('blobs', { columns: ['a'], parameters: ['b'], *rows(b) { if (Buffer.isBuffer(b)) b.fill(0); yield [typeof b]; } });
    log.call('an argument is a copy', () => db.prepare("SELECT hex(b) AS h, a FROM blobs(x'0102')").all());
  },
  'definitions are checked'(Database, dir, log) {
    const db = new Database(':memory:');
    const columns = ['a'];
    const rows = function* () { yield [1]; };
    const bad = [undefined, null, 5, 'x', {}, { columns }, { rows }, { columns, rows: () => [] }, { columns, rows: 5 }, { columns, async *rows() {} }, { columns: 'a', rows }, { columns: [], rows }, { columns: [1], rows }, { columns: ['a', 'a'], rows }, { columns, rows, parameters: 'x' }, { columns, rows, parameters: [1] }, { columns, rows, parameters: ['p', 'p'] }, { columns, rows, parameters: ['a'] }, { columns, rows, parameters: Array.from({ length: 33 }, (_, i) => `p${i}`) }, { columns, rows, parameters: Array.from({ length: 32 }, (_, i) => `p${i}`) }, { columns, rows, safeIntegers: 1 }, { columns, rows, directOnly: 1 }, Object.create({ columns, rows }), { columns: ['a', 'A'], rows }, { columns: ['quo"te', 'sp ace', 'ä🙂', ''], rows }, { columns: ['x'.repeat(2000)], rows }];
    for (const [at, definition] of bad.entries()) {
      log.call(`define ${at}`, () => db.table(`t${at}`, definition) === db);
      log.call(`use ${at}`, () => db.prepare(`SELECT * FROM t${at}`).all());
      log.call(`factory ${at}`, () => db.table(`f${at}`, () => definition) === db);
      log.call(`create ${at}`, () => db.exec(`CREATE VIRTUAL TABLE v${at} USING f${at}`));
    }
    for (const name of ['', 5, null, undefined]) log.call(`name ${name}`, () => db.table(name, { columns, rows }));
  },
  'a factory makes tables'(Database, dir, log) {
    const db = new Database(':memory:');
    const calls = [];
    db.table('made', function (...args) {
      calls.push([{ ...this }, args]);
      return { columns: args.length ? args : ['only'], *rows() { yield args.length ? args.map((arg, at) => `${arg} ${at}`) : ['row']; } };
    });
    for (const sql of ['CREATE VIRTUAL TABLE a USING made', 'CREATE VIRTUAL TABLE temp.b USING made(x, y z, \'q\')', 'CREATE VIRTUAL TABLE c USING made()', 'CREATE VIRTUAL TABLE d USING made(ä🙂, )', 'CREATE VIRTUAL TABLE a USING made', 'CREATE VIRTUAL TABLE IF NOT EXISTS a USING made(zz)', 'CREATE VIRTUAL TABLE e USING nosuch', 'CREATE VIRTUAL TABLE f USING made(x, x)']) {
      log.call(sql, () => db.exec(sql));
      log('calls', calls.splice(0));
    }
    for (const name of ['a', 'b', 'c', 'd', 'made']) log.call(`read ${name}`, () => db.prepare(`SELECT * FROM ${name}`).all());
    log('schema', db.prepare('SELECT * FROM sqlite_master').all());
    log.call('rename', () => db.exec('ALTER TABLE a RENAME TO aa'));
    log.call('drop', () => db.exec('DROP TABLE c'));
    log.call('gone', () => db.prepare('SELECT * FROM c').all());
    db.table('fails', () => { throw new RangeError('from the factory'); });
    log.call('a failing factory', () => db.exec('CREATE VIRTUAL TABLE x USING fails'));
    db.table('nothing', () => undefined);
    log.call('a factory without answer', () => db.exec('CREATE VIRTUAL TABLE x USING nothing'));
    log('goes on', db.prepare('SELECT 1').get());
  },
  'a created table is there for the next connection that knows its module'(Database, dir, log) {
    const file = `${dir}/a.db`;
    const define = (db, word) => db.table('m', () => ({ columns: ['w'], *rows() { yield [word]; } }));
    const one = new Database(file);
    define(one, 'one');
    one.exec('CREATE VIRTUAL TABLE v USING m');
    log('read', one.prepare('SELECT * FROM v').all());
    one.close();
    const two = new Database(file);
    log.call('unknown module', () => two.prepare('SELECT * FROM v').all());
    define(two, 'two');
    log.call('read', () => two.prepare('SELECT * FROM v').all());
    define(two, 'three');
    log.call('module replaced', () => two.prepare('SELECT * FROM v').all());
    two.close();
  },
  'rows that are wrong'(Database, dir, log) {
    const db = new Database(':memory:');
    let yielded;
    db.table('odd', { columns: ['a', 'b'], *rows() { yield [0, 0]; yield yielded; } });
    const stmt = db.prepare('SELECT * FROM odd');
    for (const [at, row] of [[1], [1, 2, 3], { a: 1 }, { a: 1, b: 2, c: 3 }, {}, null, undefined, 5, 'xy', [true, 1], [Symbol('s'), 1], [{}, 1], [2n ** 64n, 1], [1n, NaN], [undefined, null], [-0, Infinity], ['\ud800', 'a\0b'], [() => 1, 1], new Map(), Object.create({ a: 1, b: 2 })].entries()) {
      yielded = row;
      log.call(`all ${at}`, () => stmt.all());
      log.call(`get ${at}`, () => stmt.get());
      log.call(`iterate ${at}`, () => { const got = []; try { for (const item of stmt.iterate()) got.push(item); } catch (error) { got.push(error); } return got; });
    }
    db.table('throws', { columns: ['a'], *rows() { yield [1]; throw new Error('from rows'); } });
    log.call('rows throw', () => db.prepare('SELECT * FROM throws').all());
    log.call('but not for the first', () => db.prepare('SELECT * FROM throws').get());
    log.call('into a table', () => { db.exec('CREATE TABLE t(a)'); try { db.exec('INSERT INTO t SELECT * FROM throws'); } finally { log('count', db.prepare('SELECT count(*) FROM t').pluck().get()); } });
    let reads = 0;
    db.table('lazy', { columns: ['a', 'b'], *rows() { yield { get a() { reads++; return 1; }, get b() { reads++; throw new Error('getter'); } }; } });
    log.call('getters', () => db.prepare('SELECT a FROM lazy').all());
    log('reads', reads);
  },
  'the generator is driven as far as rows are wanted'(Database, dir, log) {
    const db = new Database(':memory:');
    const trace = [];
    db.table('traced', { columns: ['n'], *rows() { try { for (let n = 1; n <= 5; n++) { trace.push(`yield ${n}`); yield [n]; } trace.push('end'); } finally { trace.push('finally'); } } });
    const seen = (label) => log(label, trace.splice(0));
    db.prepare('SELECT * FROM traced').get();
    seen('get');
    db.prepare('SELECT * FROM traced').all();
    seen('all');
    const iterator = db.prepare('SELECT * FROM traced').iterate();
    seen('iterator made');
    iterator.next();
    seen('one step');
    iterator.next();
    seen('two steps');
    iterator.return();
    seen('left');
    db.prepare('SELECT * FROM traced LIMIT 2').all();
    seen('limit');
    db.prepare('SELECT EXISTS (SELECT 1 FROM traced)').get();
    seen('exists');
    db.prepare('SELECT * FROM traced WHERE 0').all();
    seen('never');
  },
  'bigints and directOnly'(Database, dir, log) {
    const db = new Database(':memory:');
    const kinds = (extra) => ({ columns: ['k'], parameters: ['p'], *rows(p) { yield [typeof p]; }, ...extra });
    db.table('k1', kinds({}));
    db.table('k2', kinds({ safeIntegers: true }));
    db.defaultSafeIntegers();
    db.table('k3', kinds({}));
    db.table('k4', kinds({ safeIntegers: false }));
    for (const name of ['k1', 'k2', 'k3', 'k4']) log(name, db.prepare(`SELECT k FROM ${name}(1)`).pluck().get());
    db.table('k5', kinds({ directOnly: true }));
    db.exec('CREATE VIEW v AS SELECT k FROM k5(1)');
    log.call('in a view', () => db.prepare('SELECT * FROM v').all());
    log.call('direct', () => db.prepare('SELECT k FROM k5(1)').all());
    log('rowids', db.prepare('SELECT rowid FROM k1(1)').raw().all());
  },
  'a table may read its own database elsewhere, but not itself'(Database, dir, log) {
    const db = new Database(':memory:');
    const other = new Database(':memory:');
    other.exec("CREATE TABLE t(a); INSERT INTO t VALUES ('from the other')");
    db.table('bridge', { columns: ['a'], *rows() { for (const row of other.prepare('SELECT a FROM t').iterate()) yield [row.a]; } });
    log.call('another database', () => db.prepare('SELECT * FROM bridge').all());
    const tries = [];
    db.table('selfish', { columns: ['a'], *rows() { for (const attempt of [() => db.prepare('SELECT 1'), () => db.exec('SELECT 1'), () => db.close(), () => db.pragma('user_version')]) { try { tries.push(attempt()); } catch (error) { tries.push(error); } } yield [1]; } });
    log.call('itself', () => db.prepare('SELECT * FROM selfish').all());
    log('tries', tries);
    log.call('thousands of rows', () => { db.table('many', { columns: ['n', 's'], *rows() { for (let n = 0; n < 20000; n++) yield [n, `row ${n}`]; } }); return db.prepare('SELECT sum(n) AS n, sum(length(s)) AS s FROM many').get(); });
  },
};
