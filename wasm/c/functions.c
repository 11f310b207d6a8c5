/*
** The user's functions, aggregates and window functions.
**
** They live in the host under a number; SQLite gets the number as its user data.
** So no function table grows, and nothing has to be called back by address.
*/
#include <string.h>
#include "engine.h"
#include "imports.h"

#define FAST_ARGS 8

/* Arguments as cells: on the stack if they are few. Returns 0 without memory. */
static wf_cell *encodeArgs(int argc, sqlite3_value **argv, int safeIntegers, wf_cell *fast) {
  wf_cell *args = argc <= FAST_ARGS ? fast : sqlite3_malloc(argc * (int)sizeof(wf_cell));
  if (args) wf_encode_values(argc, argv, safeIntegers, args);
  return args;
}

/* User data: the number, and in the lowest bit whether integers are BigInt. */
static int32_t userId(sqlite3_context *ctx) { return (int32_t)(intptr_t)sqlite3_user_data(ctx) >> 1; }
static int userSafe(sqlite3_context *ctx) { return (int)(intptr_t)sqlite3_user_data(ctx) & 1; }

/* The exception itself waits in the host; SQLite only has to stop. */
static void fail(sqlite3_context *ctx) { sqlite3_result_error(ctx, "", 0); }

static void xFunc(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  wf_cell fast[FAST_ARGS];
  wf_result result;
  wf_cell *args = encodeArgs(argc, argv, userSafe(ctx), fast);
  if (!args) {
    sqlite3_result_error_nomem(ctx);
    return;
  }
  memset(&result.cell, 0, sizeof(result.cell));
  if (wf_function_call(userId(ctx), argc, args, &result)) fail(ctx);
  else wf_give_result(ctx, &result);
  if (args != fast) sqlite3_free(args);
}

/* The accumulator is the host's; four zeroed bytes here name it. */
static int32_t *aggregateState(sqlite3_context *ctx) {
  int32_t *state = sqlite3_aggregate_context(ctx, sizeof(int32_t));
  if (!state) sqlite3_result_error_nomem(ctx);
  return state;
}

static void step(sqlite3_context *ctx, int argc, sqlite3_value **argv, int inverse) {
  wf_cell fast[FAST_ARGS];
  int32_t *state = aggregateState(ctx);
  wf_cell *args = state ? encodeArgs(argc, argv, userSafe(ctx), fast) : 0;
  if (!args) {
    sqlite3_result_error_nomem(ctx);
    return;
  }
  if (wf_aggregate_step(userId(ctx), state, argc, args, inverse)) fail(ctx);
  if (args != fast) sqlite3_free(args);
}

static void value(sqlite3_context *ctx, int isFinal) {
  wf_result result;
  int32_t *state = aggregateState(ctx);
  if (!state) return;
  memset(&result.cell, 0, sizeof(result.cell));
  if (wf_aggregate_value(userId(ctx), state, isFinal, &result)) fail(ctx);
  else wf_give_result(ctx, &result);
}

static void xStep(sqlite3_context *ctx, int argc, sqlite3_value **argv) { step(ctx, argc, argv, 0); }
static void xInverse(sqlite3_context *ctx, int argc, sqlite3_value **argv) { step(ctx, argc, argv, 1); }
static void xValue(sqlite3_context *ctx) { value(ctx, 0); }
static void xFinal(sqlite3_context *ctx) { value(ctx, 1); }

static void xDestroy(void *user) { wf_function_destroy((int32_t)(intptr_t)user >> 1); }

/*
** `user`: number << 1 | safeIntegers. kind: 0 scalar, 1 aggregate, 2 window.
** SQLite calls wf_function_destroy() also when this fails.
*/
WF_EXPORT(wf_create_function) int wf_create_function(sqlite3 *db, const char *name, int argc, int flags, int user, int kind);
int wf_create_function(sqlite3 *db, const char *name, int argc, int flags, int user, int kind) {
  void *data = (void *)(intptr_t)user;
  if (kind == 0) return sqlite3_create_function_v2(db, name, argc, flags | SQLITE_UTF8, data, xFunc, 0, 0, xDestroy);
  return sqlite3_create_window_function(db, name, argc, flags | SQLITE_UTF8, data, xStep, xFinal,
                                        kind == 2 ? xValue : 0, kind == 2 ? xInverse : 0, xDestroy);
}
