/*
** The border between SQLite and its hosts (JavaScript in Node, Python in
** `wasmfix.runtime`).
**
** Everything that crosses it is made of i32, f64 and flat memory: no BigInt
** reaches a file offset, and a host needs nothing but the memory to read a row.
** Hosts import nothing but module `env` (imports.h) and call nothing but the
** functions that carry WF_EXPORT.
**
** Invariant: an import never lets a host exception through. It returns a code,
** and the host throws the exception again when the outermost call is back.
*/
#ifndef WASMFIX_ENGINE_H
#define WASMFIX_ENGINE_H

#include <stdint.h>

/* What the package chose: for WASI, its header leaves loading out by itself. */
#ifdef SQLITE_OMIT_LOAD_EXTENSION
#define WF_OMITS_LOAD_EXTENSION
#endif
#include "sqlite3.h"

#define WF_ABI 1

#define WF_EXPORT(name) __attribute__((export_name(#name), used)) extern

/* Tags of a cell. Result columns, arguments, parameters and results share them. */
enum {
  WF_NULL = 0,
  WF_INT32 = 1,  /* i32 in the low half of the slot */
  WF_DOUBLE = 2, /* f64; also integers that do not fit i32, if the host wants numbers */
  WF_INT64 = 3,  /* i64 */
  WF_ASCII = 4,  /* text of bytes below 0x80: address, length */
  WF_UTF8 = 5,   /* any other text: address, length */
  WF_BLOB = 6    /* address, length */
};

/* Codes that are not SQLite's. */
enum {
  WF_BIND_FAILED = -2, /* binding failed; wf_buf.code has SQLite's code */
  WF_TOO_BIG = -3      /* a value exceeds the limit of wf_set_value_limit() */
};

/* Flags of wf_step(). */
enum {
  WF_SAFE_INTEGERS = 1, /* integers as WF_INT64, else WF_INT32 or WF_DOUBLE */
  WF_PLUCK = 2,         /* only the first column */
  WF_CLEAR = 4,         /* clear the bindings whenever the statement is reset */
  WF_ONE = 8            /* reset after the first row: get() */
};

/*
** One buffer for each depth of nested calls. The host reads the fields by their
** offset (4 bytes each), so new fields go to the end.
**
** A row is `stride` bytes at `cells + row * stride`: one tag byte a column,
** zero padding to a multiple of 8, then 8 bytes a column.
*/
typedef struct wf_buf {
  uint8_t *cells;     /*  0: rows */
  uint32_t cellBytes; /*  4 */
  uint8_t *heap;      /*  8: bytes of the texts and blobs of the rows */
  uint32_t heapBytes; /* 12 */
  uint8_t *params;    /* 16: wf_param[], written by the host */
  uint32_t paramBytes;/* 20 */
  int32_t rows;       /* 24: rows encoded */
  int32_t columns;    /* 28: cells a row */
  int32_t reprepared; /* 32: how often SQLite has prepared the statement again */
  int32_t pinned;     /* 36: the last row points into SQLite's own memory, which
                      **     is valid until the statement moves; not reset yet */
  int32_t code;       /* 40: with WF_BIND_FAILED, SQLite's code; the column with WF_TOO_BIG */
  int32_t changes;    /* 44: of wf_run() */
  int64_t rowid;      /* 48: of wf_run() */
  double number;      /* 56: other results */
} wf_buf;

/* A bound parameter, an argument of a function, a result of one: 16 bytes. */
typedef struct wf_cell {
  uint8_t tag;
  uint8_t owned;   /* the bytes come from wf_malloc() and now belong to SQLite */
  uint16_t unused;
  int32_t index;   /* of a parameter, from 1 */
  union {
    int32_t i;
    double d;
    int64_t n;
    struct { uint32_t address, bytes; } s;
  } u;
} wf_cell;

/* Room for a short text that a function returns, behind its wf_cell. */
#define WF_INLINE_BYTES 240
typedef struct wf_result {
  wf_cell cell;
  uint8_t bytes[WF_INLINE_BYTES];
} wf_result;

/* cells.c */

/*
** Calls under way of those exports that may ask the host for anything but memory.
** A host whose stack is full sees by it whether such a call had begun.
*/
extern int32_t wf_entered;
#define WF_ENTERED(type, call) \
  do {                         \
    type result_;              \
    wf_entered++;              \
    result_ = (call);          \
    wf_entered--;              \
    return result_;            \
  } while (0)
int wf_ascii(const uint8_t *p, uint32_t n);
void wf_encode_values(int argc, sqlite3_value **argv, int safeIntegers, wf_cell *out);
void wf_give_result(sqlite3_context *ctx, wf_result *result);


/* memory.c: before sqlite3_initialize(). */
int wf_use_memory(void);

#endif
