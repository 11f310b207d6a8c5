/*
** Connections, statements, backups: what the host calls, one thin function each.
** A function that makes a handle leaves its code in buf->code.
*/
#include <string.h>
#include "engine.h"
#include "imports.h"

#ifdef WASMFIX_UNICODE_CASE
/* The package's own src/util/unicode_case.cpp: lower() and upper() beyond ASCII. */
extern int zeroRegisterUnicodeCase(sqlite3 *, char **, const struct sqlite3_api_routines *);
#endif

/* Before anything else. `uri`: -1 keeps the default of the build, else SQLITE_CONFIG_URI. */
WF_EXPORT(wf_start) int wf_start(int uri);
int wf_start(int uri) {
  int rc = wf_use_memory();
  if (rc == SQLITE_OK && uri >= 0) rc = sqlite3_config(SQLITE_CONFIG_URI, uri);
  if (rc == SQLITE_OK) rc = sqlite3_initialize();
#ifdef WASMFIX_UNICODE_CASE
  if (rc == SQLITE_OK) rc = sqlite3_auto_extension((void (*)(void))zeroRegisterUnicodeCase);
#endif
  return rc;
}

WF_EXPORT(wf_abi) int wf_abi(void);
int wf_abi(void) { return WF_ABI; }

WF_EXPORT(wf_version) const char *wf_version(void);
const char *wf_version(void) { return sqlite3_libversion(); }

WF_EXPORT(wf_malloc) void *wf_malloc(uint32_t bytes);
void *wf_malloc(uint32_t bytes) { return sqlite3_malloc64(bytes ? bytes : 1); }

WF_EXPORT(wf_free) void wf_free(void *p);
void wf_free(void *p) { sqlite3_free(p); }

#ifndef WF_OMITS_LOAD_EXTENSION
/*
** SQLite has no load_extension() where it has no VFS of its own. The package's
** native build has it, and answers this as long as nobody enables it for SQL.
*/
static void refuseExtension(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  (void)argc, (void)argv;
  sqlite3_result_error(ctx, "not authorized", -1);
}
#endif

/*
** Opens as Database::JS_new does. The handle is there even after an error (then
** for wf_error_*() and wf_close() only), except without memory.
** `maxLength`, `maxSql`: limits in bytes.
*/
static sqlite3 *openDatabase(const char *path, int flags, int timeout, int maxLength, int maxSql, wf_buf *buf) {
  sqlite3 *db = 0;
  buf->code = sqlite3_open_v2(path, &db, flags, 0);
  if (buf->code != SQLITE_OK) return db;
  sqlite3_extended_result_codes(db, 1);
  if (timeout >= 0) sqlite3_busy_timeout(db, timeout);
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, maxLength);
  if (maxSql > 0) sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, maxSql);
#ifndef WF_OMITS_LOAD_EXTENSION
  sqlite3_create_function(db, "load_extension", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY, 0, refuseExtension, 0, 0);
  sqlite3_create_function(db, "load_extension", 2, SQLITE_UTF8 | SQLITE_DIRECTONLY, 0, refuseExtension, 0, 0);
#endif
  return db;
}

WF_EXPORT(wf_open) sqlite3 *wf_open(const char *path, int flags, int timeout, int maxLength, int maxSql, wf_buf *buf);
sqlite3 *wf_open(const char *path, int flags, int timeout, int maxLength, int maxSql, wf_buf *buf) {
  WF_ENTERED(sqlite3 *, openDatabase(path, flags, timeout, maxLength, maxSql, buf));
}

WF_EXPORT(wf_defensive) void wf_defensive(sqlite3 *db, int on);
void wf_defensive(sqlite3 *db, int on) { sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, on, (int *)0); }

/* All statements and backups have to be finished before. */
WF_EXPORT(wf_close) int wf_close(sqlite3 *db);
int wf_close(sqlite3 *db) { WF_ENTERED(int, sqlite3_close(db)); }

WF_EXPORT(wf_error_code) int wf_error_code(sqlite3 *db);
int wf_error_code(sqlite3 *db) { return sqlite3_extended_errcode(db); }

WF_EXPORT(wf_error_message) const char *wf_error_message(sqlite3 *db);
const char *wf_error_message(sqlite3 *db) { return sqlite3_errmsg(db); }

WF_EXPORT(wf_error_string) const char *wf_error_string(int code);
const char *wf_error_string(int code) { return sqlite3_errstr(code); }

WF_EXPORT(wf_autocommit) int wf_autocommit(sqlite3 *db);
int wf_autocommit(sqlite3 *db) { return sqlite3_get_autocommit(db); }

static int isSkipped(char c) { return c == ' ' || c == ';' || (c >= '\t' && c <= '\r'); }

/* True if nothing but white space, semicolons and comments follows. */
static int isBlank(const char *p) {
  while (*p) {
    if (isSkipped(*p)) {
      p++;
    } else if (p[0] == '/' && p[1] == '*') {
      for (p += 2; *p && !(p[0] == '*' && p[1] == '/'); p++) {}
      if (*p) p += 2;
    } else if (p[0] == '-' && p[1] == '-') {
      while (*p && *p != '\n') p++;
    } else {
      return 0;
    }
  }
  return 1;
}

/*
** Prepares the one statement in `sql` (`bytes` with the closing NUL).
** buf->code: SQLITE_OK, -SQLITE_MISUSE for more than one statement, or an error.
** On success buf->columns, buf->rows (parameters), buf->changes (read-only) are set.
*/
WF_EXPORT(wf_prepare) sqlite3_stmt *wf_prepare(sqlite3 *db, const char *sql, int bytes, int flags, wf_buf *buf);
sqlite3_stmt *wf_prepare(sqlite3 *db, const char *sql, int bytes, int flags, wf_buf *buf) {
  sqlite3_stmt *stmt = 0;
  const char *tail = 0;
  wf_entered++;
  buf->code = sqlite3_prepare_v3(db, sql, bytes, (unsigned)flags, &stmt, &tail);
  wf_entered--;
  if (!stmt) return 0;
  if (!isBlank(tail)) {
    sqlite3_finalize(stmt);
    buf->code = -SQLITE_MISUSE;
    return 0;
  }
  buf->columns = sqlite3_column_count(stmt);
  buf->rows = sqlite3_bind_parameter_count(stmt);
  buf->changes = sqlite3_stmt_readonly(stmt);
  return stmt;
}

WF_EXPORT(wf_finalize) void wf_finalize(sqlite3_stmt *stmt);
void wf_finalize(sqlite3_stmt *stmt) {
  wf_entered++;
  sqlite3_finalize(stmt);
  wf_entered--;
}

/* Approximate bytes of a statement. */
WF_EXPORT(wf_statement_bytes) int wf_statement_bytes(sqlite3_stmt *stmt);
int wf_statement_bytes(sqlite3_stmt *stmt) { return sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_MEMUSED, 0); }

WF_EXPORT(wf_column_count) int wf_column_count(sqlite3_stmt *stmt);
int wf_column_count(sqlite3_stmt *stmt) { return sqlite3_column_count(stmt); }

/* The SQL with its parameters filled in; to be freed with wf_free(). 0: too long, or no memory. */
WF_EXPORT(wf_expanded_sql) char *wf_expanded_sql(sqlite3_stmt *stmt);
char *wf_expanded_sql(sqlite3_stmt *stmt) { return sqlite3_expanded_sql(stmt); }

WF_EXPORT(wf_sql) const char *wf_sql(sqlite3_stmt *stmt);
const char *wf_sql(sqlite3_stmt *stmt) { return sqlite3_sql(stmt); }

/*
** Runs all statements of `sql`, as Database::JS_exec does; with `log`, asks the
** host before each. Returns SQLITE_OK, an error, or -1 if the host refused.
*/
static int exec(sqlite3 *db, const char *sql, int log) {
  for (;;) {
    sqlite3_stmt *stmt;
    int rc;
    while (isSkipped(*sql)) sql++;
    rc = sqlite3_prepare_v2(db, sql, -1, &stmt, &sql);
    if (!stmt) return rc;
    if (log && wf_log_statement(stmt)) {
      sqlite3_finalize(stmt);
      return -1;
    }
    while (sqlite3_step(stmt) == SQLITE_ROW) {}
    rc = sqlite3_finalize(stmt);
    if (rc != SQLITE_OK) return rc;
  }
}

WF_EXPORT(wf_exec) int wf_exec(sqlite3 *db, const char *sql, int log);
int wf_exec(sqlite3 *db, const char *sql, int log) {
  WF_ENTERED(int, exec(db, sql, log));
}

#ifdef SQLITE_ENABLE_STMT_SCANSTATUS
/*
** sqlite3_stmt_scanstatus_v2(). Returns WF_NULL past the end, else the tag of
** what is now in buf: WF_INT64 (buf->rowid), WF_DOUBLE (buf->number), WF_UTF8
** (buf->changes: address, 0 for none), or -1 for an opcode that does not exist.
*/
WF_EXPORT(wf_scan_status) int wf_scan_status(sqlite3_stmt *stmt, wf_buf *buf, int loop, int opcode, int flags);
int wf_scan_status(sqlite3_stmt *stmt, wf_buf *buf, int loop, int opcode, int flags) {
  switch (opcode) {
    case SQLITE_SCANSTAT_NAME:
    case SQLITE_SCANSTAT_EXPLAIN: {
      const char *text = 0;
      if (sqlite3_stmt_scanstatus_v2(stmt, loop, opcode, flags, &text) != SQLITE_OK || !text) return WF_NULL;
      buf->changes = (int32_t)(uintptr_t)text;
      return WF_UTF8;
    }
    case SQLITE_SCANSTAT_EST: {
      double estimate = 0;
      if (sqlite3_stmt_scanstatus_v2(stmt, loop, opcode, flags, &estimate) != SQLITE_OK) return WF_NULL;
      buf->number = estimate;
      return WF_DOUBLE;
    }
    case SQLITE_SCANSTAT_SELECTID:
    case SQLITE_SCANSTAT_PARENTID: {
      int id = 0;
      if (sqlite3_stmt_scanstatus_v2(stmt, loop, opcode, flags, &id) != SQLITE_OK) return WF_NULL;
      buf->number = id;
      return WF_DOUBLE;
    }
    case SQLITE_SCANSTAT_NLOOP:
    case SQLITE_SCANSTAT_NVISIT:
    case SQLITE_SCANSTAT_NCYCLE: {
      sqlite3_int64 n = 0;
      if (sqlite3_stmt_scanstatus_v2(stmt, loop, opcode, flags, &n) != SQLITE_OK) return WF_NULL;
      buf->rowid = n;
      return WF_INT64;
    }
    default:
      return -1;
  }
}

WF_EXPORT(wf_scan_reset) void wf_scan_reset(sqlite3_stmt *stmt);
void wf_scan_reset(sqlite3_stmt *stmt) { sqlite3_stmt_scanstatus_reset(stmt); }
#endif

/* A copy of a database, to be freed with wf_free(); buf->number has its size, or -1. */
WF_EXPORT(wf_serialize) uint8_t *wf_serialize(sqlite3 *db, const char *name, wf_buf *buf);
uint8_t *wf_serialize(sqlite3 *db, const char *name, wf_buf *buf) {
  sqlite3_int64 size = -1;
  uint8_t *data;
  wf_entered++;
  data = sqlite3_serialize(db, name, &size, 0);
  wf_entered--;
  buf->number = (double)size;
  return data;
}

/* Takes over `data`, which comes from wf_malloc(). */
WF_EXPORT(wf_deserialize) int wf_deserialize(sqlite3 *db, uint8_t *data, uint32_t size, int readonly);
int wf_deserialize(sqlite3 *db, uint8_t *data, uint32_t size, int readonly) {
  unsigned flags = SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE;
  if (readonly) flags |= SQLITE_DESERIALIZE_READONLY;
  WF_ENTERED(int, sqlite3_deserialize(db, "main", data, size, size, flags));
}

WF_EXPORT(wf_backup_new) sqlite3_backup *wf_backup_new(sqlite3 *to, sqlite3 *from, const char *name);
sqlite3_backup *wf_backup_new(sqlite3 *to, sqlite3 *from, const char *name) {
  WF_ENTERED(sqlite3_backup *, sqlite3_backup_init(to, "main", from, name));
}

/* Copies up to `pages` pages; buf->rows: pages in all, buf->columns: pages to go. */
WF_EXPORT(wf_backup_step) int wf_backup_step(sqlite3_backup *backup, int pages, wf_buf *buf);
int wf_backup_step(sqlite3_backup *backup, int pages, wf_buf *buf) {
  int rc;
  wf_entered++;
  rc = sqlite3_backup_step(backup, pages);
  wf_entered--;
  buf->rows = sqlite3_backup_pagecount(backup);
  buf->columns = sqlite3_backup_remaining(backup);
  return rc;
}

WF_EXPORT(wf_backup_finish) int wf_backup_finish(sqlite3_backup *backup);
int wf_backup_finish(sqlite3_backup *backup) { WF_ENTERED(int, sqlite3_backup_finish(backup)); }

WF_EXPORT(wf_filename) const char *wf_filename(sqlite3 *db);
const char *wf_filename(sqlite3 *db) { return sqlite3_db_filename(db, "main"); }
