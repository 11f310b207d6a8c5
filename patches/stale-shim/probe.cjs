'use strict';
// Asks for the loops of a query as Zero does, until one is undefined. A stale shim never says so.

const MOST = 100;

try {
  const Database = require(process.argv[2]);
  const db = new Database(':memory:');
  const statement = db.prepare('SELECT 1');
  // Drivers of SQLite before 3.50 have no scan status.
  let index = 0;
  if (statement.scanStatusV2) while (index < MOST && statement.scanStatusV2(index, 5, 1) !== undefined) index += 1;
  db.close();
  if (index === MOST) throw new Error(`scanStatusV2 has an answer for loop ${index} of SELECT 1`);
} catch (error) {
  console.log(String(error.message).split('\n')[0]);
  process.exitCode = 1;
}
