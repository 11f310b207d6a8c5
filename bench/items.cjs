'use strict';
/** The table of all workloads: five columns (integer, text of 20 characters, real, integer, short text). */

/** @param {any} db @param {number} rows */
function fill(db, rows) {
  db.exec('CREATE TABLE items (id INTEGER PRIMARY KEY, title TEXT, score REAL, owner INTEGER, state TEXT)');
  const insert = db.prepare('INSERT INTO items VALUES (?, ?, ?, ?, ?)');
  db.transaction(() => {
    for (let i = 0; i < rows; i++) insert.run(i, `title of item ${String(i).padStart(6, '0')}`, i / 7, i % 1000, i % 3 ? 'open' : 'closed');
  })();
}

module.exports = { fill };
