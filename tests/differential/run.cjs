'use strict';
/**
 * Runs claims against one driver and prints what it answered, a line of JSON per claim.
 *
 *   node run.cjs --list
 *   node run.cjs <package folder> <area> [claim]...
 *
 * The same claims run on the native driver and on the engine; Python compares the lines. A claim that
 * takes the whole process down costs only its own line: the claims before it are printed already.
 */
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { tag } = require('./tag.cjs');

/**
 * @typedef {Record<string, (Database: any, dir: string, log: Log) => unknown>} Claims
 * @typedef {{type: string, [key: string]: unknown} | unknown} Tagged
 */

/** What a claim writes its observations to. */
class Observer {
  /** @param {string} packageDir @param {string} dir */
  constructor(packageDir, dir) {
    this.packageDir = packageDir;
    this.dir = dir;
    /** @type {[string, unknown][]} */
    this.observations = [];
  }

  /** @param {string} label @param {unknown} value */
  see(label, value) {
    this.observations.push([label, tag(value, this.dir)]);
  }

  /** A floating point result of libm, of which the last digits may differ. @param {string} label @param {unknown} value */
  near(label, value) {
    this.observations.push([label, { near: tag(value, this.dir) }]);
  }

  /** Runs `fn` and notes what it returned or threw. @template T @param {string} label @param {() => T} fn @returns {T | undefined} */
  call(label, fn) {
    let value;
    try {
      value = fn();
    } catch (error) {
      this.observations.push([label, { threw: tag(error, this.dir) }]);
      return undefined;
    }
    this.observations.push([label, { returned: tag(value, this.dir) }]);
    return value;
  }

  /** As `call`, for a promise. @param {string} label @param {() => Promise<unknown>} fn */
  async settle(label, fn) {
    try {
      this.observations.push([label, { resolved: tag(await fn(), this.dir) }]);
    } catch (error) {
      this.observations.push([label, { rejected: tag(error, this.dir) }]);
    }
  }

  /**
   * Runs `body(Database, dir, see)` in a Node process of its own and notes what it saw and how it ended.
   * @param {string} label
   * @param {(Database: any, dir: string, see: (value: unknown) => void) => void} body is sent as source: it closes over nothing
   * @param {{env?: Record<string, string>, flags?: string[]}} [options]
   */
  async child(label, body, { env = {}, flags = [] } = {}) {
    const source = `
      const { tag } = require(${JSON.stringify(path.join(__dirname, 'tag.cjs'))});
      const dir = ${JSON.stringify(this.dir)};
      const see = (value) => require('fs').writeSync(1, JSON.stringify(tag(value, dir)) + '\\n');
      (${body})(require(${JSON.stringify(this.packageDir)}), dir, see);`;
    const options = { env: { ...process.env, ...env }, timeout: 60_000, maxBuffer: 1 << 26 };
    /** @type {{code: unknown, signal: unknown, stdout: string, stderr: string}} */
    const ended = await new Promise((resolve) => {
      execFile(process.execPath, [...flags, '-e', source], options, (error, stdout, stderr) => {
        const failed = /** @type {any} */ (error);
        resolve({ code: failed ? failed.code : 0, signal: failed ? failed.signal : null, stdout, stderr });
      });
    });
    const seen = ended.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
    this.observations.push([label, { exit: ended.code, signal: ended.signal, seen }]);
    return { ...ended, seen };
  }
}

/** @typedef {Observer['see'] & Pick<Observer, 'near' | 'call' | 'settle' | 'child' | 'packageDir'>} Log */

/** @param {Observer} observer @returns {Log} */
function logOf(observer) {
  const log = observer.see.bind(observer);
  return /** @type {any} */ (Object.assign(log, {
    near: observer.near.bind(observer),
    call: observer.call.bind(observer),
    settle: observer.settle.bind(observer),
    child: observer.child.bind(observer),
    packageDir: observer.packageDir,
  }));
}

/** @returns {Record<string, string>} the file of each area */
function areas() {
  /** @type {Record<string, string>} */
  const files = {};
  for (const folder of ['claims', 'claims13', 'engine']) {
    for (const name of fs.readdirSync(path.join(__dirname, folder)).sort()) {
      if (name.endsWith('.cjs')) files[`${folder}/${path.basename(name, '.cjs')}`] = path.join(__dirname, folder, name);
    }
  }
  return files;
}

/** @param {any} Database @param {string} packageDir @param {string} name @param {Claims[string]} claim */
async function runClaim(Database, packageDir, name, claim) {
  const dir = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'claim-'));
  const observer = new Observer(packageDir, dir);
  let failure = null;
  try {
    await claim(Database, dir, logOf(observer));
    if (!observer.observations.length) throw new Error('a claim must observe something');
  } catch (error) {
    failure = String(/** @type {any} */ (error).stack).split(dir).join('<dir>');
  }
  fs.writeSync(1, `${JSON.stringify({ claim: name, observations: observer.observations, failure })}\n`);
  fs.rmSync(dir, { recursive: true, force: true });
}

/** @param {string[]} args */
async function main(args) {
  const files = areas();
  if (args[0] === '--list') {
    const listed = Object.entries(files).map(([area, file]) => [area, Object.keys(require(file))]);
    process.stdout.write(`${JSON.stringify(Object.fromEntries(listed))}\n`);
    return;
  }
  const [packageDir, area, ...wanted] = args;
  if (!packageDir || !area || !files[area]) throw new Error('usage: run.cjs --list | run.cjs <package folder> <area> [claim]...');
  const root = path.resolve(packageDir);
  const Database = require(root);
  /** @type {Claims} */
  const claims = require(files[area]);
  for (const [name, claim] of Object.entries(claims)) {
    if (!wanted.length || wanted.includes(name)) await runClaim(Database, root, name, claim);
  }
}

main(process.argv.slice(2));
