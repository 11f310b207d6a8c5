// A Zero client in a process of its own, told what to do by lines of JSON on stdin, answering each with one on stdout.
//
//   node client.mjs SERVER DATABASE_URL               one client
//   node client.mjs SERVER DATABASE_URL TASK COUNT    one for each of the COUNT syncers of zero-cache's task TASK

import {createHash} from 'node:crypto';
import {createRequire} from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import {pathToFileURL} from 'node:url';
import {api, applicationSchema, queries, schema} from './schema.mjs';
import {CHANGES, steadyChange} from './changes.mjs';

const [server, database, task, count = '1'] = process.argv.slice(2);
const zeroPackage = path.join(process.env.ZERO_PROJECT, 'node_modules', '@rocicorp', 'zero', 'package.json');
const postgres = createRequire(zeroPackage)('postgres');
const {h32} = await import(pathToFileURL(path.join(path.dirname(zeroPackage), 'out', 'shared', 'src', 'hash.js')).href);
const sql = postgres(database, {max: 2, onnotice() {}});

/** Milliseconds, that no machine takes, however busy. A change that takes longer counts as not seen. */
const PATIENCE = 60_000;
const HYDRATION_PATIENCE = 180_000;

/** @type {{zero: any, views: Record<string, any>}[]} */
const clients = [];

let users = 0;

/** A client with a memory and a client group of its own. @param {any} clientSchema */
function newZero(clientSchema) {
  return new api.Zero({
    server,
    // Clients of one user in one process would share their memory.
    userID: `user-${users++}`,
    schema: clientSchema,
    kvStore: 'mem',
    logLevel: process.env.CLIENT_LOG ?? 'error',
    // It also complains of what the test does on purpose: the server goes away.
    logSink: {log: (level, _context, ...args) => process.env.CLIENT_LOG && console.error(level, ...args)},
  });
}

/** A client whose group goes to a syncer, as zero-cache's dispatcher deals them out. */
async function newZeroFor(syncer) {
  for (;;) {
    const zero = newZero(schema);
    if (h32(`${task}/${await zero.clientGroupID}`) % Number(count) === syncer) return zero;
    await zero.close();
  }
}

/** Resolves once `check` is true, which is tried on every change of the views. @returns whether it came true in time */
function until(views, check, patience = PATIENCE) {
  return new Promise(resolve => {
    if (check()) return resolve(true);
    const finish = seen => {
      clearTimeout(timer);
      removers.forEach(remove => remove());
      resolve(seen);
    };
    const timer = setTimeout(finish, patience, false);
    // addListener calls back at once, too, when not all are there to be removed.
    let listening = false;
    const look = () => listening && check() && finish(true);
    const removers = views.map(view => view.addListener(look));
    listening = true;
  });
}

/** Materializes the queries and waits until the server has answered all of them. */
async function hydrate(zero, asked) {
  const views = {};
  const complete = new Set();
  for (const [name, query] of Object.entries(asked)) {
    views[name] = zero.materialize(query);
    views[name].addListener((_data, state) => state === 'complete' && complete.add(name));
  }
  const all = () => complete.size === Object.keys(asked).length;
  const done = await until(Object.values(views), all, HYDRATION_PATIENCE);
  if (!done) throw new Error(`not hydrated: ${Object.keys(asked).filter(name => !complete.has(name))}`);
  return views;
}

/** The rows with their columns in alphabetical order. */
function canonical(value) {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort().map(key => [key, canonical(value[key])]));
}

function answers({views}) {
  return Object.fromEntries(
    Object.entries(views).map(([name, {data}]) => {
      const text = JSON.stringify(canonical(data)) ?? '';
      const rows = Array.isArray(data) ? data.length : Number(data !== undefined);
      return [name, {rows, digest: createHash('sha256').update(text).digest('hex').slice(0, 16)}];
    }),
  );
}

const clone = views => Object.fromEntries(Object.entries(views).map(([name, {data}]) => [name, data]));

/** Changes rows upstream; how long until the first client's views show it. */
async function follow(change) {
  const [{views}] = clients;
  const start = performance.now();
  await change.write(sql);
  const seen = await until(Object.values(views), () => change.seen(clone(views)));
  return {seen, ms: performance.now() - start};
}

const COMMANDS = {
  names() {
    return {names: Object.keys(CHANGES)};
  },

  async hydrate() {
    const start = performance.now();
    for (let i = 0; i < Number(count); i++) {
      clients.push({zero: task === undefined ? newZero(schema) : await newZeroFor(i), views: {}});
    }
    await Promise.all(
      clients.map(async one => {
        one.views = await hydrate(one.zero, queries(one.zero.query));
      }),
    );
    return {ms: performance.now() - start, answers: clients.map(answers)};
  },

  /** Waits until all clients have seen everything that was committed so far. */
  async settle({step}) {
    await sql`UPDATE progress SET step = ${step} WHERE id = 'main'`;
    const at = ({views}) => views.progress.data[0]?.step >= step;
    const seen = await Promise.all(clients.map(one => until([one.views.progress], () => at(one), HYDRATION_PATIENCE)));
    return {seen: seen.every(Boolean), answers: clients.map(answers)};
  },

  live({name}) {
    return follow(CHANGES[name]);
  },

  change({number}) {
    return follow(steadyChange(number));
  },

  /** Changes rows through Zero: the server checks permissions on the replica, in a transaction that it rolls back. */
  async mutate() {
    const {zero} = clients.at(-1);
    await zero.mutate.issue.update({id: 'i00777', title: 'Changed by a client'});
    await zero.mutate.comment.insert({id: 'cx', issue: 'i00777', author: 'p07', body: 'needle', created: 1767225600000});
    await zero.mutate.comment.delete({id: 'c00111'});
    const deadline = performance.now() + PATIENCE;
    const arrived = () => sql`SELECT 1 FROM comment WHERE id = 'cx' AND NOT EXISTS (SELECT 1 FROM comment WHERE id = 'c00111')`;
    while ((await arrived()).length === 0) {
      if (performance.now() > deadline) throw new Error('the mutations have not arrived upstream');
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    return {};
  },

  /** The next version of the application: it knows a column that the table has got in the meantime. */
  async upgrade({column}) {
    const zero = newZero(applicationSchema({[column]: api.number().optional()}));
    const asked = {...queries(zero.query), added: zero.query.issue.where(column, '>', 0).orderBy(column, 'desc')};
    clients.push({zero, views: await hydrate(zero, asked)});
    return {answers: answers(clients.at(-1))};
  },

  async close() {
    await Promise.all(clients.map(({zero}) => zero.close()));
    await sql.end();
    return {};
  },
};

for await (const line of readline.createInterface({input: process.stdin})) {
  const {command, ...rest} = JSON.parse(line);
  let reply;
  try {
    reply = await COMMANDS[command](rest);
  } catch (error) {
    reply = {error: error.stack ?? String(error)};
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
  if (command === 'close') process.exit();
}
