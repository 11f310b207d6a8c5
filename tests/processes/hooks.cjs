'use strict';
/**
 * What tests do to the engine from outside: stop it at a file operation, or let
 * one fail. The product has no such thing.
 */
const fs = require('fs');

const { placesOf } = require('./layout.cjs');

/** Of the index's words. */
const BACKFILL = 0;
const HEADER = 28;
const HEADER_WORDS = 24;
/** Where the mirror has nBackfill. */
const BACKFILL_AT = 24;

/** Whether a publish is due that changes the header and sets nBackfill to 0. @param {any} index */
function restarts(index) {
  if (!index.isShared) return false;
  const { at, shadow } = index;
  const { i32 } = index.engine;
  if (i32[at + BACKFILL_AT] !== 0 || shadow[BACKFILL] === 0) return false;
  for (let i = 0; i < HEADER_WORDS; i++) if (i32[at + i] !== shadow[HEADER + i]) return true;
  return false;
}

/**
 * Watches file operations. `pause(point)` is called at those asked for.
 * @param {string} pkg
 * @param {(point: string) => void} pause
 */
function watch(pkg, pause) {
  const { readSync, writeSync } = fs;
  /** @type {{ event: string, file: string, part?: string, skip: number, act: () => void }[]} */
  let waiting = [];
  const { WalIndex } = require(`${pkg}/wasmfix/wal-index.js`);

  function at(event, fd, offset) {
    if (waiting.length === 0) return;
    const places = placesOf(pkg, event, fd, offset);
    const isThere = (one) => places.some(({ name, part }) => one.file === name && (!one.part || one.part === part));
    const found = waiting.find((one) => one.event === event && isThere(one));
    if (!found || found.skip-- > 0) return;
    waiting = waiting.filter((one) => one !== found);
    found.act();
  }

  fs.writeSync = (fd, from, start, length, offset) => {
    at('write', fd, offset);
    return writeSync(fd, from, start, length, offset);
  };
  fs.readSync = (fd, to, start, length, offset) => {
    const n = readSync(fd, to, start, length, offset);
    at('read', fd, offset);
    return n;
  };
  return {
    /** Pauses before a write, after a read. */
    pause: ({ event, file, part, skip = 0 }) => {
      waiting.push({ event, file, part, skip, act: () => pause(`${event} ${file} ${part ?? ''}`.trim()) });
    },
    /** A write fails; with the code RangeError, as on a full stack. */
    fail: ({ event = 'write', file, part, skip = 0, code = 'ENOSPC' }) => {
      const act = () => {
        if (code === 'RangeError') throw new RangeError('Maximum call stack size exceeded');
        throw Object.assign(new Error(`${code}: made by the test`), { code, errno: -28 });
      };
      waiting.push({ event, file, part, skip, act });
    },
    /** What has not come to pass will not. */
    forget: () => {
      waiting = [];
    },
    /** Pauses before a write in the midst of a publish. */
    publish: ({ skip = 0 }) => {
      const { publish } = WalIndex.prototype;
      WalIndex.prototype.publish = function (...how) {
        const plain = fs.writeSync;
        fs.writeSync = (...write) => {
          if (skip-- === 0) {
            WalIndex.prototype.publish = publish;
            pause('publish');
          }
          return plain(...write);
        };
        try {
          return publish.apply(this, how);
        } finally {
          fs.writeSync = plain;
        }
      };
    },
    /** Pauses between header and words, in the first publish of both that sets nBackfill to 0; in whichever order they go. */
    between: () => {
      const { publish } = WalIndex.prototype;
      WalIndex.prototype.publish = function () {
        if (restarts(this)) {
          WalIndex.prototype.publish = publish;
          const plain = fs.writeSync;
          let first;
          fs.writeSync = (fd, from, start, length, offset) => {
            const [{ name, part } = {}] = placesOf(pkg, 'write', fd, offset);
            if (name === 'index' && part !== 'pages') {
              first ??= part;
              if (part !== first) {
                fs.writeSync = plain;
                pause('between');
              }
            }
            return plain(fd, from, start, length, offset);
          };
        }
        return publish.call(this);
      };
    },
  };
}

module.exports = { watch };
