'use strict';
/** Times of a workload: the median of BENCH_ROUNDS after WARMUP rounds, one JSON line each. */
const { performance } = require('perf_hooks');

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7);
const WARMUP = 2;

/** @param {string} name @param {() => unknown} body @param {() => void} [before] */
function measure(name, body, before) {
  const times = [];
  for (let round = 0; round < WARMUP + ROUNDS; round++) {
    before?.();
    const start = performance.now();
    body();
    if (round >= WARMUP) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({ workload: name, ms: times[times.length >> 1], min: times[0] }));
}

module.exports = { measure };
