'use strict';
// node differences.cjs PACKAGE: what code that was written for bedrock-sqlite sees of it, before and after a rebuild.
const path = require('node:path');

const { Database } = require(path.resolve(process.argv[2], 'dist', 'sqlite3.js'));

/** @type {Record<string, (db: any) => unknown>} */
const questions = {
  'an integer past 2^53': (db) => db.prepare('SELECT 9007199254740993 AS x').get().x,
  'the same with safeIntegers()': (db) => db.prepare('SELECT 9007199254740993 AS x').safeIntegers().get().x,
  'a boolean as a parameter': (db) => db.prepare('SELECT ? AS x').get(true).x,
  'undefined as a parameter': (db) => db.prepare('SELECT ? AS x, ? AS y').get(1, undefined).y,
  'a named parameter that is missing': (db) => db.prepare('SELECT @x AS x').get({}).x,
  'all() of a statement without rows': (db) => db.prepare('CREATE TABLE u (x)').all(),
  'run() of a statement with rows': (db) => typeof db.prepare('SELECT 1').run().changes,
  'pragma() without rows': (db) => db.pragma('user_version = 3'),
  'exec() while rows are iterated': (db) => {
    let rows = 0;
    for (const _row of db.prepare('SELECT 1 AS x UNION SELECT 2').iterate()) {
      db.exec('SELECT 1');
      rows += 1;
      if (rows === 10) return 'the first row again and again';
    }
    return rows;
  },
  'a nested transaction that throws': (db) => {
    db.exec('CREATE TABLE n (x)');
    const add = db.transaction((x) => {
      db.prepare('INSERT INTO n VALUES (?)').run(x);
      if (x === 2) throw new Error('undo this one');
    });
    db.transaction(() => {
      add(1);
      try {
        add(2);
      } catch {
        // The outer one goes on.
      }
    })();
    return `${db.prepare('SELECT count(*) AS c FROM n').get().c} rows`;
  },
};

/** @param {(db: any) => unknown} ask */
function answer(ask) {
  try {
    const value = ask(new Database(':memory:'));
    return typeof value === 'bigint' ? `${value}n` : value;
  } catch (error) {
    return error.constructor.name;
  }
}

console.log(JSON.stringify(Object.fromEntries(Object.entries(questions).map(([name, ask]) => [name, answer(ask)]))));
