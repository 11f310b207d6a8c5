'use strict';
/**
 * Native zero-sqlite3, asked in JSON, a line a question. `node oracle.cjs PACKAGE`
 *
 * Values: null; {i: decimal}, {r: hex of the eight bytes}, {t: hex of the bytes, s: UTF-16 code units}, {b: hex}.
 */
const fs = require('fs');
const readline = require('readline');
const { spawnSync } = require('child_process');
const Database = require(process.argv[2]);
/** @type {Map<string, any>} */
const open = new Map();

function database(file) {
  if (!open.has(file)) open.set(file, new Database(file));
  return open.get(file);
}

function decode(value) {
  if (value === null) return null;
  if ('i' in value) return BigInt(value.i);
  if ('r' in value) return Buffer.from(value.r, 'hex').readDoubleBE();
  if ('u' in value) return String.fromCharCode(...value.u);
  return Buffer.from(value.b, 'hex');
}

/** A table's columns a, b, … with their types; texts also as bytes. */
function rows(db, sql) {
  const columns = db.prepare(sql).columns().map((column) => column.name);
  const each = columns.map((name) => `typeof("${name}") t_${name}, "${name}", hex("${name}") h_${name}`).join(', ');
  return db.prepare(`SELECT ${each} FROM (${sql})`).safeIntegers().raw().all().map((row) => columns.map((_, i) => {
    const [type, value, hex] = row.slice(3 * i, 3 * i + 3);
    switch (type) {
      case 'null': return null;
      case 'integer': return { i: String(value) };
      case 'real': {
        const bytes = Buffer.alloc(8);
        bytes.writeDoubleBE(value);
        return { r: bytes.toString('hex') };
      }
      case 'text': return { t: hex.toLowerCase(), u: Array.from({ length: value.length }, (_unused, at) => value.charCodeAt(at)) };
      default: return { b: hex.toLowerCase() };
    }
  }));
}

const ops = {
  run({ file, sql, parameters = [] }) {
    database(file).prepare(sql).run(...parameters.map(decode));
  },
  exec({ file, sql }) {
    database(file).exec(sql);
  },
  rows: ({ file, sql }) => rows(database(file), sql),
  pragma: ({ file, text }) => database(file).pragma(text),
  close({ file }) {
    database(file).close();
    open.delete(file);
  },
  /** By a child that is killed, so that both WALs stay. */
  replica({ file }) {
    const script = `
      const db = new (require(${JSON.stringify(process.argv[2])}))(${JSON.stringify(file)});
      db.pragma('page_size = 1024'); db.pragma('journal_mode = wal2'); db.pragma('wal_autocheckpoint = 0');
      db.pragma('journal_size_limit = 20000');
      db.exec('CREATE TABLE issue(id INTEGER PRIMARY KEY, title TEXT, body BLOB, n REAL); CREATE INDEX issue_title ON issue(title)');
      const add = db.prepare('INSERT INTO issue(title, body, n) VALUES (?, randomblob(?), ?)');
      for (let i = 0; i < 60; i++) { add.run('issue ' + i, i * 20, i / 3); if (i === 40) db.pragma('wal_checkpoint'); }
      process.kill(process.pid, 'SIGKILL');`;
    spawnSync(process.execPath, ['-e', script]);
    if (!fs.existsSync(`${file}-wal2`)) throw new Error('no -wal2');
  },
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { op, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = { value: ops[op](given) ?? null };
  } catch (error) {
    answer = { error: `${error.code} ${error.stack}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
});
