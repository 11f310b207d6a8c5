/*
** The allocator: two-level segregated fit (M. Masmano and others, "TLSF: a new
** dynamic memory allocator for real-time systems", 2004), for sqlite3_mem_methods.
**
** zig's C library rounds every allocation up to a power of two and never joins
** what is freed: a page of the cache (4.4 kB) took 8 kB, and what pages had taken
** was lost for larger values. This one takes 8 bytes an allocation, joins
** neighbours, and finds a fitting block in constant time.
**
** Invariants:
** - Blocks lie one behind the other; `previous` of each is the block before it (0
**   for the first of a region), and a region ends with a used block of size 0.
** - No two free blocks are neighbours.
** - A free block of class (f, s) is in lists[f][s], and the bits for it are set.
*/
#include <string.h>
#include "engine.h"

#define ALIGN 8u
#define HEADER 8u
#define MIN_PAYLOAD 8u
#define SECOND_BITS 4u
#define SECOND (1u << SECOND_BITS)
/* Below this, classes are 8 bytes apart: 0 .. 127 is class 0 of the first level. */
#define SMALL 128u
#define SMALL_BITS 7u
#define FIRST 25u
#define WASM_PAGE 65536u
/* Growing detaches every view that the host has, so not page by page. */
#define GROW_MIN (1u << 20)
#define GROW_MAX (16u << 20)

typedef struct block {
  struct block *previous; /* in memory */
  uint32_t size;          /* of the payload; bit 0: free */
  /* Only in a free block: */
  struct block *nextFree, *previousFree;
} block;

static block *lists[FIRST][SECOND];
static uint32_t firstMap, secondMap[FIRST];
static block *last;       /* the block of size 0 that ends the newest region */
static uint32_t heapSize; /* bytes taken from the host */

static uint32_t sizeOf(const block *b) { return b->size & ~7u; }
static int isFree(const block *b) { return (int)(b->size & 1u); }
static uint8_t *payloadOf(block *b) { return (uint8_t *)b + HEADER; }
static block *blockOf(const void *p) { return (block *)(void *)((uint8_t *)(uintptr_t)p - HEADER); }
static block *following(block *b) { return (block *)(void *)(payloadOf(b) + sizeOf(b)); }
static uint32_t highestBit(uint32_t n) { return 31u - (uint32_t)__builtin_clz(n); }

/* The class that holds blocks of this size. */
static void classOf(uint32_t size, uint32_t *first, uint32_t *second) {
  if (size < SMALL) {
    *first = 0;
    *second = size / (SMALL / SECOND);
  } else {
    uint32_t bit = highestBit(size);
    *second = (size >> (bit - SECOND_BITS)) & (SECOND - 1u);
    *first = bit - SMALL_BITS + 1u;
  }
}

static void insert(block *b) {
  uint32_t f, s;
  classOf(sizeOf(b), &f, &s);
  b->size |= 1u;
  b->previousFree = 0;
  b->nextFree = lists[f][s];
  if (b->nextFree) b->nextFree->previousFree = b;
  lists[f][s] = b;
  firstMap |= 1u << f;
  secondMap[f] |= 1u << s;
}

static void removeFree(block *b) {
  uint32_t f, s;
  classOf(sizeOf(b), &f, &s);
  if (b->nextFree) b->nextFree->previousFree = b->previousFree;
  if (b->previousFree) {
    b->previousFree->nextFree = b->nextFree;
  } else {
    lists[f][s] = b->nextFree;
    if (!b->nextFree) {
      secondMap[f] &= ~(1u << s);
      if (!secondMap[f]) firstMap &= ~(1u << f);
    }
  }
  b->size &= ~1u;
}

/* A free block of at least `size`, or 0: any block of a class whose smallest is large enough. */
static block *find(uint32_t size) {
  uint32_t f, s, map;
  if (size >= SMALL) size += (1u << (highestBit(size) - SECOND_BITS)) - 1u;
  classOf(size, &f, &s);
  if (f >= FIRST) return 0;
  map = secondMap[f] & (~0u << s);
  if (!map) {
    uint32_t firsts = firstMap & (~0u << (f + 1u));
    if (f + 1u >= FIRST || !firsts) return 0;
    f = (uint32_t)__builtin_ctz(firsts);
    map = secondMap[f];
  }
  return lists[f][__builtin_ctz(map)];
}

/* Joins a used block that is about to become free with its free neighbours, and lists it. */
static void release(block *b) {
  block *next = following(b), *previous = b->previous;
  if (isFree(next)) {
    removeFree(next);
    b->size += HEADER + sizeOf(next);
  }
  if (previous && isFree(previous)) {
    removeFree(previous);
    previous->size += HEADER + sizeOf(b);
    b = previous;
  }
  following(b)->previous = b;
  insert(b);
}

/* Cuts a used block down to `size`; the rest, if it can be a block, becomes free. */
static void trim(block *b, uint32_t size) {
  uint32_t rest = sizeOf(b) - size;
  block *cut;
  if (rest < HEADER + MIN_PAYLOAD) return;
  b->size = size;
  cut = following(b);
  cut->previous = b;
  cut->size = rest - HEADER;
  release(cut);
}

/* More memory from the host, as one free block. False if there is none. */
static int grow(uint32_t size) {
  uint32_t wish = heapSize / 8u, bytes, at;
  if (wish < GROW_MIN) wish = GROW_MIN;
  if (wish > GROW_MAX) wish = GROW_MAX;
  /* find() looks among classes that are surely large enough: one step of the second level more. */
  size += (size >> SECOND_BITS) + 4u * HEADER;
  bytes = size > wish ? size : wish;
  bytes = (bytes + WASM_PAGE - 1u) & ~(WASM_PAGE - 1u);
  at = (uint32_t)__builtin_wasm_memory_grow(0, bytes / WASM_PAGE);
  if (at == ~0u) {
    bytes = (size + WASM_PAGE - 1u) & ~(WASM_PAGE - 1u);
    at = (uint32_t)__builtin_wasm_memory_grow(0, bytes / WASM_PAGE);
    if (at == ~0u) return 0;
  }
  at *= WASM_PAGE;
  heapSize += bytes;
  block *b;
  if (last && (uintptr_t)last + HEADER == at) {
    b = last; /* the end of the last region becomes the head of the new block */
    b->size = bytes - HEADER;
  } else {
    b = (block *)(uintptr_t)at;
    b->previous = 0;
    b->size = bytes - 2u * HEADER;
  }
  last = following(b);
  last->previous = b;
  last->size = 0;
  release(b);
  return 1;
}

static int memRoundup(int n) { return (int)(((uint32_t)n + ALIGN - 1u) & ~(ALIGN - 1u)); }

static void *memMalloc(int n) {
  uint32_t size = (uint32_t)memRoundup(n < (int)MIN_PAYLOAD ? (int)MIN_PAYLOAD : n);
  block *b = find(size);
  if (!b) {
    if (!grow(size)) return 0;
    b = find(size);
    if (!b) return 0;
  }
  removeFree(b);
  trim(b, size);
  return payloadOf(b);
}

static void memFree(void *p) { release(blockOf(p)); }

static int memSize(void *p) { return p ? (int)sizeOf(blockOf(p)) : 0; }

static void *memRealloc(void *p, int n) {
  block *b = blockOf(p), *next = following(b);
  uint32_t size = (uint32_t)memRoundup(n < (int)MIN_PAYLOAD ? (int)MIN_PAYLOAD : n), old = sizeOf(b);
  void *moved;
  if (size > old && isFree(next) && old + HEADER + sizeOf(next) >= size) {
    removeFree(next);
    b->size += HEADER + sizeOf(next);
    following(b)->previous = b;
    old = sizeOf(b);
  }
  if (size <= old) {
    trim(b, size);
    return p;
  }
  moved = memMalloc(n);
  if (!moved) return 0;
  memcpy(moved, p, old);
  memFree(p);
  return moved;
}

static int memInit(void *unused) {
  (void)unused;
  return SQLITE_OK;
}

static void memShutdown(void *unused) { (void)unused; }

int wf_use_memory(void) {
  static const sqlite3_mem_methods methods = {memMalloc, memFree, memRealloc, memSize, memRoundup, memInit, memShutdown, 0};
  return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}
