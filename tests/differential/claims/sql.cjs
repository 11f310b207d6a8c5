'use strict';

/** @param {any} log @param {any} db @param {string[]} expressions */
function each(log, db, expressions) {
  for (const sql of expressions) log.call(sql, () => db.prepare(`SELECT ${sql}`).raw().get());
}

module.exports = {
  'functions of text'(Database, dir, log) {
    const db = new Database(':memory:');
    each(log, db, ["lower('ÄÖÜ ÀÉ ΑΒΓ ДЖ İI ẞ')", "upper('äöü àé αβγ дж ıi ß ŉ ﬁ')", "lower('日本🙂 ABC')", "upper(NULL)", "lower(x'414243')", 'lower(5)', "upper(1.5)", "lower('a' || char(0) || 'B')", "lower(CAST(x'41ff42' AS TEXT))", "upper('ǆ ǅ ῼ')", "lower('ΣΑΣ')",
      "'Ä' LIKE 'ä'", "'A' LIKE 'a'", "'abc' LIKE 'A%'", "'a_c' LIKE 'a\\_c' ESCAPE '\\'", "'abc' GLOB 'a*'", "'ABC' GLOB 'a*'", "'é' GLOB '?'", "instr('äbc', 'b')", "substr('日本語', 2, 1)", "substr('abc', -2)", "substr(x'010203', 2)", "replace('aXbX', 'X', '🙂')", "trim('  x '), ltrim('xxa', 'x'), rtrim('axx', 'x')", "length('🙂é'), octet_length('🙂é'), length(x'0102')", "hex('é'), unhex('c3a9'), unhex('zz')", "char(233, 128578, 0, 55296)", "unicode('🙂')", "quote('it''s'), quote(x'00'), quote(NULL), quote(1.5)", "printf('%s|%10s|%-5s|%05d|%+d|%,d', 'é', 'é', 'é', 42, 42, 1234567)", "format('%!.20g', 0.1)", "soundex('Robert'), soundex('Rupert')", "concat('a', NULL, 5), concat_ws('-', 'a', NULL, 'b')", "group_concat(column1, '; ') FROM (VALUES ('a'), ('b'))", "string_agg(column1, '/') FROM (VALUES ('a'), ('b'))", "iif(1, 'a', 'b'), coalesce(NULL, 2), nullif(1, 1), ifnull(NULL, 'x')", "typeof(zeroblob(3)), zeroblob(3)", "likely(1), unlikely(0), likelihood(1, 0.5)", "sqlite_compileoption_used('ENABLE_FTS5')", "'a' = 'A' COLLATE NOCASE, 'a ' = 'a' COLLATE RTRIM, 'Ä' = 'ä' COLLATE NOCASE", "unistr('\\u00e9')", "'abc' -> '$'"]);
  },
  'every cased letter maps as native maps it'(Database, dir, log) {
    const db = new Database(':memory:');
    const stmt = db.prepare('SELECT lower($text) AS l, upper($text) AS u');
    for (let start = 0; start < 0x1f000; start += 0x400) {
      const points = Array.from({ length: 0x400 }, (_, at) => start + at).filter((point) => point > 0 && (point < 0xd800 || point > 0xdfff));
      if (points.length) log(`U+${start.toString(16)}`, stmt.get({ text: String.fromCodePoint(...points) }));
    }
  },
  'functions of mathematics, nearly'(Database, dir, log) {
    const db = new Database(':memory:');
    const names = ['acos', 'acosh', 'asin', 'asinh', 'atan', 'atanh', 'ceil', 'cos', 'cosh', 'degrees', 'exp', 'floor', 'ln', 'log', 'log10', 'log2', 'radians', 'sin', 'sinh', 'sqrt', 'tan', 'tanh', 'trunc', 'sign', 'abs', 'round'];
    for (const name of names) {
      const stmt = db.prepare(`SELECT ${name}(?)`).pluck();
      for (const x of [0, 0.5, -0.5, 1, -1, 2, 10, 100.25, -3.75, 1e-10, 1e10, 700, null, 'x', '2.5']) log.near(`${name}(${x})`, stmt.get(x));
    }
    for (const sql of ['pow(2, 0.5)', 'power(2, 10)', 'atan2(1, 2)', 'mod(10.5, 3)', 'log(2, 8)', 'pi()', 'pow(-1, 0.5)', 'sqrt(-1)', 'ln(0)', 'log(-1)', 'exp(1000)', 'round(2.675, 2)', 'sum(column1 * 0.1) FROM (VALUES (1), (2), (3))', 'avg(column1) FROM (VALUES (1), (2), (4))', 'total(column1) FROM (VALUES (1e308), (1e308), (-1e308))', 'median(column1) FROM (VALUES (1), (5), (9), (10))', 'percentile(column1, 30) FROM (VALUES (1), (5), (9), (10))', 'percentile_cont(column1, 0.3) FROM (VALUES (1), (5), (9))', 'percentile_disc(column1, 0.3) FROM (VALUES (1), (5), (9))']) {
      log.call(sql, () => { log.near('value', db.prepare(`SELECT ${sql}`).pluck().get()); });
    }
  },
  async 'dates and the local time'(Database, dir, log) {
    const db = new Database(':memory:');
    each(log, db, ["date('2024-02-29', '+1 year')", "datetime('2026-01-31', '+1 month', 'start of day')", "strftime('%Y-%m-%d %H:%M:%f %j %w %W %s %J %e %k %I %p %P %R %T %u %G %V %g', '2026-11-23 13:05:06.789')", "julianday('2000-01-01 12:00')", "unixepoch('2026-01-01')", "datetime(1e9, 'unixepoch')", "datetime(1e9, 'auto')", "time('12:34:56.7', 'subsec')", "timediff('2026-03-01', '2024-02-28')", "date('nonsense')", "date('2026-11-23', 'weekday 0')", "date('0000-01-01'), date('9999-12-31')", "datetime('2026-11-23T12:00:00+05:30')", "date('now') IS NOT NULL", "abs(julianday('now') - 2440587.5 - unixepoch() / 86400.0) < 0.001", "CURRENT_TIMESTAMP = datetime('now')"]);
    log('the clock is the clock', Math.abs(db.prepare('SELECT unixepoch()').pluck().get() - Date.now() / 1000) < 5);
    for (const zone of ['UTC', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Europe/Berlin']) {
      await log.child(zone, (Database, dir, see) => {
        const db = new Database(':memory:');
        for (const at of ['2026-01-15 12:00', '2026-07-15 12:00', '2026-03-29 00:59:59', '2026-03-29 01:00:00', '2026-10-25 00:30', '2026-10-25 01:30', '1970-01-01', '2037-12-31 23:59', '2100-06-01', '1960-06-01', '0001-01-01']) {
          see(db.prepare("SELECT datetime($at, 'localtime') AS l, datetime($at, 'utc') AS u, strftime('%s', $at, 'utc') AS s").get({ at }));
        }
      }, { env: { TZ: zone } });
    }
  },
  async 'the clock is the clock, whatever the global Date has become'(Database, dir, log) {
    for (const loaded of ['before', 'after']) {
      await log.child(`loaded ${loaded}`, new Function('Database', 'dir', 'see', `
        const open = () => new Database(':memory:');
        const started = Date.now();
        const early = '${loaded}' === 'before' ? open() : undefined;
        const ask = (db) => db.prepare("SELECT abs(unixepoch() - ?) < 60, unixepoch(CURRENT_TIMESTAMP) > ? - 60, datetime(1700000000, 'unixepoch', 'localtime')").raw().get(started / 1000, started / 1000);
        class Still extends Date { constructor() { super(0); } static now() { return 0; } }
        const gone = () => { throw new Error('no clock'); };
        for (const fake of [Still, gone]) {
          globalThis.Date = fake;
          see(ask(early ?? open()));
        }
      `), { env: { TZ: 'America/New_York' } });
    }
  },
  'JSON'(Database, dir, log) {
    const db = new Database(':memory:');
    each(log, db, [`json(' { "a" : [1, 2.50, "é🙂", null, true] } ')`, `json_extract('{"a":{"b":[1,2,{"c":9007199254740993}]}}', '$.a.b[2].c')`, `'{"a":1}' -> 'a', '{"a":"x"}' ->> 'a', '[1,2]' ->> -1`, `json_set('{"a":1}', '$.b', json('[1]'))`, `json_patch('{"a":1,"b":2}', '{"b":null}')`, `json_array(1, 'x', NULL, 1.5, json('{}'))`, `json_object('k', 1, 'l', x'00')`, `json_type('{"a":1.0}', '$.a')`, `json_valid('{a:1}'), json_valid('{a:1}', 2), json('{a:1, b:0x10, /* c */ c: +.5,}')`, `json_error_position('{"a":}')`, `json_quote('"\\é' || char(10))`, `json_group_array(column1) FROM (VALUES (1), ('x'), (NULL))`, `json_group_object(column1, column2) FROM (VALUES ('a', 1), ('b', 2))`, `hex(jsonb('{"a":[1,"x"]}'))`, `json(jsonb('[1,2,3]'))`, `json_pretty('{"a":[1]}')`, `json_remove('[1,2,3]', '$[1]'), json_insert('[1]', '$[#]', 2), json_replace('{"a":1}', '$.a', 'x')`, `json_extract('"\\ud83d\\ude42 \\ud800"', '$')`]);
    log('each', db.prepare(`SELECT key, value, type, atom, id, parent, fullkey, path FROM json_tree('{"a":[1,{"b":"x"}],"c":null}')`).all());
    log.call('malformed', () => db.prepare("SELECT * FROM json_each('{')").all());
  },
  'full text search, trees and shapes'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec("CREATE VIRTUAL TABLE f5 USING fts5(title, body, tokenize = 'porter unicode61'); CREATE VIRTUAL TABLE f4 USING fts4(a, b); CREATE VIRTUAL TABLE r USING rtree(id, x0, x1, y0, y1); CREATE VIRTUAL TABLE g USING geopoly(name)");
    db.exec("INSERT INTO f5 VALUES ('Running', 'the quick brown fox'), ('Café', 'jumped over lazy dogs'), ('日本', 'a fox again'); INSERT INTO f4 SELECT title, body FROM f5");
    db.exec("INSERT INTO r VALUES (1, 0, 10, 0, 10), (2, 5, 15, 5, 15), (3, 100, 110, 100, 110); INSERT INTO g(_shape, name) VALUES ('[[0,0],[10,0],[10,10],[0,10],[0,0]]', 'square')");
    for (const sql of ["SELECT rowid, title, round(rank, 4) AS r FROM f5 WHERE f5 MATCH 'fox' ORDER BY rank", "SELECT highlight(f5, 1, '<', '>') AS h FROM f5 WHERE f5 MATCH 'jump'", "SELECT snippet(f5, -1, '[', ']', '…', 3) AS s FROM f5('cafe')", "SELECT a FROM f4 WHERE f4 MATCH 'fox AND NOT quick'", "SELECT snippet(f4), offsets(f4), hex(matchinfo(f4)) FROM f4 WHERE f4 MATCH 'fox'", 'SELECT id FROM r WHERE x0 < 6 AND x1 > 6 ORDER BY id', 'SELECT * FROM r', "SELECT name, geopoly_area(_shape) AS a FROM g WHERE geopoly_overlap(_shape, '[[5,5],[20,5],[20,20],[5,5]]')", "SELECT count(*) > 0 AS there FROM dbstat WHERE name = 'f5_data'", "SELECT * FROM f5 WHERE f5 MATCH 'bad ('"]) {
      log.call(sql, () => db.prepare(sql).all());
    }
    log.call('bad row', () => db.exec('INSERT INTO r VALUES (4, 10, 0, 0, 1)'));
    log.call('integrity', () => [db.exec("INSERT INTO f5(f5) VALUES ('integrity-check')") === db, db.prepare("SELECT rtreecheck('r')").pluck().get()]);
  },
  'statements of every sort'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE emp(id INTEGER PRIMARY KEY, boss INT, name TEXT, pay REAL); INSERT INTO emp VALUES (1, NULL, \'Ada\', 10), (2, 1, \'Bob\', 5), (3, 1, \'Cy\', 7), (4, 2, \'Di\', 3)');
    for (const sql of ['WITH RECURSIVE c(id, name, depth) AS (SELECT id, name, 0 FROM emp WHERE boss IS NULL UNION ALL SELECT e.id, e.name, depth + 1 FROM emp e JOIN c ON e.boss = c.id) SELECT * FROM c ORDER BY depth, id', 'SELECT name, rank() OVER (ORDER BY pay DESC) AS r, lag(name) OVER (ORDER BY id) AS l, ntile(2) OVER (ORDER BY id) AS n, sum(pay) OVER (ROWS UNBOUNDED PRECEDING) AS s FROM emp', 'SELECT e.name, b.name AS boss FROM emp e LEFT JOIN emp b ON b.id = e.boss ORDER BY e.id', 'SELECT * FROM (VALUES (1)) a FULL JOIN (VALUES (2)) b ON a.column1 = b.column1', 'SELECT boss, count(*) AS n, max(pay) AS m, name FROM emp GROUP BY boss HAVING n > 0 ORDER BY boss NULLS LAST', 'SELECT * FROM emp WHERE (boss, pay) > (1, 5)', 'SELECT name FROM emp WHERE pay BETWEEN 4 AND 8 INTERSECT SELECT name FROM emp WHERE id > 2', 'INSERT INTO emp(id, name, pay) VALUES (2, \'Bea\', 6) ON CONFLICT(id) DO UPDATE SET name = excluded.name, pay = emp.pay + 1 WHERE emp.pay < 100 RETURNING *', 'UPDATE emp SET pay = x.p FROM (SELECT max(pay) AS p FROM emp) x WHERE id = 4 RETURNING id, pay', 'DELETE FROM emp WHERE id = 3 RETURNING name, pay', 'SELECT * FROM generate_series(1, 3)', 'SELECT DISTINCT boss IS NULL AS b FROM emp ORDER BY b', 'SELECT CASE WHEN pay > 6 THEN \'hi\' ELSE \'lo\' END AS k FROM emp', 'SELECT count(*) FILTER (WHERE pay > 6) AS n FROM emp', 'SELECT group_concat(name, \',\' ORDER BY name DESC) AS g FROM emp']) {
      log.call(sql, () => db.prepare(sql).all());
    }
  },
};
