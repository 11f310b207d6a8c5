'use strict';
// Loads the package, which is where its module type is decided.
import(require('url').pathToFileURL(require('module').createRequire(process.argv[2] + '/x').resolve(process.argv[2])))
  .then((loaded) => {
    const { Database } = loaded.default ?? loaded;
    new Database(':memory:').close();
  })
  .catch((error) => {
    console.log(String(error.message).split('\n')[0]);
    process.exitCode = 1;
  });
