/*
** Values into cells, rows into buffers, parameters out of them.
**
** A row is encoded in the same call that steps to it, and a statement is never
** stepped further than the host asked for: statements with RETURNING, functions
** and tables in the host's language, and SQLITE_SCANSTAT_NVISIT would all notice.
*/
#include <string.h>
#include "engine.h"

/* A value longer than this is not copied: the row is pinned instead. */
#define COPY_LIMIT 16384

int32_t wf_entered = 0;

WF_EXPORT(wf_entered_address) int32_t *wf_entered_address(void);
int32_t *wf_entered_address(void) { return &wf_entered; }

static uint32_t valueLimit = 0; /* bytes; 0: none */

WF_EXPORT(wf_set_value_limit) void wf_set_value_limit(uint32_t bytes);
void wf_set_value_limit(uint32_t bytes) { valueLimit = bytes; }

/* True if all bytes are below 0x80. Eight at a time: most texts are short or all ASCII. */
int wf_ascii(const uint8_t *p, uint32_t n) {
  uint64_t seen = 0;
  while (n >= 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    seen |= word;
    p += 8;
    n -= 8;
  }
  while (n--) seen |= *p++;
  return (seen & 0x8080808080808080ull) == 0;
}

/* Copies and tells at the same time whether the text is ASCII. */
static int copyText(uint8_t *to, const uint8_t *from, uint32_t n) {
  uint64_t seen = 0;
  while (n >= 8) {
    uint64_t word;
    memcpy(&word, from, 8);
    memcpy(to, &word, 8);
    seen |= word;
    from += 8;
    to += 8;
    n -= 8;
  }
  while (n--) {
    seen |= *from;
    *to++ = *from++;
  }
  return (seen & 0x8080808080808080ull) == 0;
}

/* v8::Number::New(double) of the addon, with the small ones kept as integers. */
static int encodeInteger(int64_t n, int safeIntegers, void *slot) {
  if (safeIntegers) {
    *(int64_t *)slot = n;
    return WF_INT64;
  }
  if (n == (int32_t)n) {
    *(int32_t *)slot = (int32_t)n;
    return WF_INT32;
  }
  *(double *)slot = (double)n;
  return WF_DOUBLE;
}

void wf_encode_values(int argc, sqlite3_value **argv, int safeIntegers, wf_cell *out) {
  for (int i = 0; i < argc; i++, out++) {
    sqlite3_value *v = argv[i];
    switch (sqlite3_value_type(v)) {
      case SQLITE_INTEGER:
        out->tag = (uint8_t)encodeInteger(sqlite3_value_int64(v), safeIntegers, &out->u);
        break;
      case SQLITE_FLOAT:
        out->tag = WF_DOUBLE;
        out->u.d = sqlite3_value_double(v);
        break;
      case SQLITE_TEXT: {
        const uint8_t *text = sqlite3_value_text(v);
        out->u.s.address = (uint32_t)(uintptr_t)text;
        out->u.s.bytes = text ? (uint32_t)sqlite3_value_bytes(v) : 0;
        out->tag = wf_ascii(text, out->u.s.bytes) ? WF_ASCII : WF_UTF8;
        break;
      }
      case SQLITE_BLOB:
        out->tag = WF_BLOB;
        out->u.s.address = (uint32_t)(uintptr_t)sqlite3_value_blob(v);
        out->u.s.bytes = (uint32_t)sqlite3_value_bytes(v);
        break;
      default:
        out->tag = WF_NULL;
    }
  }
}

void wf_give_result(sqlite3_context *ctx, wf_result *result) {
  wf_cell *cell = &result->cell;
  const char *bytes = (const char *)(uintptr_t)cell->u.s.address;
  switch (cell->tag) {
    case WF_DOUBLE: sqlite3_result_double(ctx, cell->u.d); break;
    case WF_INT64: sqlite3_result_int64(ctx, cell->u.n); break;
    case WF_ASCII:
    case WF_UTF8:
      sqlite3_result_text64(ctx, bytes, cell->u.s.bytes, cell->owned ? sqlite3_free : SQLITE_TRANSIENT, SQLITE_UTF8);
      break;
    case WF_BLOB:
      sqlite3_result_blob64(ctx, bytes, cell->u.s.bytes, cell->owned ? sqlite3_free : SQLITE_TRANSIENT);
      break;
    default: sqlite3_result_null(ctx);
  }
}

/* Where the bytes of the next value go. */
typedef struct heap_cursor {
  uint8_t *at, *end;
} heap_cursor;

/*
** One row into `row`. Returns SQLITE_OK, SQLITE_NOMEM or WF_TOO_BIG.
** A value that is long, or does not fit, is left where SQLite has it, and the
** buffer is marked as pinned.
*/
static int encodeRow(sqlite3_stmt *stmt, int columns, int safeIntegers, wf_buf *buf, uint8_t *row, heap_cursor *heap) {
  uint64_t *slot = (uint64_t *)(row + ((columns + 7) & ~7));
  for (int i = 0; i < columns; i++, slot++) {
    switch (sqlite3_column_type(stmt, i)) {
      case SQLITE_INTEGER:
        row[i] = (uint8_t)encodeInteger(sqlite3_column_int64(stmt, i), safeIntegers, slot);
        break;
      case SQLITE_FLOAT:
        row[i] = WF_DOUBLE;
        *(double *)slot = sqlite3_column_double(stmt, i);
        break;
      case SQLITE_TEXT: {
        const uint8_t *text = sqlite3_column_text(stmt, i);
        uint32_t n = (uint32_t)sqlite3_column_bytes(stmt, i);
        if (!text) return SQLITE_NOMEM;
        if (valueLimit && n > valueLimit) {
          buf->code = i;
          buf->number = n;
          return WF_TOO_BIG;
        }
        if (n <= COPY_LIMIT && n <= (uint32_t)(heap->end - heap->at)) {
          row[i] = copyText(heap->at, text, n) ? WF_ASCII : WF_UTF8;
          ((uint32_t *)slot)[0] = (uint32_t)(uintptr_t)heap->at;
          heap->at += n;
        } else {
          row[i] = wf_ascii(text, n) ? WF_ASCII : WF_UTF8;
          ((uint32_t *)slot)[0] = (uint32_t)(uintptr_t)text;
          buf->pinned = 1;
        }
        ((uint32_t *)slot)[1] = n;
        break;
      }
      case SQLITE_BLOB: {
        const void *blob = sqlite3_column_blob(stmt, i);
        uint32_t n = (uint32_t)sqlite3_column_bytes(stmt, i);
        if (!blob && n) return SQLITE_NOMEM;
        if (valueLimit && n > valueLimit) {
          buf->code = i;
          buf->number = n;
          return WF_TOO_BIG;
        }
        row[i] = WF_BLOB;
        if (n <= COPY_LIMIT && n <= (uint32_t)(heap->end - heap->at)) {
          if (n) memcpy(heap->at, blob, n);
          ((uint32_t *)slot)[0] = (uint32_t)(uintptr_t)heap->at;
          heap->at += n;
        } else {
          ((uint32_t *)slot)[0] = (uint32_t)(uintptr_t)blob;
          buf->pinned = 1;
        }
        ((uint32_t *)slot)[1] = n;
        break;
      }
      default:
        row[i] = WF_NULL;
    }
  }
  return SQLITE_OK;
}

/*
** Binds `count` parameters from buf->params. With `keep` their bytes are copied;
** else they stay in the buffer, which must hold until the bindings are cleared.
** Returns SQLITE_OK or the first code that is not (also left in buf->code).
*/
static int bindAll(sqlite3_stmt *stmt, wf_buf *buf, int count, int keep) {
  sqlite3_destructor_type lifetime = keep ? SQLITE_TRANSIENT : SQLITE_STATIC;
  const wf_cell *p = (const wf_cell *)buf->params;
  int rc = SQLITE_OK;
  for (int i = 0; i < count; i++, p++) {
    const char *bytes = (const char *)(uintptr_t)p->u.s.address;
    int code;
    switch (p->tag) {
      case WF_DOUBLE: code = sqlite3_bind_double(stmt, p->index, p->u.d); break;
      case WF_INT64: code = sqlite3_bind_int64(stmt, p->index, p->u.n); break;
      case WF_ASCII:
      case WF_UTF8:
        code = sqlite3_bind_text64(stmt, p->index, bytes, p->u.s.bytes, p->owned ? sqlite3_free : lifetime, SQLITE_UTF8);
        break;
      case WF_BLOB:
        code = sqlite3_bind_blob64(stmt, p->index, bytes, p->u.s.bytes, p->owned ? sqlite3_free : lifetime);
        break;
      default: code = sqlite3_bind_null(stmt, p->index);
    }
    /* Go on after a failure: SQLite frees each owned value that it is given. */
    if (code != SQLITE_OK && rc == SQLITE_OK) rc = code;
  }
  buf->code = rc;
  return rc;
}

WF_EXPORT(wf_bind) int wf_bind(sqlite3_stmt *stmt, wf_buf *buf, int count);
int wf_bind(sqlite3_stmt *stmt, wf_buf *buf, int count) {
  int rc = bindAll(stmt, buf, count, 1);
  if (rc != SQLITE_OK) sqlite3_clear_bindings(stmt);
  return rc;
}

static int reset(sqlite3_stmt *stmt, int flags) {
  int rc = sqlite3_reset(stmt);
  if (flags & WF_CLEAR) sqlite3_clear_bindings(stmt);
  return rc;
}

WF_EXPORT(wf_reset) int wf_reset(sqlite3_stmt *stmt, int flags);
int wf_reset(sqlite3_stmt *stmt, int flags) { WF_ENTERED(int, reset(stmt, flags)); }

/* A build may allow rows of up to 32,767 columns (SQLITE_MAX_COLUMN). */
static int growCells(wf_buf *buf, uint32_t bytes) {
  uint8_t *cells = sqlite3_malloc((int)bytes);
  if (!cells) return 0;
  sqlite3_free(buf->cells);
  buf->cells = cells;
  buf->cellBytes = bytes;
  return 1;
}

/*
** Binds (count >= 0; bytes stay in the buffer, so only with WF_CLEAR and when
** the host runs the statement to its end), then steps and encodes up to
** `maxRows` rows.
**
** Returns SQLITE_ROW if there may be more, SQLITE_DONE, or an error. After
** SQLITE_DONE or an error the statement is reset; the connection keeps the
** error's message. With buf->pinned the last row has to be read before anything
** else is done with the statement.
*/
static int step(sqlite3_stmt *stmt, wf_buf *buf, int count, int maxRows, int flags) {
  int safeIntegers = flags & WF_SAFE_INTEGERS, columns = 0, rc;
  uint32_t stride = 0;
  heap_cursor heap = {buf->heap, buf->heap + buf->heapBytes};
  uint8_t *row = buf->cells, *end = buf->cells + buf->cellBytes;

  buf->rows = 0;
  buf->pinned = 0;
  if (count > 0 && bindAll(stmt, buf, count, 0) != SQLITE_OK) {
    sqlite3_clear_bindings(stmt);
    return WF_BIND_FAILED;
  }
  for (;;) {
    rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW) {
      int code = reset(stmt, flags);
      return rc == SQLITE_DONE ? SQLITE_DONE : code != SQLITE_OK ? code : rc;
    }
    if (row == buf->cells) {
      /* Only now: the first step may have prepared the statement again. */
      columns = sqlite3_column_count(stmt);
      if ((flags & WF_PLUCK) && columns > 1) columns = 1;
      stride = (uint32_t)(((columns + 7) & ~7) + columns * 8);
      buf->columns = columns;
      buf->reprepared = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_REPREPARE, 0);
      if (stride > buf->cellBytes) {
        if (!growCells(buf, stride)) {
          reset(stmt, flags);
          return SQLITE_NOMEM;
        }
        row = buf->cells;
        end = row + buf->cellBytes;
      }
    }
    rc = encodeRow(stmt, columns, safeIntegers, buf, row, &heap);
    if (rc != SQLITE_OK) {
      reset(stmt, flags);
      return rc;
    }
    buf->rows++;
    row += stride;
    if (flags & WF_ONE) {
      if (!buf->pinned) reset(stmt, flags);
      return SQLITE_ROW;
    }
    if (buf->pinned || buf->rows >= maxRows || row + stride > end) return SQLITE_ROW;
  }
}

WF_EXPORT(wf_step) int wf_step(sqlite3_stmt *stmt, wf_buf *buf, int count, int maxRows, int flags);
int wf_step(sqlite3_stmt *stmt, wf_buf *buf, int count, int maxRows, int flags) {
  WF_ENTERED(int, step(stmt, buf, count, maxRows, flags));
}

/*
** Binds, steps once and resets, as Statement::JS_run does. Returns the code of
** sqlite3_reset(); buf->changes and buf->rowid (as a number in
** buf->number) have the results.
*/
WF_EXPORT(wf_run) int wf_run(sqlite3_stmt *stmt, wf_buf *buf, int count, int flags);
int wf_run(sqlite3_stmt *stmt, wf_buf *buf, int count, int flags) {
  sqlite3 *db = sqlite3_db_handle(stmt);
  int before = sqlite3_total_changes(db), rc;
  wf_entered++;
  if (count > 0 && bindAll(stmt, buf, count, 0) != SQLITE_OK) {
    sqlite3_clear_bindings(stmt);
    wf_entered--;
    return WF_BIND_FAILED;
  }
  sqlite3_step(stmt);
  rc = reset(stmt, flags);
  wf_entered--;
  buf->changes = sqlite3_total_changes(db) == before ? 0 : sqlite3_changes(db);
  buf->rowid = sqlite3_last_insert_rowid(db);
  buf->number = (double)buf->rowid;
  return rc;
}

/* A text (or null) as cell `i` of a row of texts. The text stays SQLite's. */
static void putText(uint8_t *row, int columns, int i, const char *text) {
  uint32_t *slot = (uint32_t *)(row + ((columns + 7) & ~7) + i * 8);
  slot[0] = (uint32_t)(uintptr_t)text;
  slot[1] = text ? (uint32_t)strlen(text) : 0;
  row[i] = text ? WF_UTF8 : WF_NULL;
}

/* Describes result column `i`: name, origin column, table, database, declared type. */
WF_EXPORT(wf_column) void wf_column(sqlite3_stmt *stmt, wf_buf *buf, int i);
void wf_column(sqlite3_stmt *stmt, wf_buf *buf, int i) {
  putText(buf->cells, 5, 0, sqlite3_column_name(stmt, i));
  putText(buf->cells, 5, 1, sqlite3_column_origin_name(stmt, i));
  putText(buf->cells, 5, 2, sqlite3_column_table_name(stmt, i));
  putText(buf->cells, 5, 3, sqlite3_column_database_name(stmt, i));
  putText(buf->cells, 5, 4, sqlite3_column_decltype(stmt, i));
}

WF_EXPORT(wf_parameter_name) const char *wf_parameter_name(sqlite3_stmt *stmt, int i);
const char *wf_parameter_name(sqlite3_stmt *stmt, int i) { return sqlite3_bind_parameter_name(stmt, i); }

static void freeBuffer(wf_buf *buf) {
  sqlite3_free(buf->cells);
  sqlite3_free(buf->heap);
  sqlite3_free(buf->params);
  sqlite3_free(buf);
}

/* A new buffer, or 0 without memory. `cells` grows by itself. */
WF_EXPORT(wf_buf_new) wf_buf *wf_buf_new(uint32_t cellBytes, uint32_t heapBytes, uint32_t paramBytes);
wf_buf *wf_buf_new(uint32_t cellBytes, uint32_t heapBytes, uint32_t paramBytes) {
  wf_buf *buf = sqlite3_malloc(sizeof(*buf));
  if (!buf) return 0;
  memset(buf, 0, sizeof(*buf));
  buf->cells = sqlite3_malloc((int)cellBytes);
  buf->heap = sqlite3_malloc((int)heapBytes);
  buf->params = sqlite3_malloc((int)paramBytes);
  if (!buf->cells || !buf->heap || !buf->params) {
    freeBuffer(buf);
    return 0;
  }
  buf->cellBytes = cellBytes;
  buf->heapBytes = heapBytes;
  buf->paramBytes = paramBytes;
  return buf;
}

/* Makes room for `bytes` of parameters. Returns 0 without memory; what was written is lost. */
WF_EXPORT(wf_buf_params) int wf_buf_params(wf_buf *buf, uint32_t bytes);
int wf_buf_params(wf_buf *buf, uint32_t bytes) {
  uint8_t *params = sqlite3_malloc((int)bytes);
  if (!params) return 0;
  sqlite3_free(buf->params);
  buf->params = params;
  buf->paramBytes = bytes;
  return 1;
}
