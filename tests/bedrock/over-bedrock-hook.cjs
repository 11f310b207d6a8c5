'use strict';
// `node --require over-bedrock-hook.cjs`: whoever asks for zero-sqlite3 gets over-bedrock.cjs.
const { registerHooks } = require('node:module');
const { pathToFileURL } = require('node:url');

const instead = pathToFileURL(require.resolve('./over-bedrock.cjs')).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === '@rocicorp/zero-sqlite3' ? { url: instead, format: 'commonjs', shortCircuit: true } : next(specifier, context),
});
