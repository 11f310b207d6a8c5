'use strict';

module.exports = {
  'text of every kind comes back as it went in'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a)');
    const insert = db.prepare('INSERT INTO t VALUES (?)');
    const read = db.prepare('SELECT a, length(a) AS n, hex(a) AS h, quote(a) AS q, unicode(a) AS u FROM t');
    const texts = ['', ' ', 'a', 'ascii only', 'é', 'ÿ', '\x7f\x80', '日本語', '🙂', '👨‍👩‍👧', '\u0301combining', 'a\0', '\0a', '\0', 'a\0b\0c', '\ufeff', '\ufeffa', 'a\ufeff', '\ufffd', '\uffff', '\ud7ff\ue000', '\u{10ffff}', '\ud800', '\udfff', 'a\ud83d', '\ude42b', '\ud83d\ud83d\ude42', '\udc00\ud800', '\r\n\t\x1b', "'\"`", '\\', 'x'.repeat(100), 'é'.repeat(100), '🙂'.repeat(100), 'x'.repeat(65536), `${'x'.repeat(4095)}é`, `${'x'.repeat(4096)}\ud800`, '日'.repeat(30000)];
    for (const [at, text] of texts.entries()) {
      db.exec('DELETE FROM t');
      insert.run(text);
      log(`text ${at}`, read.get());
      log('all', read.all());
      log('as a number', db.prepare('SELECT a + 0 AS n FROM t').get());
    }
  },
  'bytes that are no UTF-8 are read as V8 reads them'(Database, dir, log) {
    const db = new Database(':memory:');
    for (const hex of ['80', 'ff', 'c0', 'c080', 'c1bf', 'c3', 'c328', 'e0', 'e080', 'e08080', 'e282', 'e28228', 'eda080', 'edbfbf', 'eda080edb080', 'efbfbe', 'f0', 'f09f', 'f09f99', 'f09f9982', 'f0808080', 'f4908080', 'f5808080', 'f8888080', 'fe', '6180', '8061', '61c362', '61e29962', '61f09f62', 'efbbbf61', 'efbb61', 'ef', '00', '6100', '610062', '6100ff', 'fffefdfc', '41c3a9ff42', 'e2', 'e297', 'f0f0f0', 'c3c3a9', 'edaf', 'f48fbfbf', 'f48fbf']) {
      log.call(hex, () => db.prepare(`SELECT CAST(x'${hex}' AS TEXT) AS v`).get());
      log.call('all', () => db.prepare(`SELECT CAST(x'${hex}' AS TEXT) AS v`).all());
      log.call('beside others', () => db.prepare(`SELECT 'ä' || CAST(x'${hex}' AS TEXT) || 'ö' AS v, 'next' AS w`).all());
      log.call('long', () => db.prepare(`SELECT printf('%.*c', 100, 'x') || CAST(x'${hex}' AS TEXT) AS v`).get());
      log.call('to a function', () => { let got; db.function('take', (text) => { got = text; return text; }); return [db.prepare(`SELECT take(CAST(x'${hex}' AS TEXT)) AS v`).get(), got]; });
    }
  },
  'big values'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE t(a)');
    const insert = db.prepare('INSERT INTO t VALUES (?)');
    const big = Buffer.alloc(20 << 20, 'pattern!');
    insert.run(big);
    log('blob', db.prepare('SELECT a FROM t').pluck().get().equals(big));
    insert.run(big.toString());
    log('text', db.prepare('SELECT a FROM t WHERE rowid = 2').pluck().get() === big.toString());
    log('both', db.prepare('SELECT a FROM t').pluck().all().map((value) => value.length));
    log('iterated', [...db.prepare('SELECT a FROM t').iterate()].map((row) => row.a.length));
    db.function('size', (value) => value.length);
    log('to a function', db.prepare('SELECT size(a) FROM t').pluck().all());
    db.function('give', (n) => 'é'.repeat(n));
    log('from a function', db.prepare('SELECT length(give(3000000)) AS n, give(3) AS g').get());
    log('wide text', db.prepare('SELECT ? AS v').get('🙂'.repeat(2_000_000)).v.length);
    log('zeroblob', db.prepare('SELECT zeroblob(50000000) AS z').get().z.length);
    log.call('too big', () => db.prepare('SELECT zeroblob(2147483647) AS z').get());
    log.call('much too big', () => db.prepare('SELECT zeroblob(9e18) AS z').get());
    log.call('limit of a string', () => db.prepare("SELECT length(printf('%.*c', 600000000, 'x')) AS n").get());
  },
  'numbers'(Database, dir, log) {
    const db = new Database(':memory:');
    for (const sql of ['1', '-1', '1.0', '-0.0', '0.0', '1e308', '1e309', '-1e309', '5e-324', '4.9e-325', '0.1', '123456789012345678', '1e15', '1e16', '1.7976931348623157e308', '2.2250738585072014e-308', '3.141592653589793', '1/3.0', '9007199254740993.0', "CAST('1e400' AS REAL)", "CAST('nan' AS REAL)", "CAST('0x10' AS INTEGER)", "'1' + '1'", "'1.5x' + 1", "x'31' + 1", 'NULL + 1', '1e999 - 1e999', '0.0 / 0.0', "printf('%.17g', 0.1)", "printf('%d %5.2f %e %s %q %Q %x %c %%', 42, 3.14159, 1e10, 'str', 'it''s', NULL, 255, 'c')", '1 || 2.0 || 1e20', 'round(1.005, 2)', 'round(123.456, -1)', "CAST(1e20 AS TEXT)", "CAST(0.1 + 0.2 AS TEXT)", 'typeof(1 = 1)', '10 / 4, 10 / 4.0, 10 % 4', "'abc' < 'abd', 1 < 'a', x'00' > 'z'", 'NULL IS NULL, NULL = NULL', 'TRUE, FALSE', "'5' = 5", '1_000']) {
      log.call(sql, () => db.prepare(`SELECT ${sql}`).raw().get());
    }
    const numbers = [0.1, 1 / 3, Math.PI, 1e21, 1e-7, 123456789.123456789, 2 ** 53 - 1, -(2 ** 53), 4.35, 1.005, 0.1 + 0.2, 1e23, 5e-324, Number.MAX_VALUE];
    for (const number of numbers) log(`${number}`, db.prepare('SELECT $v AS v, CAST($v AS TEXT) AS t, CAST(CAST($v AS TEXT) AS REAL) AS r, printf(\'%.15g\', $v) AS p, quote($v) AS q').get({ v: number }));
  },
};
