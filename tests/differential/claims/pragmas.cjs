'use strict';
const { join } = require('node:path');

module.exports = {
  'the method'(Database, dir, log) {
    const db = new Database(':memory:');
    for (const args of [[], [5], [null], ['user_version', 5], ['user_version', 'simple'], ['user_version', { simple: 1 }], ['user_version', { simple: undefined }], ['user_version', null], ['user_version', {}], ['user_version', { simple: false }], ['user_version', { simple: true }], ['user_version = 9', { simple: true }], ['user_version'], ['nosuch'], ['nosuch', { simple: true }], [''], ['; SELECT 1'], ['user_version; SELECT 1'], ['user_version -- comment'], ['foreign_keys', { simple: true }], ['cache_size', { simple: true }], ['compile_options_nosuch']]) {
      log.call(JSON.stringify(args), () => db.pragma(...args));
    }
  },
  'defaults of a fresh database'(Database, dir, log) {
    for (const [name, db] of Object.entries({ memory: new Database(':memory:'), file: new Database(join(dir, 'a.db')), temporary: new Database('') })) {
      for (const pragma of ['analysis_limit', 'application_id', 'auto_vacuum', 'automatic_index', 'busy_timeout', 'cache_size', 'cell_size_check', 'checkpoint_fullfsync', 'data_version', 'defer_foreign_keys', 'encoding', 'foreign_keys', 'freelist_count', 'fullfsync', 'hard_heap_limit', 'ignore_check_constraints', 'journal_mode', 'journal_size_limit', 'legacy_alter_table', 'locking_mode', 'max_page_count', 'page_count', 'page_size', 'query_only', 'read_uncommitted', 'recursive_triggers', 'reverse_unordered_selects', 'schema_version', 'secure_delete', 'soft_heap_limit', 'synchronous', 'temp_store', 'threads', 'trusted_schema', 'user_version', 'wal_autocheckpoint', 'writable_schema', 'full_column_names', 'short_column_names', 'empty_result_callbacks', 'count_changes', 'case_sensitive_like']) {
        log.call(`${name} ${pragma}`, () => db.pragma(pragma));
      }
      db.close();
    }
  },
  'lists'(Database, dir, log) {
    const db = new Database(':memory:');
    db.exec('CREATE TABLE p(a PRIMARY KEY); CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT NOT NULL DEFAULT \'x\' COLLATE NOCASE, c REFERENCES p(a) ON DELETE CASCADE, d AS (b || b)); CREATE INDEX i ON t(b DESC, a) WHERE b > \'m\'; CREATE VIEW v AS SELECT 1 AS one');
    for (const pragma of ['table_info(t)', 'table_xinfo(t)', 'table_list', 'index_list(t)', 'index_info(i)', 'index_xinfo(i)', 'foreign_key_list(t)', 'foreign_key_check', 'database_list', 'integrity_check', 'quick_check', 'optimize', 'collation_list', 'incremental_vacuum', 'shrink_memory', 'wal_checkpoint', 'table_info(nosuch)', 'module_list', 'pragma_list']) {
      log.call(pragma, () => { const rows = db.pragma(pragma); return /module_list|pragma_list/.test(pragma) ? rows.map((row) => row.name).sort() : rows; });
    }
    log('functions', db.pragma('function_list').map((row) => `${row.name}/${row.narg}/${row.builtin}/${row.type}/${row.enc}/${row.flags}`).filter((name) => !name.startsWith('load_extension')).sort());
    // DESIGN.md §3 names the options that a WebAssembly build cannot share.
    log('compile options', db.pragma('compile_options').map((row) => row.compile_options).filter((option) => !/^(COMPILER|MAX_MMAP_SIZE|MUTEX_|OMIT_LOAD_EXTENSION|DEFAULT_MMAP_SIZE|OS_OTHER)/.test(option)));
    log('version', db.prepare('SELECT sqlite_version() AS v, sqlite_source_id() AS s').get());
  },
  'settings that change what SQLite does'(Database, dir, log) {
    const db = new Database(join(dir, 'a.db'));
    for (const pragma of ['page_size = 8192', 'page_size', 'auto_vacuum = full', 'auto_vacuum', 'encoding = "UTF-16le"', 'encoding', 'journal_mode = truncate', 'journal_mode = persist', 'journal_mode = memory', 'journal_mode = wal', 'journal_mode = nosuch', 'journal_mode', 'locking_mode = exclusive', 'locking_mode = normal', 'synchronous = full', 'synchronous', 'cache_size = -500', 'cache_size', 'temp_store = memory', 'temp_store', 'foreign_keys = off', 'foreign_keys', 'case_sensitive_like = on', 'recursive_triggers = on', 'recursive_triggers', 'secure_delete = fast', 'max_page_count = 100', 'wal_autocheckpoint = 5', 'busy_timeout = 77', 'query_only = on']) {
      log.call(pragma, () => db.pragma(pragma));
    }
    log.call('query_only', () => db.exec('CREATE TABLE t(a)'));
    db.pragma('query_only = off');
    log.call('page count is limited', () => { db.exec('CREATE TABLE t(a)'); db.prepare('INSERT INTO t VALUES (zeroblob(?))').run(8192 * 120); });
    log.call('UTF-16', () => db.prepare("SELECT 'ä🙂' AS v, hex('ä') AS h, length('🙂') AS n").get());
    log.call('like', () => db.prepare("SELECT 'a' LIKE 'A' AS v").get());
    log.call('change inside a transaction', () => db.transaction(() => db.pragma('journal_mode = delete'))());
    log.call('synchronous inside a transaction', () => db.transaction(() => db.pragma('synchronous = off'))());
    db.close();
  },
  'UTF-16 databases keep their text'(Database, dir, log) {
    for (const encoding of ['UTF-16le', 'UTF-16be']) {
      const db = new Database(':memory:');
      db.pragma(`encoding = "${encoding}"`);
      db.exec('CREATE TABLE t(a)');
      const insert = db.prepare('INSERT INTO t VALUES (?)');
      for (const value of ['', 'plain', 'ä日🙂', 'a\0b', '\ufeffbom', 'x'.repeat(3000), 5, Buffer.from('q')]) insert.run(value);
      log(encoding, db.prepare('SELECT a, hex(a) AS h, length(a) AS n FROM t').all());
      db.function('echo', (text) => text);
      log('through a function', db.prepare('SELECT echo(a) AS e FROM t').all());
      log('a lone surrogate', db.prepare('SELECT ? AS v').get('\ud800x'));
    }
  },
  'every journal mode commits and rolls back'(Database, dir, log) {
    for (const mode of ['delete', 'truncate', 'persist', 'memory', 'wal', 'wal2']) {
      const file = join(dir, `${mode}.db`);
      const db = new Database(file);
      log('mode', db.pragma(`journal_mode = ${mode}`, { simple: true }));
      db.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2); ROLLBACK; BEGIN; INSERT INTO t VALUES (3); COMMIT');
      log('rows', db.prepare('SELECT a FROM t').pluck().all());
      log('files', require('node:fs').readdirSync(dir).filter((name) => name.startsWith(`${mode}.`) && !/-(shm|wasmfix)$/.test(name)).sort());
      db.close();
      log('after', require('node:fs').readdirSync(dir).filter((name) => name.startsWith(`${mode}.`)).sort());
      const again = new Database(file);
      log('kept', [again.pragma('journal_mode', { simple: true }), again.prepare('SELECT a FROM t').pluck().all()]);
      again.close();
    }
  },
};
