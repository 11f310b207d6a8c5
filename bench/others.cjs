'use strict';
/**
 * The drivers beside each other: `node others.cjs KIND PACKAGE_FOLDER DO [FILE]`. KIND
 * is `better` (better-sqlite3's interface), `node-sqlite3-wasm` or `sql.js`.
 *
 * DO is `speed` (six workloads in memory, printed as by measure.cjs), `facts` (which
 * SQLite, what it can do), `make` (a database in FILE), `write` (says ready, waits for
 * a line on stdin, then commits single rows for that many milliseconds), `check`.
 */
const { performance } = require('perf_hooks');
const { measure } = require('./measure.cjs');
const { fill } = require('./items.cjs');

const [, , kind, folder, action, file] = process.argv;
const ROWS = 200_000;

/**
 * What the workloads use, by the names of better-sqlite3.
 * @type {Record<string, () => Promise<(file: string) => any>>}
 */
const DRIVERS = {
  async better() {
    const Database = require(folder);
    return (name) => new Database(name, { timeout: 5000 });
  },
  async 'node-sqlite3-wasm'() {
    const { Database } = require(folder);
    return (name) => {
      const db = new Database(name);
      db.exec('PRAGMA busy_timeout = 5000');
      return {
        exec: (sql) => db.exec(sql),
        close: () => db.close(),
        pragma: (sql) => Object.values(db.get(`PRAGMA ${sql}`) ?? {})[0],
        transaction: (body) => transaction(db, body),
        prepare(sql) {
          const statement = db.prepare(sql);
          return {
            run: (...values) => statement.run(values),
            get: (...values) => statement.get(values),
            all: (...values) => statement.all(values),
            iterate: (...values) => statement.iterate(values),
          };
        },
      };
    };
  },
  async 'sql.js'() {
    const SQL = await require(folder)();
    return (name) => {
      if (name !== ':memory:') throw new Error('sql.js has no files');
      const db = new SQL.Database();
      return {
        exec: (sql) => void db.run(sql),
        close: () => db.close(),
        pragma: (sql) => db.exec(`PRAGMA ${sql}`)[0]?.values[0][0],
        transaction: (body) => transaction({ exec: (sql) => db.run(sql) }, body),
        prepare(sql) {
          const statement = db.prepare(sql);
          function* rows(values) {
            statement.bind(values);
            while (statement.step()) yield statement.getAsObject();
            statement.reset();
          }
          return {
            run: (...values) => statement.run(values),
            get: (...values) => statement.getAsObject(values),
            all(...values) {
              const found = [];
              statement.bind(values);
              while (statement.step()) found.push(statement.getAsObject());
              statement.reset();
              return found;
            },
            iterate: (...values) => rows(values),
          };
        },
      };
    };
  },
};

/** @param {{exec: (sql: string) => void}} db @param {(...values: any[]) => void} body */
function transaction(db, body) {
  return (...values) => {
    db.exec('BEGIN');
    body(...values);
    db.exec('COMMIT');
  };
}

/** @param {(file: string) => any} open */
function speed(open) {
  const db = open(':memory:');
  fill(db, ROWS);
  const everything = db.prepare('SELECT * FROM items');
  const byKey = db.prepare('SELECT * FROM items WHERE id = ?');
  const range = db.prepare('SELECT * FROM items WHERE id > ? LIMIT 50');
  const scan = db.prepare("SELECT count(*), sum(score), max(owner) FROM items WHERE title LIKE '%99%' AND owner > 10");
  measure('all, 200k x 5', () => everything.all());
  measure('iterate, 200k x 5', () => {
    let sum = 0;
    for (const row of everything.iterate()) sum += row.owner;
    return sum;
  });
  measure('get by key x 50k', () => {
    let sum = 0;
    for (let i = 0; i < 50_000; i++) sum += byKey.get((i * 7919) % ROWS).owner;
    return sum;
  });
  measure('limit 50 range x 4k', () => {
    for (let i = 0; i < 4_000; i++) range.all((i * 7919) % ROWS);
  });
  measure('scan, LIKE and aggregates', () => scan.get());
  let target;
  const before = () => {
    target?.close();
    target = open(':memory:');
    target.exec('CREATE TABLE copy (id INTEGER PRIMARY KEY, title TEXT, score REAL, owner INTEGER, state TEXT)');
  };
  measure('insert 50k, one transaction', () => {
    const insert = target.prepare('INSERT INTO copy VALUES (?, ?, ?, ?, ?)');
    target.transaction(() => {
      for (let i = 0; i < 50_000; i++) insert.run(i, `title of item ${i}`, i / 7, i % 1000, 'open');
    })();
  }, before);
}

/** @param {(file: string) => any} open */
function facts(open) {
  const db = open(':memory:');
  const has = (/** @type {string} */ sql) => {
    try {
      db.exec(sql);
      return true;
    } catch {
      return false;
    }
  };
  say({
    sqlite: db.prepare('SELECT sqlite_version() AS version').get().version,
    concurrent: has('BEGIN CONCURRENT') && has('COMMIT'),
    wal: modes(open, 'wal'),
    wal2: modes(open, 'wal2'),
  });
}

/** Whether a database in a file gets that journal mode. @param {(file: string) => any} open @param {string} mode */
function modes(open, mode) {
  try {
    const db = open(`${file}-${mode}`);
    const answer = db.pragma(`journal_mode = ${mode}`);
    db.exec('CREATE TABLE t (x)');
    db.close();
    return (Array.isArray(answer) ? answer[0].journal_mode : answer) === mode;
  } catch {
    return false;
  }
}

/** @param {any} db */
async function write(db) {
  let update;
  say({ ready: true });
  const duration = Number(await new Promise((resolve) => process.stdin.once('data', resolve)));
  process.stdin.destroy();
  const end = performance.now() + duration;
  let commits = 0;
  let refused = 0;
  while (performance.now() < end) {
    try {
      // Here, because one driver refuses even this while the other process writes.
      update ??= db.prepare('UPDATE counter SET n = n + 1');
      update.run();
      commits++;
    } catch {
      refused++;
    }
  }
  say({ commits, refused });
}

/** @param {object} message */
function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function main() {
  const open = await DRIVERS[kind]();
  if (action === 'speed') return speed(open);
  if (action === 'facts') return facts(open);
  const db = open(file);
  if (action === 'make') db.exec('CREATE TABLE counter (n INTEGER); INSERT INTO counter VALUES (0)');
  else if (action === 'write') await write(db);
  else say({ n: db.prepare('SELECT n FROM counter').get().n });
  db.close();
}

main().catch((error) => {
  process.stderr.write(`${error?.stack ?? error}\n`);
  process.exitCode = 1;
});
