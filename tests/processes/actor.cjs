'use strict';
/**
 * A process that does what its driver says:
 * one line of JSON in, one line of JSON out. All of it is synchronous, so that a
 * hook can stop in the middle of a system call of the engine and wait for a line.
 *
 *   node actor.cjs PACKAGE
 */
const fs = require('fs');

const { watch } = require('./hooks.cjs');
const { without } = require('./without.cjs');

const pkg = process.argv[2];
let rest = '';

function readLine() {
  const chunk = Buffer.alloc(65536);
  while (!rest.includes('\n')) {
    const n = fs.readSync(0, chunk, 0, chunk.length, null);
    if (n === 0) process.exit(0);
    rest += chunk.toString('utf8', 0, n);
  }
  const end = rest.indexOf('\n');
  const line = rest.slice(0, end);
  rest = rest.slice(end + 1);
  return JSON.parse(line);
}

const { writeSync } = fs;

function say(message) {
  const line = `${JSON.stringify(message)}\n`;
  writeSync(1, line);
}

const warnings = [];
process.emitWarning = (text, options) => warnings.push({ text: String(text), code: options?.code });

const connections = new Map();
let hooks = null;

const does = {
  open({ name = 'db', file, options = {} }) {
    const Database = require(pkg);
    connections.set(name, new Database(file, { timeout: 0, ...options }));
  },
  exec: ({ name = 'db', sql }) => void connections.get(name).exec(sql),
  value: ({ name = 'db', sql }) => connections.get(name).prepare(sql).pluck().get(),
  pragma: ({ name = 'db', sql }) => connections.get(name).pragma(sql, { simple: true }),
  close({ name = 'db' }) {
    connections.get(name).close();
    connections.delete(name);
  },
  load: () => void require(pkg),
  become: ({ uid }) => void (process.setgid(uid), process.setuid(uid)),
  chdir: ({ folder }) => process.chdir(folder),
  cpu() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  },
  clock({ ahead }) {
    const { now } = Date;
    Date.now = () => now() + ahead;
  },
  warnings: () => warnings,
  without: ({ rules }) => without(pkg, rules),
  hook({ kind, ...how }) {
    hooks ??= watch(pkg, (point) => {
      say({ paused: point });
      readLine();
    });
    hooks[kind](how);
  },
};

for (;;) {
  const { op, ...args } = readLine();
  try {
    say({ value: does[op](args) ?? null });
  } catch (error) {
    say({ error: error.code ?? error.name, message: error.message });
  }
}
