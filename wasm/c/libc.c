/*
** What SQLite's inner loops call in the C library, where wasi-libc's version
** costs more than SQLite's own work.
*/
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

/* Non-zero if one of the eight bytes is zero; bytes above the first may be wrong. */
static uint64_t zeroBytes(uint64_t word) { return (word - ONES) & ~word & HIGHS; }

/* The first byte of a text that is `one` or `other`, or its closing NUL. */
static const char *findEither(const char *p, char one, char other) {
  const uint64_t first = (uint8_t)one * ONES, second = (uint8_t)other * ONES;
  /* Eight bytes at a time may reach beyond the text, but must not beyond the memory. */
  const char *end = (const char *)((uintptr_t)(__builtin_wasm_memory_size(0) << 16) - 8);
  for (; p <= end; p += 8) {
    uint64_t word, hit;
    memcpy(&word, p, 8);
    hit = zeroBytes(word) | zeroBytes(word ^ first) | zeroBytes(word ^ second);
    /* Little-endian: the lowest hit is the first byte, and the lowest is always right. */
    if (hit) return p + (__builtin_ctzll(hit) >> 3);
  }
  while (*p && *p != one && *p != other) p++;
  return p;
}

/*
** strcspn(). LIKE and GLOB look with it for the next possible match, with a set
** of one or two bytes; wasi-libc fills a bit set for each call and goes byte by
** byte, which was a quarter of the time of a scan with LIKE '%…%'.
*/
size_t wf_strcspn(const char *text, const char *set);
size_t wf_strcspn(const char *text, const char *set) {
  const char *p = text;
  if (set[0] == 0) return strlen(text);
  if (set[1] == 0) return (size_t)(findEither(text, set[0], set[0]) - text);
  if (set[2] == 0) return (size_t)(findEither(text, set[0], set[1]) - text);
  for (; *p; p++) {
    for (const char *s = set; *s; s++) {
      if (*s == *p) return (size_t)(p - text);
    }
  }
  return (size_t)(p - text);
}

/*
** memcmp(): the C library's goes byte by byte, and every comparison of texts and
** of records ends here.
*/
int memcmp(const void *left, const void *right, size_t n) {
  const uint8_t *a = left, *b = right;
  for (; n >= 8; a += 8, b += 8, n -= 8) {
    uint64_t x, y;
    __builtin_memcpy(&x, a, 8);
    __builtin_memcpy(&y, b, 8);
    if (x != y) {
      x = __builtin_bswap64(x);
      y = __builtin_bswap64(y);
      return x < y ? -1 : 1;
    }
  }
  for (; n; a++, b++, n--) {
    if (*a != *b) return *a - *b;
  }
  return 0;
}
