'use strict';
/** Warnings that a user should see once. */

/** @type {Set<string>} */
const said = new Set();

/**
 * @param {string} about what there is one warning about, a file for example
 * @param {string} code
 * @param {string} message
 */
function warnOnce(about, code, message) {
  const key = `${code} ${about}`;
  if (said.has(key)) return;
  said.add(key);
  process.emitWarning(message, { type: 'WasmfixWarning', code });
}

module.exports = { warnOnce };
