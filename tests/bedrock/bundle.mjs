// Put runtime.js and the sources of a package together as emcc does, and print the result as Emscripten's optimiser
// does: whitespace and comments removed, identifiers kept. Emscripten uses the printer of terser, and so do we.
//
// node bundle.mjs TERSER PACKAGE: writes PACKAGE/dist/sqlite3.js and PACKAGE/dist/sqlite3-async.js.

import fs from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import process from 'node:process';

const [terserPackage, folder] = process.argv.slice(2);
const {minify} = createRequire(import.meta.url)(terserPackage);

const source = name => fs.readFileSync(path.join(folder, 'native', name), 'utf8').replace("'use strict'", '');
const runtime = fs.readFileSync(new URL('runtime.js', import.meta.url), 'utf8');

/** The object that a js-library hands to addToLibrary(). */
function library(text) {
  let found = {};
  new Function('addToLibrary', text)(object => (found = object));
  return found;
}

function printLibrary(object) {
  const lines = [];
  for (const [name, value] of Object.entries(object)) {
    if (name.endsWith('__deps')) continue;
    if (name.startsWith('$')) lines.push(`var ${name.slice(1)} = {};`);
    else lines.push(value.toString().replace(/^function \(/, `function _${name}(`));
  }
  return lines.join('\n');
}

const exported = [...source('api.js').match(/signatures = \{\n(.+?)\s*\}/s)[1].matchAll(/^\s*(\w+):/gm)].map(([, name]) => name);
const functions = library(source('vfs.js'));
const parts = {
  PRE: `${source('api.js')};\n${source('vfs-pre.js')}`,
  LIBRARY: printLibrary(functions),
  IMPORTS: `{${['emscripten_date_now', ...Object.keys(functions)].filter(name => !/^\$|__deps$/.test(name)).map(name => `${name}: _${name}`)}}`,
  EXPORTS: [
    ...exported.map(name => `Module['_sqlite3_${name}'] = wasmExports['sqlite3_${name}']`),
    ...['malloc', 'free'].map(name => `_${name} = Module['_${name}'] = wasmExports['${name}']`),
  ].join(';\n'),
};
const whole = runtime.replace(/^(\s*(?:var wasmImports = )?)(PRE|LIBRARY|IMPORTS|EXPORTS);$/gm, (_, before, name) => `${before}${parts[name]};`);

// -s MODULARIZE -s EXPORT_NAME=createSqliteModule: the same in a function, which hands out a module of its own.
const asynchronous = `async function createSqliteModule(moduleArg = {}) {
  ${whole.replace(/^var Module = .*$/m, 'var moduleRtn; var Module = moduleArg;').replace(/ {2}if \(typeof module != 'undefined'\) \{[^}]*\}/, '')}
  moduleRtn = Module;
  return moduleRtn;
}
if (typeof exports === 'object' && typeof module === 'object') {
  module.exports = createSqliteModule;
  module.exports.default = createSqliteModule;
}`;

for (const [name, text] of [['sqlite3.js', whole], ['sqlite3-async.js', asynchronous]]) {
  const {code} = await minify(text, {compress: false, mangle: false, format: {comments: false}});
  fs.writeFileSync(path.join(folder, 'dist', name), `${code}\n`);
}
