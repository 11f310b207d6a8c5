// The rows of the demo's replica: made up, but the same on every machine and every run.

import {inForeignKeyOrder} from './schema.mjs';

const PEOPLE = 'Aino Bjørn Chloé Dmitri Eun-ji Fatima Gül Håkon İpek Jörg Krzysztof Łukasz Mária Ngozi Ólafur Priya'.split(' ');
const FAMILIES = 'Ångström Becker Çelik Duarte Élysée Fjeld Grün Hernández Ito Jansen Kovács Lindqvist Müller Ñañez'.split(' ');
const WORDS = (
  'replica poke syncer cursor ledger harbor lantern orchid quartz meadow signal timber velvet winter copper ' +
  'mañana straße naïve Ελλάδα дорога 東京 café fjörð'
).split(' ');
const EMOJI = ['👍', '🎉', '❤️', '👩‍💻', '🇳🇴', '🫶🏽'];
const NOON = Date.UTC(2026, 10, 23, 12);
const DAY = 86_400_000;

/** Mulberry32: a small generator of even numbers in [0, 1), enough for made-up rows. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One maker a kind of value. They give what PostgreSQL would send, in JavaScript's types. */
function makers(random) {
  const below = n => Math.floor(random() * n);
  const pick = list => list[below(list.length)];
  const words = n => Array.from({length: n}, () => pick(WORDS)).join(' ');
  return {
    pick,
    below,
    title: () => words(2 + below(4)),
    word: () => `${pick(WORDS)}-${below(1000)}`,
    text: () => words(4 + below(40)),
    person: () => `${pick(PEOPLE)} ${pick(FAMILIES)}`,
    email: () => `${below(1e6)}@example.com`,
    emoji: () => pick(EMOJI),
    int: () => below(100),
    big: () => Number.MAX_SAFE_INTEGER - below(1e9),
    real: () => Math.round(random() * 1e6) / 1e4 + 0.25,
    time: () => NOON - below(90 * DAY) + 0.5 * below(2),
    flag: () => random() < 0.4,
    json: () => ({tags: [pick(WORDS), pick(WORDS)], depth: {n: below(9), none: null}}),
  };
}

/**
 * Every row of every table, parents first.
 *
 * @param {number} seed
 * @returns {Generator<{table: import('./schema.mjs').Table, values: unknown[]}>}
 */
export function* rows(seed = 42) {
  const make = makers(generator(seed));
  const ids = new Map();
  for (const table of inForeignKeyOrder()) {
    const own = [];
    ids.set(table.name, own);
    for (let number = 0; number < table.rows; number++) {
      const id = `${table.name}-${String(number).padStart(4, '0')}`;
      own.push(id);
      const values = table.columns.map(({kind, nullable, target, choices}) => {
        if (kind === 'id') return id;
        if (nullable && make.below(4) === 0) return null;
        if (target) return make.pick(ids.get(target));
        if (choices) return make.pick(choices);
        return make[kind]();
      });
      yield {table, values};
    }
  }
}
