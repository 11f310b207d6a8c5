'use strict';
// Loads the package by its entry point, as an application does, and looks at what it exports.

try {
  const Database = require(process.argv[2]);
  if (typeof Database !== 'function') throw new Error(`it exports a value of type ${typeof Database}`);
  if (!(new Database.SqliteError('words', 'SQLITE_BUSY') instanceof Error)) throw new Error('SqliteError is no Error');
} catch (error) {
  console.log(String(error.message).split('\n')[0]);
  process.exitCode = 1;
}
