'use strict';
// Opens a database, asks, closes. Where the native addon is missing, opening it already fails.

try {
  const Database = require(process.argv[2]);
  const db = new Database(':memory:');
  const row = db.prepare('SELECT 6 * ? AS product').get(7);
  db.close();
  if (row.product !== 42) throw new Error(`6 * 7 is ${row.product}`);
} catch (error) {
  console.log(String(error.message).split('\n')[0]);
  process.exitCode = 1;
}
