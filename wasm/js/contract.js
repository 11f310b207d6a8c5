'use strict';
/**
 * Which of the two contracts the package's JavaScript speaks. It says so itself, before it opens a database:
 *
 * - `setErrorConstructor(SqliteError)`: zero-sqlite3, and better-sqlite3 up to 12, whose addons are made with V8's own
 *   interface;
 * - `initialize(SqliteError, arrayFactory, arrayAppender, rowFactory, recordFactory)`: better-sqlite3 from 13 on, made
 *   with Node-API.
 *
 * Most of the difference is in `prepare()` (a fourth argument), in `new Database()` (file descriptors), and in what
 * Node-API does otherwise: live properties are own getters, lone surrogates are replaced, and an object counts as plain
 * by its prototype's prototype.
 */

/** @typedef {(...keys: string[]) => (...values: unknown[]) => object} RowFactory */

const contract = {
  nodeApi: false,
  /** @type {RowFactory | null} the package's own, for the one name that it treats in a way of its own: `__proto__` */
  rowFactory: null,
};

/** @param {RowFactory} rowFactory */
function useNodeApi(rowFactory) {
  contract.nodeApi = true;
  contract.rowFactory = rowFactory;
}

module.exports = { contract, useNodeApi };
