'use strict';
/** Online backups: a few pages at a time, and everybody else's turn between. */
const fs = require('fs');
const path = require('path');
const { RAW, requireString, optionsOf, attachedOption } = require('./arguments');

/** Pages a step, unless the progress callback says otherwise. The first step is of none: it only counts. */
const PAGES = 100;
const MAX_PAGES = 0x7fffffff;

/** @typedef {{ totalPages: number, remainingPages: number }} Progress */
/** @typedef {{ transfer(pages: number): Progress, close(): void }} Transfer */

/**
 * @this {any}
 * @param {unknown} filename
 * @param {unknown} options
 */
async function backup(filename, options) {
  requireString(filename, 'first');
  const settings = optionsOf(options, 'second');
  const file = filename.trim();
  const progress = 'progress' in settings ? settings.progress : null;
  if (file === '') throw new TypeError('Backup filename cannot be an empty string');
  if (file === ':memory:') throw new TypeError('Invalid backup filename ":memory:"');
  const attached = attachedOption(settings);
  if (progress != null && typeof progress !== 'function') throw new TypeError('Expected the "progress" option to be a function');
  if (!(await exists(path.dirname(file)))) throw new TypeError('Cannot save backup because the directory does not exist');
  const isNew = !(await exists(file));
  return finish(this[RAW].backup(this, attached, file, isNew), progress || null);
}

/** @param {string} file */
function exists(file) {
  return fs.promises.access(file).then(() => true, () => false);
}

/**
 * @param {Transfer} transfer
 * @param {((progress: Progress) => unknown) | null} handler
 * @returns {Promise<Progress>}
 */
async function finish(transfer, handler) {
  try {
    for (let pages = 0, first = true; ; first = false) {
      await new Promise(setImmediate);
      const progress = transfer.transfer(pages);
      if (progress.remainingPages === 0) return progress;
      if (first) pages = PAGES;
      if (handler !== null) pages = pagesOf(handler(progress), pages);
    }
  } finally {
    transfer.close();
  }
}

/** @param {unknown} answer of the progress callback @param {number} pages as before */
function pagesOf(answer, pages) {
  if (answer === undefined) return pages;
  if (typeof answer !== 'number' || Number.isNaN(answer)) throw new TypeError('Expected progress callback to return a number or undefined');
  return Math.max(0, Math.min(MAX_PAGES, Math.round(answer)));
}

module.exports = backup;
