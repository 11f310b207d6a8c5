'use strict';

module.exports = {
  'explainQueryPlan steps the statement it is called on'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t(b); INSERT INTO t VALUES (1, 2), (3, 4)');
    const plan = db.prepare('EXPLAIN QUERY PLAN SELECT * FROM t WHERE b = ? ORDER BY a');
    log.call('without parameters', () => plan.explainQueryPlan());
    log.call('with', () => plan.explainQueryPlan(2));
    log.call('too many', () => plan.explainQueryPlan(2, 3));
    log.call('wrong type', () => plan.explainQueryPlan(true));
    log.call('raw', () => plan.raw().explainQueryPlan());
    log.call('pluck', () => plan.pluck().explainQueryPlan());
    log.call('expand', () => plan.expand().explainQueryPlan());
    log.call('bigints', () => plan.expand(false).safeIntegers().explainQueryPlan());
    const select = db.prepare('SELECT * FROM t WHERE b = :b');
    log.call('a plain select', () => select.explainQueryPlan({ b: 2 }));
    log.call('unbound', () => select.explainQueryPlan());
    select.bind({ b: 4 });
    log.call('bound', () => select.explainQueryPlan());
    log.call('bound and given', () => select.explainQueryPlan({ b: 2 }));
    log.call('a write', () => db.prepare('DELETE FROM t').explainQueryPlan());
    log.call('returning', () => db.prepare('INSERT INTO t(b) VALUES (9) RETURNING a').explainQueryPlan());
    const iterator = db.prepare('SELECT * FROM t').iterate();
    log.call('while iterating itself', () => iterator.statement.explainQueryPlan());
    log.call('while iterating another', () => plan.explainQueryPlan());
    iterator.return();
  },
  'explain shows plans and programs'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); CREATE INDEX i ON t(b); CREATE TABLE u(x, y)');
    for (const sql of ['SELECT * FROM t WHERE b > 5', 'SELECT * FROM t, u WHERE t.b = u.x', 'SELECT count(*) FROM t GROUP BY c', 'UPDATE t SET c = 1 WHERE b = 2', 'SELECT * FROM t ORDER BY c', 'SELECT * FROM t WHERE a = 1 OR b = 2', 'SELECT * FROM t LEFT JOIN u ON a = x']) {
      log.call(`plan of ${sql}`, () => db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all());
      log.call(`program of ${sql}`, () => db.prepare(`EXPLAIN ${sql}`).raw().all().length);
    }
    log('nothing ran', db.prepare('SELECT count(*) FROM t').pluck().get());
  },
};
