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

/*
** strcspn(). LIKE and GLOB look with it for the next possible match, with a set
** of one or two bytes; wasi-libc fills a bit set for each call and goes byte by
** byte, which was a quarter of the time of a scan with LIKE '%…%'.
**
** Words are read from aligned addresses only: they may reach beyond the closing
** NUL, but not beyond the memory, whose size is a multiple of the page.
*/
size_t wf_strcspn(const char *text, const char *set);
size_t wf_strcspn(const char *text, const char *set) {
  const char *p = text;
  uint64_t first, second;
  if (set[0] == 0) return strlen(text);
  if (set[1] != 0 && set[2] != 0) {
    for (; *p; p++) {
      for (const char *s = set; *s; s++) {
        if (*s == *p) return (size_t)(p - text);
      }
    }
    return (size_t)(p - text);
  }
  first = (uint8_t)set[0] * ONES;
  second = (uint8_t)(set[1] ? set[1] : set[0]) * ONES;
  for (; (uintptr_t)p & 7; p++) {
    if (*p == 0 || *p == set[0] || (*p == set[1])) return (size_t)(p - text);
  }
  for (;; p += 8) {
    uint64_t word = *(const uint64_t *)(const void *)p, hit = zeroBytes(word) | zeroBytes(word ^ first) | zeroBytes(word ^ second);
    /* Little-endian: the lowest hit is the first byte, and the lowest is always right. */
    if (hit) return (size_t)(p - text) + ((size_t)__builtin_ctzll(hit) >> 3);
  }
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
