/*
** The user's virtual tables: table-valued functions over a generator of the
** host, read-only, as CustomTable of the addon.
*/
#include <string.h>
#include "engine.h"
#include "imports.h"

/* What the host answers to table_connect(); wf_malloc'ed texts, freed here. */
typedef struct table_definition {
  char *sql;        /* CREATE TABLE x(...) */
  char *parameters; /* their names, each with a closing NUL */
  int32_t table;    /* number of the table */
  int32_t count;    /* of the parameters, which are the first columns */
  int32_t safeIntegers;
  int32_t directOnly;
} table_definition;

typedef struct table {
  sqlite3_vtab base;
  int32_t id, count, safeIntegers;
  char *parameters;
} table;

typedef struct cursor {
  sqlite3_vtab_cursor base;
  int32_t id; /* 0: none yet, or no rows */
  int done;
  sqlite3_int64 rowid;
} cursor;

static int xConnect(sqlite3 *db, void *user, int argc, const char *const *argv, sqlite3_vtab **out, char **error) {
  table_definition def;
  table *t;
  memset(&def, 0, sizeof(def));
  if (wf_table_connect((int32_t)(intptr_t)user, argc, argv, &def)) return SQLITE_ERROR;
  if (sqlite3_declare_vtab(db, def.sql) != SQLITE_OK) {
    *error = sqlite3_mprintf("failed to declare virtual table \"%s\"", argv[2]);
  } else if (def.directOnly && sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY) != SQLITE_OK) {
    *error = sqlite3_mprintf("failed to configure virtual table \"%s\"", argv[2]);
  } else if ((t = sqlite3_malloc(sizeof(*t))) != 0) {
    memset(t, 0, sizeof(*t));
    t->id = def.table;
    t->count = def.count;
    t->safeIntegers = def.safeIntegers;
    t->parameters = def.parameters;
    sqlite3_free(def.sql);
    *out = &t->base;
    return SQLITE_OK;
  }
  sqlite3_free(def.sql);
  sqlite3_free(def.parameters);
  wf_table_disconnect(def.table);
  return *error ? SQLITE_ERROR : SQLITE_NOMEM;
}

/* Not xConnect itself: with the same function twice, SQLite would make the table eponymous. */
static int xCreate(sqlite3 *db, void *user, int argc, const char *const *argv, sqlite3_vtab **out, char **error) {
  return xConnect(db, user, argc, argv, out, error);
}

static int xDisconnect(sqlite3_vtab *vtab) {
  table *t = (table *)vtab;
  wf_table_disconnect(t->id);
  sqlite3_free(t->parameters);
  sqlite3_free(t);
  return SQLITE_OK;
}

static int xOpen(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  cursor *c = sqlite3_malloc(sizeof(*c));
  (void)vtab;
  if (!c) return SQLITE_NOMEM;
  memset(c, 0, sizeof(*c));
  *out = &c->base;
  return SQLITE_OK;
}

static int xClose(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  if (c->id) wf_table_close(c->id);
  sqlite3_free(c);
  return SQLITE_OK;
}

static int xNext(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  int rc = wf_table_next(c->id);
  if (rc < 0) return SQLITE_ERROR;
  c->done = rc;
  c->rowid++;
  return SQLITE_OK;
}

/* idxNum has a bit for each parameter that is given; argv has them in that order. */
static int xFilter(sqlite3_vtab_cursor *base, int idxNum, const char *idxStr, int argc, sqlite3_value **argv) {
  cursor *c = (cursor *)base;
  table *t = (table *)base->pVtab;
  wf_cell args[32];
  int32_t id;
  (void)idxStr;
  if (argc > 32) return SQLITE_ERROR;
  wf_encode_values(argc, argv, t->safeIntegers, args);
  id = wf_table_filter(t->id, c->id, idxNum, argc, args);
  if (id < 0) return SQLITE_ERROR;
  c->id = id;
  c->rowid = 0;
  c->done = id == 0;
  return c->done ? SQLITE_OK : xNext(base);
}

static int xEof(sqlite3_vtab_cursor *base) { return ((cursor *)base)->done; }

static int xColumn(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int column) {
  wf_result result;
  memset(&result.cell, 0, sizeof(result.cell));
  if (wf_table_column(((cursor *)base)->id, column, &result)) return SQLITE_ERROR;
  wf_give_result(ctx, &result);
  return SQLITE_OK;
}

static int xRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = ((cursor *)base)->rowid;
  return SQLITE_OK;
}

static const char *parameterName(const table *t, int i) {
  const char *name = t->parameters;
  while (i-- > 0) name += strlen(name) + 1;
  return name;
}

static int xBestIndex(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  table *t = (table *)vtab;
  int given[32], forwarded = 0;
  memset(given, 0, sizeof(given));
  for (int i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];
    /* These two have no column (sqlite.org/vtab.html#limit_and_offset). */
    if (c->op == SQLITE_INDEX_CONSTRAINT_LIMIT || c->op == SQLITE_INDEX_CONSTRAINT_OFFSET) continue;
    if (c->iColumn < 0 || c->iColumn >= t->count) continue;
    if (c->op != SQLITE_INDEX_CONSTRAINT_EQ) {
      sqlite3_free(vtab->zErrMsg);
      vtab->zErrMsg = sqlite3_mprintf("virtual table parameter \"%s\" can only be constrained by the '=' operator", parameterName(t, c->iColumn));
      return SQLITE_ERROR;
    }
    /* A plan that leaves out a given argument would run the generator without it. */
    if (!c->usable) return SQLITE_CONSTRAINT;
    if (!given[c->iColumn]) given[c->iColumn] = i + 1;
  }
  for (int p = 0; p < t->count; p++) {
    if (!given[p]) continue;
    info->idxNum |= (int)(1u << p);
    info->aConstraintUsage[given[p] - 1].argvIndex = ++forwarded;
    info->aConstraintUsage[given[p] - 1].omit = 1;
  }
  /* Dear enough that no generator runs inside a loop if that can be avoided. */
  info->estimatedRows = 1000000000 / (forwarded + 1);
  info->estimatedCost = (double)info->estimatedRows;
  return SQLITE_OK;
}

static void xDestroy(void *user) { wf_function_destroy((int32_t)(intptr_t)user); }

static const sqlite3_module modules[2] = {
  {.xCreate = xCreate, .xConnect = xConnect, .xBestIndex = xBestIndex, .xDisconnect = xDisconnect, .xDestroy = xDisconnect,
   .xOpen = xOpen, .xClose = xClose, .xFilter = xFilter, .xNext = xNext, .xEof = xEof, .xColumn = xColumn, .xRowid = xRowid},
  {.xCreate = 0, .xConnect = xConnect, .xBestIndex = xBestIndex, .xDisconnect = xDisconnect, .xDestroy = xDisconnect,
   .xOpen = xOpen, .xClose = xClose, .xFilter = xFilter, .xNext = xNext, .xEof = xEof, .xColumn = xColumn, .xRowid = xRowid},
};

/* SQLite calls wf_function_destroy(module) also when this fails. */
WF_EXPORT(wf_create_module) int wf_create_module(sqlite3 *db, const char *name, int eponymous, int module);
int wf_create_module(sqlite3 *db, const char *name, int eponymous, int module) {
  return sqlite3_create_module_v2(db, name, &modules[eponymous ? 1 : 0], (void *)(intptr_t)module, xDestroy);
}
