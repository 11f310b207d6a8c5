'use strict';

module.exports = {
  'every executed statement is reported with its values'(Database, dir, log) {
    const seen = [];
    const db = new Database(':memory:', { verbose: function (...args) { seen.push([this === undefined, ...args]); } });
    const said = (label) => log(label, seen.splice(0));
    db.exec('CREATE TABLE t(a, b); /* two */ INSERT INTO t VALUES (1, 2) ; -- end');
    said('exec');
    const insert = db.prepare('INSERT INTO t VALUES (?, :b)');
    said('prepare');
    insert.run(1.5, { b: "it's" });
    insert.run(null, { b: Buffer.from([1, 2]) });
    insert.run(5n, { b: 'a\0b' });
    insert.run(-0, { b: 'ä🙂' });
    insert.run(NaN, { b: Infinity });
    said('run');
    const select = db.prepare('SELECT * FROM t WHERE a > ?  -- why');
    select.get(1);
    select.all(100);
    said('get and all');
    const iterator = select.iterate(0);
    said('iterator made');
    iterator.next();
    said('first step');
    iterator.next();
    said('second step');
    iterator.return();
    said('return');
    select.iterate(0).return();
    said('never stepped');
    db.pragma('user_version');
    db.pragma('user_version = 5');
    said('pragma');
    db.transaction(() => insert.run(9, { b: 9 }))();
    said('transaction');
    db.prepare('EXPLAIN QUERY PLAN SELECT * FROM t WHERE a = ?').explainQueryPlan(5);
    said('explainQueryPlan');
    db.serialize();
    select.columns();
    said('nothing for these');
    log.call('an error', () => insert.run(1));
    said('nothing ran');
    db.exec('CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET b = 0 WHERE a = new.a; END');
    insert.run(77, { b: 1 });
    said('triggers are not reported');
    insert.run('x'.repeat(5000), { b: 1 });
    log('long values', seen.splice(0).map(([, text]) => text.length));
    db.close();
    said('close');
  },
  'a logger that throws stops the statement'(Database, dir, log) {
    let angry = false;
    const db = new Database(':memory:', { verbose: (sql) => { if (angry) throw new RangeError(`no: ${sql}`); } });
    db.exec('CREATE TABLE t(a)');
    const insert = db.prepare('INSERT INTO t VALUES (?)');
    const select = db.prepare('SELECT * FROM t');
    angry = true;
    log.call('run', () => insert.run(1));
    log.call('get', () => select.get());
    log.call('all', () => select.all());
    log.call('iterate', () => select.iterate().next());
    log.call('exec', () => db.exec('INSERT INTO t VALUES (2); INSERT INTO t VALUES (3)'));
    log.call('pragma', () => db.pragma('user_version = 7'));
    log.call('explainQueryPlan', () => select.explainQueryPlan());
    log.call('transaction', () => db.transaction(() => 1)());
    angry = false;
    log('not busy', select.busy);
    log('nothing was done', [select.all(), db.pragma('user_version', { simple: true })]);
    log.call('goes on', () => insert.run(5));
  },
  'answers of the logger do not matter'(Database, dir, log) {
    for (const answer of [true, 'x', Promise.resolve(1), null]) {
      const db = new Database(':memory:', { verbose: () => answer });
      log.call('get', () => db.prepare('SELECT 1 AS a').get());
    }
    for (const verbose of [null, undefined]) log.call('none', () => new Database(':memory:', { verbose }).prepare('SELECT 1 AS a').get());
  },
};
