'use strict';
/**
 * Errors: SQLite's codes by name, and the SqliteError class of the package.
 *
 * A code that native does not know is `UNKNOWN_SQLITE_ERROR_<number>` there too
 * (constants.cpp, CS::Code).
 */

/** Primary result codes, by number (sqlite.org/rescode.html). */
const PRIMARY = [
  'OK', 'ERROR', 'INTERNAL', 'PERM', 'ABORT', 'BUSY', 'LOCKED', 'NOMEM', 'READONLY', 'INTERRUPT', 'IOERR', 'CORRUPT', 'NOTFOUND', 'FULL',
  'CANTOPEN', 'PROTOCOL', 'EMPTY', 'SCHEMA', 'TOOBIG', 'CONSTRAINT', 'MISMATCH', 'MISUSE', 'NOLFS', 'AUTH', 'FORMAT', 'RANGE', 'NOTADB',
  'NOTICE', 'WARNING',
];

/** Extended result codes: for each primary one, the suffixes of primary + 256, + 512, … */
const EXTENDED = {
  ERROR: ['MISSING_COLLSEQ', 'RETRY', 'SNAPSHOT'],
  ABORT: [null, 'ROLLBACK'],
  BUSY: ['RECOVERY', 'SNAPSHOT', 'TIMEOUT'],
  LOCKED: ['SHAREDCACHE', 'VTAB'],
  READONLY: ['RECOVERY', 'CANTLOCK', 'ROLLBACK', 'DBMOVED', 'CANTINIT', 'DIRECTORY'],
  IOERR: [
    'READ', 'SHORT_READ', 'WRITE', 'FSYNC', 'DIR_FSYNC', 'TRUNCATE', 'FSTAT', 'UNLOCK', 'RDLOCK', 'DELETE', 'BLOCKED', 'NOMEM', 'ACCESS',
    'CHECKRESERVEDLOCK', 'LOCK', 'CLOSE', 'DIR_CLOSE', 'SHMOPEN', 'SHMSIZE', 'SHMLOCK', 'SHMMAP', 'SEEK', 'DELETE_NOENT', 'MMAP',
    'GETTEMPPATH', 'CONVPATH', 'VNODE', 'AUTH', 'BEGIN_ATOMIC', 'COMMIT_ATOMIC', 'ROLLBACK_ATOMIC', 'DATA', 'CORRUPTFS', 'IN_PAGE',
  ],
  CORRUPT: ['VTAB', 'SEQUENCE', 'INDEX'],
  CANTOPEN: ['NOTEMPDIR', 'ISDIR', 'FULLPATH', 'CONVPATH', 'DIRTYWAL', 'SYMLINK'],
  CONSTRAINT: [
    'CHECK', 'COMMITHOOK', 'FOREIGNKEY', 'FUNCTION', 'NOTNULL', 'PRIMARYKEY', 'TRIGGER', 'UNIQUE', 'VTAB', 'ROWID', 'PINNED', 'DATATYPE',
  ],
  AUTH: ['USER'],
  NOTICE: ['RECOVER_WAL', 'RECOVER_ROLLBACK', 'RBU'],
  WARNING: ['AUTOINDEX'],
};

/** What native's table does not have. */
const UNKNOWN_TO_NATIVE = new Set(['BUSY_TIMEOUT']);

/** @type {Map<number, string>} */
const names = new Map([[100, 'SQLITE_ROW'], [101, 'SQLITE_DONE'], [256, 'SQLITE_OK_LOAD_PERMANENTLY'], [512, 'SQLITE_OK_SYMLINK']]);
PRIMARY.forEach((name, code) => names.set(code, `SQLITE_${name}`));
for (const [primary, suffixes] of Object.entries(EXTENDED)) {
  suffixes.forEach((suffix, i) => {
    const name = `${primary}_${suffix}`;
    if (suffix && !UNKNOWN_TO_NATIVE.has(name)) names.set(PRIMARY.indexOf(primary) + ((i + 1) << 8), `SQLITE_${name}`);
  });
}

/** @type {Record<string, number>} numbers by name, without `SQLITE_` */
const codes = {};
for (const [code, name] of names) codes[name.slice(7)] = code;

/**
 * The name of an extended result code.
 * @param {number} code
 */
function codeName(code) {
  return names.get(code) ?? `UNKNOWN_SQLITE_ERROR_${code}`;
}

/**
 * Used until the package hands in its own class with setErrorConstructor().
 * @type {new (message: string, code: string) => Error}
 */
let SqliteError = class SqliteError extends Error {
  /** @param {string} message @param {string} code */
  constructor(message, code) {
    super(message);
    this.code = code;
  }
};

/** @param {new (message: string, code: string) => Error} constructor */
function setErrorConstructor(constructor) {
  if (typeof constructor !== 'function') throw new TypeError('Expected first argument to be a function');
  SqliteError = constructor;
}

/**
 * @param {string} message
 * @param {string | number} code an extended result code, or its name
 */
function sqliteError(message, code) {
  return new SqliteError(message, typeof code === 'number' ? codeName(code) : code);
}

module.exports = { codes, codeName, setErrorConstructor, sqliteError };
