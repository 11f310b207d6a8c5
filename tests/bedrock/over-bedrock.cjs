'use strict';
// The entry point of zero-sqlite3 over bedrock-sqlite, the least of what orez puts there: what Zero asks of the class that
// bedrock-sqlite does not have. BEDROCK names the package's folder.
const { Database, SqliteError } = require(`${process.env.BEDROCK}/dist/sqlite3.js`);

const scanStatus = ['NLOOP', 'NVISIT', 'EST', 'NAME', 'EXPLAIN', 'SELECTID', 'PARENTID', 'NCYCLE'];
scanStatus.forEach((name, number) => (Database[`SQLITE_SCANSTAT_${name}`] = number));
module.exports = Database;
module.exports.SqliteError = SqliteError;
