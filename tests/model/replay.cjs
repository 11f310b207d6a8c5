'use strict';
/**
 * Runs schedules of the model (traces.py) with the engine's own locks.js,
 * lock-table.js and wal-index.js: each instance in a thread of its own, which stops
 * before each file operation until it is its turn; a read of the lock table goes in
 * three parts, as a read that others write into may. After each step the files must
 * be as the model has them, after each call the result and the mirror.
 *
 *   node replay.cjs FOLDER_OF_THE_ENGINE'S_JAVASCRIPT TRACES.json TEMPORARY_FOLDER
 *
 * A frame of the model is 16 frames here, so that the model's tail of one frame is the engine's.
 */
const fs = require('fs');
const path = require('path');
const { Worker, isMainThread, workerData, receiveMessageOnPort, MessageChannel } = require('worker_threads');

const SCALE = 16;
const NOT_USED = 99;
/** Of the shared words of a worker: what it does, at which operation, and how that is to go on. */
const STATE = 0;
const KIND = 1;
const MODE = 2;
const RUNNING = 0;
const BLOCKED = 1;
const IDLE = 2;
const KINDS = ['none', 'row', 'table', 'head', 'hdr part', 'rows part', 'word', 'hdr', 'rec 0', 'rec 1', 'clear', 'shm write', 'shm read', 'alive'];
const WHOLE = 0;
const TORN = 1;
const READ0 = 3;
const EXCLUSIVE_FLAGS = { take: 2 | 8, release: 1 | 8 };
const SHARED_FLAGS = { take: 2 | 4, release: 1 | 4 };

/** Both sides wait at one word, so that either may be woken by its own late notification. False: too long. */
function waitWhile(state, value, patience = Infinity) {
  while (Atomics.load(state, STATE) === value) if (Atomics.wait(state, STATE, value, patience) === 'timed-out') return false;
  return true;
}

function mark(value) {
  return value === NOT_USED ? -1 : value * SCALE;
}

/** Of a header, what the model has not: its second salt and its checksum. */
const UNKNOWN = new Set([9, 10, 11, 21, 22, 23]);

function withoutUnknown(header) {
  return [...header].map((word, i) => (UNKNOWN.has(i) ? 0 : word));
}

/** struct WalIndexHdr, both copies. */
function headerWords(hdr, wal2) {
  if (hdr === null) return new Array(24).fill(0);
  const [cur, mx, salt, n] = hdr;
  const one = [wal2 ? 3021000 : 3007000, wal2 ? ((cur << 31) | (mx[1] * SCALE)) | 0 : 0, n, 1, mx[0] * SCALE, 2, 0, 0, salt, 0, 0, 0];
  return [...one, ...one];
}

function wordsOf(words, wal2) {
  return wal2 ? words : [words[0] * SCALE, mark(words[1]), mark(words[2])];
}

function numbers(pages) {
  return pages.flatMap((page) => new Array(SCALE).fill(page + 1));
}

/** A thread with one instance. */
function instance({ code, shared, port }) {
  const state = new Int32Array(shared);
  let gated = false;
  let inMutex = false;
  let torn = false;

  function gate(kind) {
    if (!gated) return WHOLE;
    Atomics.store(state, KIND, KINDS.indexOf(kind));
    Atomics.store(state, STATE, BLOCKED);
    Atomics.notify(state, STATE);
    waitWhile(state, BLOCKED);
    return Atomics.load(state, MODE);
  }

  const files = new Map();
  const { openSync, readSync, writeSync, closeSync } = fs;
  fs.openSync = (name, ...how) => {
    const fd = openSync(name, ...how);
    files.set(fd, String(name).endsWith('-wasmfix') ? 'table' : String(name).endsWith('-shm') ? 'shm' : '');
    return fd;
  };
  fs.closeSync = (fd) => {
    files.delete(fd);
    closeSync(fd);
  };
  fs.readSync = (fd, to, start, length, offset) => {
    const file = files.get(fd) ?? '';
    if (file === '' || inMutex) return readSync(fd, to, start, length, offset);
    if (file === 'shm') {
      gate('shm read');
      return readSync(fd, to, start, length, offset);
    }
    const isHead = length === 272;
    torn = gate(isHead ? 'head' : 'table') === TORN;
    if (!torn) return readSync(fd, to, start, length, offset);
    readSync(fd, to, start, 92, 0);
    gate('hdr part');
    readSync(fd, to, start + 92, 272 - 92, 92);
    if (isHead) return 272;
    gate('rows part');
    return 272 + readSync(fd, to, start + 272, length - 272, 272);
  };
  fs.writeSync = (fd, from, start, length, offset) => {
    const file = files.get(fd) ?? '';
    if (file === 'shm') gate('shm write');
    else if (file === 'table') {
      if (offset >= 384) gate(length === 128 ? 'clear' : 'row');
      else if (offset === 16) gate(from[start] === 0 ? 'rec 0' : 'rec 1');
      else if (offset >= 64 && length === 4) gate('word');
      else if (offset >= 64) gate('hdr');
    }
    return writeSync(fd, from, start, length, offset);
  };

  const owner = require(path.join(code, 'owner.js'));
  const { isAlive } = owner;
  // Part of a glance (isFree), else a step of its own.
  owner.isAlive = (...of) => {
    if (!inMutex && torn) gate('alive');
    return isAlive(...of);
  };
  const mutex = require(path.join(code, 'mutex.js'));
  const { exclusively } = mutex;
  mutex.exclusively = (...of) => {
    inMutex = true;
    try {
      return exclusively(...of);
    } finally {
      inMutex = false;
    }
  };
  const { FileNodes } = require(path.join(code, 'locks.js'));

  /** What these modules use of an engine: memory, and being told of errors. */
  const memory = new ArrayBuffer(1 << 18);
  let next = 1024;
  const errors = [];
  const engine = {
    poisoned: null,
    u8: new Uint8Array(memory),
    i32: new Int32Array(memory),
    u32: new Uint32Array(memory),
    exports: { wf_malloc: (n) => (next += n) - n, wf_free: () => {} },
    fresh: () => {},
    isDead: () => false,
    stop: (message) => errors.push(message),
    vfs: { failed: (error, result) => (errors.push(error.stack), result) },
  };
  let nodes;
  let node;
  let file;
  let wal2 = false;

  function pageNumbers(wal) {
    return ((node.index.regions[wal] + (wal === 0 ? 136 : 0)) >> 2);
  }

  function setMirror({ hdr, words, pages }) {
    const { at } = node.index;
    headerWords(hdr, wal2).forEach((word, i) => {
      if (hdr === null || !UNKNOWN.has(i)) engine.i32[at + i] = word;
    });
    const [backfill, one, two] = wordsOf(words, wal2);
    engine.i32[at + 24] = backfill;
    engine.i32[at + 26] = one;
    engine.i32[at + 27] = two;
    for (const wal of wal2 ? [0, 1] : [0]) engine.i32.set(numbers(pages[wal]), pageNumbers(wal));
  }

  function getMirror() {
    const { at } = node.index;
    const { i32 } = engine;
    const read = (wal) => [...i32.subarray(pageNumbers(wal), pageNumbers(wal) + 8 * SCALE)];
    return { header: [...i32.subarray(at, at + 24)], words: [i32[at + 24], i32[at + 26], i32[at + 27]], pages: wal2 ? [read(0), read(1)] : [read(0)] };
  }

  const commands = {
    open({ name, isWal2, caching }) {
      next = 1024;
      errors.length = 0;
      wal2 = isWal2;
      engine.u8.fill(0);
      nodes = new FileNodes(engine);
      nodes.awaitEndOfTurn = () => {};
      nodes.patience = 0;
      file = { fd: openSync(name, 'r+'), name };
      node = nodes.attach(file);
      nodes.lock(node, file, 1);
      nodes.shmMap(node, file, 0, true, 0);
      if (wal2) nodes.shmMap(node, file, 1, true, 0);
      // When locks are kept is a matter of time; here the schedule says it.
      node.burst = { isOn: caching, next: () => {} };
    },
    seed({ mirror }) {
      nodes.shmLock(node, file, 0, 1, EXCLUSIVE_FLAGS.take);
      setMirror(mirror);
      if (!wal2) for (const unused of [28, 29]) engine.i32[node.index.at + unused] = -1;
      node.index.recovered = true;
      nodes.shmLock(node, file, 0, 1, EXCLUSIVE_FLAGS.release);
    },
    look() {
      node.index.refresh();
      node.table.read();
      node.table.noteOthers();
    },
    close() {
      nodes.abandon();
      closeSync(file.fd);
    },
    call({ name, slots, mirror }) {
      setMirror(mirror);
      gated = true;
      node.table.believed = [];
      let result = 0;
      const first = slots[0];
      // In wal mode the model has two read marks, the engine four.
      const count = !wal2 && slots.length === 2 && first === READ0 + 1 ? 4 : slots.length;
      if (name === 'giveBack') node.giveBack();
      else if (name === 'takeAhead') nodes.takeAhead(node);
      else if (name === 'dropAhead') nodes.dropAhead(node);
      else if (name === 'mayEmpty') result = nodes.mayEmpty(`${node.name}-wal`) ? 0 : -1;
      else if (name === 'takeShared') result = nodes.shmLock(node, file, first, 1, SHARED_FLAGS.take);
      else if (name === 'releaseShared') result = nodes.shmLock(node, file, first, 1, SHARED_FLAGS.release);
      else if (name === 'takeExclusive') result = nodes.shmLock(node, file, first, count, EXCLUSIVE_FLAGS.take);
      else if (name === 'releaseExclusive') result = nodes.shmLock(node, file, first, count, EXCLUSIVE_FLAGS.release);
      gated = false;
      return { result, mirror: getMirror() };
    },
  };

  for (;;) {
    Atomics.store(state, STATE, IDLE);
    Atomics.notify(state, STATE);
    waitWhile(state, IDLE);
    const { message } = receiveMessageOnPort(port);
    let answer;
    try {
      answer = commands[message.command](message) ?? {};
    } catch (error) {
      answer = { result: -1 };
      errors.push(error.stack);
    }
    gated = false;
    port.postMessage({ ...answer, errors: [...errors] });
  }
}

class Thread {
  constructor(code) {
    const channel = new MessageChannel();
    const shared = new SharedArrayBuffer(16);
    this.state = new Int32Array(shared);
    this.port = channel.port1;
    this.worker = new Worker(__filename, { workerData: { code, shared, port: channel.port2 }, transferList: [channel.port2] });
    this.dead = false;
  }

  /** Until it is blocked or has nothing to do. */
  settle() {
    if (!waitWhile(this.state, RUNNING, 60_000)) throw new Error('a thread does not come to rest');
    return Atomics.load(this.state, STATE);
  }

  go(mode) {
    Atomics.store(this.state, MODE, mode);
    Atomics.store(this.state, STATE, RUNNING);
    Atomics.notify(this.state, STATE);
    return this.settle();
  }

  get at() {
    return Atomics.load(this.state, STATE) === BLOCKED ? KINDS[Atomics.load(this.state, KIND)] : 'nothing';
  }

  start(message) {
    this.port.postMessage(message);
    return this.go(WHOLE);
  }

  answer() {
    return receiveMessageOnPort(this.port)?.message;
  }

  run(message) {
    this.start(message);
    const answer = this.answer();
    if (answer.errors.length > 0) throw new Error(`${message.command}: ${answer.errors[0]}`);
    return answer;
  }
}

/** Where the code must be when the model does this; '' if it has no such step. */
function placeOf(op) {
  const places = {
    write_row: ['row'], read_words: ['table', 'head'], read_hdr: ['hdr part'], read_rows: ['rows part'], is_free: ['table'],
    write_word: ['word'], write_hdr: ['hdr'], write_shm: ['shm write'], read_shm: ['shm read'], clear_rec: ['rec 0'],
  };
  if (op[0] !== 'break') return places[op[0]] ?? [];
  return { look: ['alive'], byte: ['rec 1'], row: ['clear'] }[op[3]];
}

function same(what, actual, expected) {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) throw new Error(`${what}: the code has ${JSON.stringify(actual)}, the model ${JSON.stringify(expected)}`);
}

function compareMirror({ header, words, pages }, model, wal2) {
  same('header of the mirror', withoutUnknown(header), headerWords(model.hdr, wal2));
  same('words of the mirror', words, wordsOf(model.words, wal2));
  if (model.hdr === null) return;
  for (const wal of wal2 ? [0, 1] : [0]) {
    const last = model.hdr[1][wal];
    same(`page numbers of WAL ${wal} in the mirror`, pages[wal].slice(0, last * SCALE), numbers(model.pages[wal].slice(0, last)));
  }
}

function compareFiles(name, model, wal2) {
  const table = fs.readFileSync(`${name}-wasmfix`);
  const words = new Int32Array(table.buffer.slice(table.byteOffset, table.byteOffset + 384));
  same('recovery byte', table[16] !== 0, model.rec);
  same('words', [words[16], words[18], words[19]], wordsOf(model.words, wal2));
  same('recoveries', words[23], model.recoveries);
  same('header', withoutUnknown(words.subarray(44, 68)), headerWords(model.hdr, wal2));
  model.rows.forEach((slots, i) => {
    const row = [...table.subarray(384 + 128 * i, 384 + 128 * i + 10)];
    // In wal mode the model has two read marks, the engine four.
    const read = wal2 ? row.slice(3, 8) : [...row.slice(3, 6), 0, 0];
    same(`row ${i}`, [...row.slice(0, 3), ...read, row[9], row[8]].join(''), slots);
  });
  if (model.hdr === null) return;
  const shm = fs.readFileSync(`${name}-shm`);
  const [from, pages] = model.tail;
  same('tail', [words[25], words[26]], [from * SCALE, pages.length * SCALE]);
  same('pages of the tail', [...words.subarray(28, 28 + pages.length * SCALE)], numbers(pages));
  for (const wal of wal2 ? [0, 1] : [0]) {
    const count = wal === model.hdr[0] ? from : model.hdr[1][wal];
    const at = wal * 16384 + (wal === 0 ? 136 : 0);
    const actual = [...new Int32Array(shm.buffer.slice(shm.byteOffset + at, shm.byteOffset + at + 4 * SCALE * count))];
    same(`page numbers of WAL ${wal}`, actual, numbers(model.shm[wal].slice(0, count)));
  }
}

function events(thread, step, wal2) {
  for (const [kind, ...of] of step.events) {
    if (kind === 'call') {
      const [name, slots, mirror] = of;
      thread.start({ command: 'call', name, slots, mirror });
      continue;
    }
    const [granted, mirror] = of;
    if (thread.at !== 'nothing') throw new Error(`the model's call is over, the code's is at: ${thread.at}`);
    const answer = thread.answer();
    if (answer.errors.length > 0) throw new Error(answer.errors[0]);
    same('result', answer.result, granted ? 0 : 5);
    compareMirror(answer.mirror, mirror, wal2);
  }
}

async function replay(trace, threads, name, code) {
  const { wal2 } = trace;
  fs.writeFileSync(name, 'x');
  for (let i = 0; i < trace.count; i++) {
    if (threads[i] === undefined || threads[i].dead) {
      threads[i] = new Thread(code);
      threads[i].settle();
    }
    threads[i].run({ command: 'open', name, isWal2: wal2, caching: trace.caching.includes(i) });
  }
  const { hdr, words, shm } = trace.first;
  threads[0].run({ command: 'seed', mirror: { hdr, words, pages: shm } });
  for (let i = 0; i < trace.count; i++) threads[i].run({ command: 'look' });
  compareFiles(name, trace.first, wal2);
  let done = 0;
  try {
    for (const step of trace.steps) {
      const thread = threads[step.who];
      if (step.op[0] === 'crash') {
        thread.dead = true;
        await thread.worker.terminate();
      } else {
        const places = placeOf(step.op);
        // Whoever waits for the mutex, or finds that a row has been broken already, does nothing.
        const isIdle = step.op[0] === 'break' && (step.answer === null && step.op[3] === 'look' || step.op[3] !== 'look' && !places.includes(thread.at));
        if (places.length > 0 && !isIdle) {
          if (!places.includes(thread.at)) throw new Error(`the model is at ${places}, the code at: ${thread.at}`);
          thread.go(step.op[0] === 'read_words' ? TORN : WHOLE);
        }
        events(thread, step, wal2);
        if (step.files) compareFiles(name, step.files, wal2);
      }
      done++;
    }
  } catch (error) {
    const near = trace.steps.slice(Math.max(0, done - 25), done + 1).map((s) => `${s.who}: ${JSON.stringify(s.op)} -> ${JSON.stringify(s.answer)} ${JSON.stringify(s.events.map((e) => e.slice(0, 3)))}`);
    return { title: trace.title, step: done, error: error.message, near };
  }
  for (let i = 0; i < trace.count; i++) if (!threads[i].dead && threads[i].at === 'nothing') threads[i].run({ command: 'close' });
  for (const end of ['', '-shm', '-wasmfix', '-wasmfix-lock']) fs.rmSync(name + end, { force: true });
  return null;
}

async function main() {
  const [code, traces, folder] = process.argv.slice(2);
  const threads = [];
  const failures = [];
  const report = { traces: 0, steps: 0, kills: 0, failures };
  let n = 0;
  for (const line of fs.readFileSync(traces, 'utf8').split('\n').filter(Boolean)) {
    const trace = JSON.parse(line);
    const failure = await replay(trace, threads, path.join(folder, `${n++}.db`), code);
    report.traces++;
    report.steps += trace.steps.length;
    report.kills += trace.steps.filter((step) => step.op[0] === 'crash').length;
    if (failure === null) continue;
    failures.push(failure);
    if (failures.length >= 5) break;
    for (const thread of threads) {
      thread.dead = true;
      await thread.worker.terminate();
    }
  }
  for (const thread of threads) await thread.worker.terminate();
  return report;
}

if (isMainThread) {
  main().then((report) => console.log(JSON.stringify(report)));
} else {
  instance(workerData);
}
