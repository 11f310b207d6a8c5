'use strict';
/** Online backups (backup.cpp). */
const fs = require('fs');
const { sqliteError } = require('./errors');
const checks = require('./checks');

const OK = 0;
const BUSY = 5;
const DONE = 101;

class BackupState {
  /**
   * @param {import('./database').DatabaseState} db
   * @param {string} name of the attached database
   * @param {number} target connection to the file
   * @param {boolean} isNew the file did not exist, so it goes if the backup is not finished
   */
  constructor(db, name, target, isNew) {
    const { engine } = db;
    this.db = db;
    this.engine = engine;
    this.target = target;
    this.unlink = isNew;
    this.alive = true;
    this.file = engine.cString(engine.call('wf_filename', target));
    this.pointer = engine.withText(name, (at) => engine.call('wf_backup_new', target, db.pointer, at));
    if (this.pointer === 0) {
      const error = sqliteError(engine.cString(engine.call('wf_error_message', target)), engine.call('wf_error_code', target));
      engine.call('wf_close', target);
      throw error;
    }
    db.backups.add(this);
  }

  close() {
    if (!this.alive) return;
    this.alive = false;
    this.db.backups.delete(this);
    if (this.engine.isDead()) return;
    this.engine.call('wf_backup_finish', this.pointer);
    this.engine.call('wf_close', this.target);
    if (!this.unlink) return;
    try {
      fs.unlinkSync(this.file);
    } catch {
      // As native: whatever is there now, the connection has to be closed all the same.
    }
  }
}

/** @type {BackupState | null} */
let birth = null;

const forgotten = new FinalizationRegistry((/** @type {BackupState} */ state) => state.close());

class Backup {
  #state;

  constructor() {
    if (birth === null) throw new TypeError('Disabled constructor');
    this.#state = birth;
    birth = null;
    forgotten.register(this, this.#state);
  }

  /** @param {unknown} object */
  static #of(object) {
    if (typeof object !== 'object' || object === null || !(#state in object)) throw new TypeError('Illegal invocation');
    return object.#state;
  }

  /** @param {...unknown} args pages, -1 for all */
  transfer(...args) {
    const s = Backup.#of(this);
    const { engine } = s;
    checks.requireArguments(args, 'int32');
    checks.requireOpen(s.db);
    checks.requireNotBusy(s.db);
    if (!s.alive) throw new TypeError('The backup is closed');
    const buf = engine.buffer();
    const code = engine.call('wf_backup_step', s.pointer, /** @type {number} */ (args[0]), buf) & 0xff;
    if (code !== OK && code !== DONE && code !== BUSY) throw sqliteError(engine.cString(engine.call('wf_error_string', code)), code);
    if (code === DONE) s.unlink = false;
    return { totalPages: engine.i32[(buf >> 2) + 6], remainingPages: engine.i32[(buf >> 2) + 7] };
  }

  close() {
    Backup.#of(this).close();
    return this;
  }
}
checks.makeEnumerable(Backup);

/**
 * Database::JS_backup.
 * @param {import('./database').DatabaseState} db
 * @param {object} database what backup.database is
 * @param {string} name
 * @param {() => number} openTarget
 * @param {boolean} isNew
 */
function backup(db, database, name, openTarget, isNew) {
  birth = new BackupState(db, name, openTarget(), isNew);
  const object = new Backup();
  Object.defineProperty(object, 'database', checks.frozen(database));
  return object;
}

module.exports = { Backup, BackupState, backup };
