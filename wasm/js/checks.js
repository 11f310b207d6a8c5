'use strict';
/** What the addon checks at the door, with its messages (macros.cpp). */

const ORDINALS = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth'];

/** @type {Record<string, [string, (value: unknown) => boolean]>} */
const KINDS = {
  string: ['a string', (value) => typeof value === 'string'],
  boolean: ['a boolean', (value) => typeof value === 'boolean'],
  object: ['an object', (value) => (typeof value === 'object' && value !== null) || typeof value === 'function'],
  function: ['a function', (value) => typeof value === 'function'],
  int32: ['a 32-bit signed integer', (value) => typeof value === 'number' && (value | 0) === value && !Object.is(value, -0)],
};

/**
 * Checks arguments against kinds: `any` only has to be given.
 * @param {ArrayLike<unknown>} args
 * @param {...string} kinds
 */
function requireArguments(args, ...kinds) {
  kinds.forEach((kind, i) => {
    if (kind === 'any') {
      if (args.length <= i) throw new TypeError(`Expected a ${ORDINALS[i]} argument`);
      return;
    }
    const [name, test] = KINDS[kind];
    if (args.length <= i || !test(args[i])) throw new TypeError(`Expected ${ORDINALS[i]} argument to be ${name}`);
  });
}

/** @param {unknown[]} args an optional boolean, true if left out */
function optionalBoolean(args) {
  if (args.length === 0) return true;
  requireArguments(args, 'boolean');
  return /** @type {boolean} */ (args[0]);
}

/** @param {import('./database').DatabaseState} db */
function requireOpen(db) {
  if (db.open) return;
  if (db.engine.isDead()) throw db.engine.refusal();
  throw new TypeError('The database connection is not open');
}

/** @param {import('./database').DatabaseState} db */
function requireNotBusy(db) {
  if (db.busy) throw new TypeError('This database connection is busy executing a query');
}

/** @param {import('./database').DatabaseState} db */
function requireNoIterators(db) {
  if (db.iterators > 0) throw new TypeError('This database connection is busy executing a query');
}

/** @param {import('./database').DatabaseState} db */
function requireNoIteratorsUnlessUnsafe(db) {
  if (!db.unsafe) requireNoIterators(db);
}

/**
 * Native methods are enumerable; so that `for … in` and copies see the same.
 * @param {Function} constructor
 */
function makeEnumerable(constructor) {
  const { prototype } = constructor;
  for (const key of Reflect.ownKeys(prototype)) {
    if (key !== 'constructor') Object.defineProperty(prototype, key, { enumerable: true });
  }
}

/**
 * A property whose value native asks for each time, with a getter of its own.
 * @template T
 * @param {(object: T) => unknown} get throws for an object of another class
 * @returns {PropertyDescriptor}
 */
function liveProperty(get) {
  // Native's has no name.
  return { get: (() => /** @this {T} */ function () { return get(this); })(), enumerable: true, configurable: false };
}

/** @param {unknown} value a property that native makes with DontDelete | ReadOnly */
function frozen(value) {
  return { value, enumerable: true, writable: false, configurable: false };
}

module.exports = {
  requireArguments, optionalBoolean, requireOpen, requireNotBusy, requireNoIterators, requireNoIteratorsUnlessUnsafe, makeEnumerable, frozen, liveProperty,
};
