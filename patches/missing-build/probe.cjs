'use strict';
// Loads the build, which loads its wasm when the first database is opened.

try {
  const { Database } = require(process.argv[2]);
  new Database(':memory:').close();
} catch (error) {
  console.log(String(error.message).split('\n')[0]);
  process.exitCode = 1;
}
