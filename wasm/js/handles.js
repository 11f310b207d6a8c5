'use strict';
/**
 * The sqlite3_stmt handles, and what becomes of the forgotten ones.
 *
 * Native frees a statement when its JavaScript object is collected. Here a
 * FinalizationRegistry does that, but its callbacks never run inside a
 * synchronous loop. So the handles have a budget: beyond it, those that were not
 * used for longest are finalized, and prepared again if somebody uses them after
 * all. A handle that holds something which cannot be made again (bindings, a
 * position) stays. A pragma's statement, and explain()'s, is finalized right after
 * it has run, since nobody can hold it.
 *
 * What this changes for the user: SQLITE_SCANSTAT counters of a statement start
 * again when it was finalized, as they do when SQLite prepares it again.
 */

/** Bytes of statements that are kept, by SQLite's own estimate. */
const BUDGET = 16 * 1024 * 1024;
/** A sweep goes on until this part of the budget is used. */
const LOW_WATER = 0.75 * BUDGET;

/** @typedef {import('./database').DatabaseState} DatabaseState */

class Handle {
  /** @param {DatabaseState} db */
  constructor(db) {
    this.db = db;
    this.stmt = 0;
    this.bytes = 0;
    /** Since the last sweep. */
    this.used = true;
    /** Has bindings of its own. */
    this.pinned = false;
    /** Is being iterated. */
    this.locked = false;
    /** Whether the registry watches the statement. */
    this.watched = false;
  }
}

class Handles {
  /** @param {import('./engine').Engine} engine */
  constructor(engine) {
    this.engine = engine;
    /** @type {Set<Handle>} oldest first */
    this.all = new Set();
    this.bytes = 0;
    this.registry = new FinalizationRegistry((/** @type {Handle} */ handle) => this.release(handle));
    /** @type {Handle | null} the last of those that nobody can hold, if it has not run */
    this.brief = null;
  }

  /** @param {DatabaseState} db */
  add(db) {
    return new Handle(db);
  }

  /** @param {Handle} handle @param {number} stmt */
  hold(handle, stmt) {
    handle.stmt = stmt;
    handle.bytes = this.engine.exports.wf_statement_bytes(stmt);
    this.bytes += handle.bytes;
    this.all.add(handle);
    if (this.bytes > BUDGET) this.sweep(handle);
  }

  /**
   * @param {object} statement
   * @param {import('./statement').StatementState} state
   */
  watch(statement, state) {
    const { handle } = state;
    if (state.brief) {
      if (this.brief !== null) this.release(this.brief);
      this.brief = handle;
      return;
    }
    handle.watched = true;
    this.registry.register(statement, handle, handle);
  }

  /** Finalizes. @param {Handle} handle */
  release(handle) {
    if (this.brief === handle) this.brief = null;
    if (handle.stmt === 0) return;
    const { stmt } = handle;
    this.remove(handle);
    if (handle.db.open && !this.engine.isDead()) this.engine.call('wf_finalize', stmt);
  }

  /** Forgets, without finalizing. @param {Handle} handle */
  remove(handle) {
    if (!this.all.delete(handle)) return;
    this.bytes -= handle.bytes;
    handle.stmt = 0;
    if (handle.watched) {
      handle.watched = false;
      this.registry.unregister(handle);
    }
  }

  /** Second chance: what was used since the last sweep goes to the end once. @param {Handle} newest */
  sweep(newest) {
    let rest = this.all.size * 2;
    for (const handle of this.all) {
      if (rest-- <= 0 || this.bytes <= LOW_WATER) return;
      if (handle === newest || handle.pinned || handle.locked || handle.db.busy) continue;
      if (handle.used) {
        handle.used = false;
        this.all.delete(handle);
        this.all.add(handle);
      } else {
        this.release(handle);
      }
    }
  }

  /** Finalizes all of a connection that is about to close. @param {DatabaseState} db */
  releaseAll(db) {
    for (const handle of this.all) if (handle.db === db) this.release(handle);
  }
}

module.exports = { Handles, Handle };
