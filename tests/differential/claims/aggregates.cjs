'use strict';

/** @param {any} Database */
function open(Database) {
  const db = new Database(':memory:');
  db.exec("CREATE TABLE t(g, a); INSERT INTO t VALUES ('x', 1), ('x', 2), ('y', 3), ('y', 4), ('y', 5), ('z', NULL)");
  return db;
}

module.exports = {
  'a plain aggregate'(Database, dir, log) {
    const db = open(Database);
    log('returns the database', db.aggregate('total_of', { start: 0, step: (total, a) => total + a }) === db);
    log('all', db.prepare('SELECT total_of(a) AS s FROM t').get());
    log('groups', db.prepare('SELECT g, total_of(a) AS s FROM t GROUP BY g').all());
    log('no rows', db.prepare('SELECT total_of(a) AS s FROM t WHERE 0').get());
    log('no groups', db.prepare('SELECT total_of(a) AS s FROM t WHERE 0 GROUP BY g').all());
    log('filter', db.prepare('SELECT total_of(a) FILTER (WHERE a > 2) AS s FROM t').get());
    log('distinct', db.prepare("SELECT total_of(DISTINCT column1) AS s FROM (VALUES (1), (1), (2))").get());
    log('ordered', (() => { db.aggregate('joined', { start: '', step: (text, a) => `${text}${a}` }); return db.prepare('SELECT joined(a ORDER BY a DESC) AS j FROM t').get(); })());
    log('two at once', db.prepare('SELECT total_of(a), total_of(a + 1), joined(g) FROM t').raw().get());
    log('nested in a subquery', db.prepare('SELECT g, (SELECT total_of(a) FROM t u WHERE u.g = t.g) AS s FROM t').raw().all());
    db.aggregate('any', { start: () => [], step: (list, ...args) => { list.push(args); }, result: (list) => JSON.stringify(list), varargs: true });
    log('start as a function, step without answer', db.prepare("SELECT any(a, g), any(), any(x'01') FROM t").raw().get());
    log('per group anew', db.prepare('SELECT any(a) FROM t GROUP BY g').pluck().all());
    db.aggregate('last', { step: (old, a) => a });
    log('without start the first is', db.prepare("SELECT last(a), last('q') FROM t WHERE g = 'x'").raw().get());
    db.aggregate('first_seen', { step: (old, a) => (old === null ? `saw ${old}` : old) });
    log('null', db.prepare('SELECT first_seen(a) FROM t').pluck().get());
  },
  'what may be defined'(Database, dir, log) {
    const db = open(Database);
    const step = (x, a) => x;
    const bad = [[], ['f'], ['f', null], ['f', 5], ['f', {}], ['f', { step: 5 }], ['', { step }], [5, { step }], ['f', { step, inverse: 5 }], ['f', { step, result: 'x' }], ['f', { step, safeIntegers: 1 }], ['f', { step, deterministic: 1 }], ['f', { step, directOnly: 1 }], ['f', { step, varargs: 1 }], ['f', { step: Object.defineProperty(() => 1, 'length', { value: 102 }) }], ['f', { step: Object.defineProperty(() => 1, 'length', { value: -5 }) }], ['f', { step: () => 1, start: undefined }], ['f', { step, inverse: (a, b, c) => a }], ['n'.repeat(300), { step }], ['f', { step, inverse: null, result: undefined }], ['f', () => 1]];
    for (const [at, args] of bad.entries()) log.call(`define ${at}`, () => db.aggregate(...args) === db);
  },
  'errors of each part'(Database, dir, log) {
    const db = open(Database);
    const fail = (word) => () => { throw new Error(word); };
    db.aggregate('bad_start', { start: fail('start'), step: (x, a) => x });
    db.aggregate('bad_step', { start: 0, step: (x, a) => { if (a === 2) throw new Error('step'); return 1; } });
    db.aggregate('bad_result', { start: 0, step: (x, a) => 1, result: fail('result') });
    db.aggregate('bad_inverse', { start: 0, step: (x, a) => 1, inverse: (x, a) => { throw new Error('inverse'); } });
    db.aggregate('bad_value', { start: () => ({}), step: (x, a) => x });
    db.aggregate('bad_big', { start: 0n, step: (x, a) => 2n ** 70n });
    db.aggregate('bad_window_result', { start: 0, step: (x, a) => x + 1, inverse: (x, a) => x - 1, result: (x) => { if (x === 2) throw new Error('result 2'); return x; } });
    for (const name of ['bad_start', 'bad_step', 'bad_result', 'bad_inverse', 'bad_value', 'bad_big', 'bad_window_result']) {
      log.call(`${name} plain`, () => db.prepare(`SELECT ${name}(a) AS s FROM t`).all());
      log.call(`${name} grouped`, () => db.prepare(`SELECT ${name}(a) AS s FROM t GROUP BY g`).all());
      log.call(`${name} window`, () => db.prepare(`SELECT ${name}(a) OVER (ORDER BY a ROWS 1 PRECEDING) AS s FROM t`).all());
      log.call(`${name} empty`, () => db.prepare(`SELECT ${name}(a) AS s FROM t WHERE 0`).all());
      log.call(`${name} iterate`, () => [...db.prepare(`SELECT ${name}(a) AS s FROM t GROUP BY g`).iterate()]);
      log.call(`${name} run`, () => db.prepare(`SELECT ${name}(a) AS s FROM t`).run());
    }
    log('goes on', db.prepare('SELECT sum(a) AS s FROM t').get());
  },
  'window functions'(Database, dir, log) {
    const db = open(Database);
    const calls = [];
    db.aggregate('moving', {
      start: () => { calls.push('start'); return []; },
      step: (list, a) => { calls.push(`step ${a}`); return [...list, a]; },
      inverse: (list, a) => { calls.push(`inverse ${a}`); return list.slice(1); },
      result: (list) => { calls.push('result'); return list.join(','); },
    });
    const frames = ['ORDER BY a', 'ORDER BY a ROWS 1 PRECEDING', 'ORDER BY a ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING', 'PARTITION BY g ORDER BY a', 'ORDER BY a ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING', '', 'ORDER BY a ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING', 'ORDER BY g GROUPS 1 PRECEDING', 'ORDER BY a ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW'];
    for (const frame of frames) {
      log.call(frame, () => db.prepare(`SELECT a, moving(a) OVER (${frame}) AS m FROM t`).raw().all());
      log('calls', calls.splice(0));
    }
    log.call('as a plain aggregate', () => db.prepare('SELECT moving(a) FROM t GROUP BY g').pluck().all());
    log('calls', calls.splice(0));
    log.call('left early', () => { const iterator = db.prepare('SELECT moving(a) OVER (ORDER BY a ROWS 1 PRECEDING) AS m FROM t').iterate(); const got = [iterator.next(), iterator.next()]; iterator.return(); return got; });
    log('calls', calls.splice(0));
    db.aggregate('plain', { start: 0, step: (x, a) => x + a });
    log.call('without inverse there is no window', () => db.prepare('SELECT plain(a) OVER (ORDER BY a) FROM t').all());
    log.call('not even a whole one', () => db.prepare('SELECT plain(a) OVER () FROM t').all());
    log.call('two windows', () => db.prepare('SELECT moving(a) OVER (ORDER BY a), moving(g) OVER (ORDER BY a DESC) FROM t').raw().all());
  },
  'answers of every type'(Database, dir, log) {
    const db = open(Database);
    let answer;
    db.aggregate('answer', { start: () => answer, step: (x) => undefined });
    for (const [at, value] of [null, undefined, 1, -0, NaN, Infinity, 5n, 2n ** 63n, 'x', 'a\0b', '\ud800', Buffer.from('q'), true, {}, [], Symbol('s'), () => 1].entries()) {
      answer = value;
      log.call(`answer ${at}`, () => db.prepare('SELECT answer() AS v, typeof(answer()) AS t').get());
      log.call(`no rows ${at}`, () => db.prepare('SELECT answer() AS v FROM t WHERE 0').get());
    }
  },
  'safeIntegers, directOnly and this'(Database, dir, log) {
    const db = open(Database);
    const kinds = (options) => ({ start: '', step(x, a) { return `${x}${typeof a}${this === undefined ? '' : '!'}`; }, ...options });
    db.aggregate('k1', kinds({}));
    db.aggregate('k2', kinds({ safeIntegers: true }));
    db.defaultSafeIntegers();
    db.aggregate('k3', kinds({}));
    db.aggregate('k4', kinds({ safeIntegers: false }));
    log('kinds', db.prepare('SELECT k1(1), k2(1), k3(1), k4(1)').raw().get());
    db.aggregate('k5', kinds({ directOnly: true }));
    db.exec('CREATE VIEW v AS SELECT k5(a) AS k FROM t');
    log.call('in a view', () => db.prepare('SELECT * FROM v').all());
    log.call('direct', () => db.prepare('SELECT k5(a) AS k FROM t').all());
  },
  'many groups in flight'(Database, dir, log) {
    const db = open(Database);
    db.aggregate('cat', { start: () => ({ n: 0, sum: 0 }), step: (acc, a) => { acc.n++; acc.sum += a; }, result: ({ n, sum }) => `${n}:${sum}` });
    const numbers = 'WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)';
    log('groups', db.prepare(`${numbers} SELECT i % 1000 AS g, cat(i) AS c FROM n GROUP BY g`).raw().all().join());
    log('two aggregates each', db.prepare(`${numbers} SELECT cat(i), cat(i * 2) FROM n GROUP BY i % 7`).raw().all());
  },
};
