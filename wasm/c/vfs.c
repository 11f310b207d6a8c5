/*
** The VFS: SQLite's side. Each method asks the host; what needs no host (lock
** levels, flags) is kept here. sqlite.org/c3ref/vfs.html, c3ref/io_methods.html.
*/
#include <string.h>
#include <time.h>
#include "engine.h"
#include "imports.h"

#define MAX_PATH_BYTES 4096
#define SECTOR_BYTES 4096

typedef struct wf_file {
  sqlite3_file base;
  int32_t id;
  int32_t characteristics;
  uint8_t level;      /* SQLITE_LOCK_... */
  uint8_t persistWal; /* SQLITE_FCNTL_PERSIST_WAL */
  uint8_t pending;    /* an attempt at EXCLUSIVE failed, and keeps new readers out */
  uint8_t isWal;
  /* Of a WAL: a frame's header that waits for its page, so that both go out in one write. */
  uint8_t hasHeader;
  sqlite3_int64 headerAt;
  sqlite3_int64 readAt; /* where the last read began */
  uint8_t *frame; /* FRAME_HEADER_BYTES and the page */
  int frameBytes;
} wf_file;

#define FRAME_HEADER_BYTES 24 /* sqlite.org/fileformat2.html#walformat */
#define WAL_HEADER_BYTES 32

static int writeOut(wf_file *f, const void *from, int bytes, sqlite3_int64 offset) {
  return wf_vfs_write(f->id, from, bytes, (double)offset);
}

/* Before anything but the page that belongs to it. */
static int flushHeader(wf_file *f) {
  if (!f->hasHeader) return SQLITE_OK;
  f->hasHeader = 0;
  return writeOut(f, f->frame, FRAME_HEADER_BYTES, f->headerAt);
}

static int fileClose(sqlite3_file *base) {
  wf_file *f = (wf_file *)base;
  int rc = flushHeader(f), closed = wf_vfs_close(f->id);
  sqlite3_free(f->frame);
  return rc ? rc : closed;
}

static int fileRead(sqlite3_file *base, void *to, int bytes, sqlite3_int64 offset) {
  wf_file *f = (wf_file *)base;
  int rc = flushHeader(f);
  f->readAt = offset;
  return rc ? rc : wf_vfs_read(f->id, to, bytes, (double)offset);
}

/* Room for a frame, whose page has `bytes`. Without memory, frames go out in two writes. */
static int hasRoom(wf_file *f, int bytes) {
  uint8_t *room;
  if (f->frameBytes >= FRAME_HEADER_BYTES + bytes) return 1;
  room = sqlite3_realloc(f->frame, FRAME_HEADER_BYTES + bytes);
  if (!room) return 0;
  f->frame = room;
  f->frameBytes = FRAME_HEADER_BYTES + bytes;
  return 1;
}

static int fileWrite(sqlite3_file *base, const void *from, int bytes, sqlite3_int64 offset) {
  wf_file *f = (wf_file *)base;
  int rc;
  if (!f->isWal) return writeOut(f, from, bytes, offset);
  if (f->hasHeader && offset == f->headerAt + FRAME_HEADER_BYTES && hasRoom(f, bytes)) {
    f->hasHeader = 0;
    memcpy(f->frame + FRAME_HEADER_BYTES, from, (size_t)bytes);
    return writeOut(f, f->frame, FRAME_HEADER_BYTES + bytes, f->headerAt);
  }
  rc = flushHeader(f);
  if (rc) return rc;
  /*
  ** A header that is written anew for a frame that is there has no page behind it. walRewriteChecksums() reads the
  ** frame first, from where it writes to; a new frame that happens to be there only goes out in two writes.
  */
  if (bytes != FRAME_HEADER_BYTES || offset < WAL_HEADER_BYTES || offset == f->readAt || !hasRoom(f, 0)) return writeOut(f, from, bytes, offset);
  memcpy(f->frame, from, FRAME_HEADER_BYTES);
  f->headerAt = offset;
  f->hasHeader = 1;
  return SQLITE_OK;
}

static int fileTruncate(sqlite3_file *base, sqlite3_int64 size) {
  wf_file *f = (wf_file *)base;
  int rc = flushHeader(f);
  return rc ? rc : wf_vfs_truncate(f->id, (double)size);
}

static int fileSync(sqlite3_file *base, int flags) {
  wf_file *f = (wf_file *)base;
  int rc = flushHeader(f);
  return rc ? rc : wf_vfs_sync(f->id, flags);
}

static int fileSize(sqlite3_file *base, sqlite3_int64 *out) {
  wf_file *f = (wf_file *)base;
  double size = 0;
  int rc = flushHeader(f);
  if (rc) return rc;
  rc = wf_vfs_size(f->id, &size);
  if (rc == SQLITE_OK) *out = (sqlite3_int64)size;
  return rc;
}

static int fileLock(sqlite3_file *base, int level) {
  wf_file *f = (wf_file *)base;
  int rc;
  if (f->level >= level) return SQLITE_OK;
  rc = wf_vfs_lock(f->id, level);
  if (rc == SQLITE_OK) f->level = (uint8_t)level;
  f->pending = rc != SQLITE_OK && level == SQLITE_LOCK_EXCLUSIVE;
  return rc;
}

static int fileUnlock(sqlite3_file *base, int level) {
  wf_file *f = (wf_file *)base;
  int rc;
  /* To leave WAL mode SQLite goes from SHARED to EXCLUSIVE, and back to SHARED if that failed. */
  if (f->level <= level && !f->pending) return SQLITE_OK;
  f->pending = 0;
  rc = wf_vfs_unlock(f->id, level);
  f->level = (uint8_t)level;
  return rc;
}

static int fileCheckReserved(sqlite3_file *f, int *out) {
  int32_t reserved = 0;
  int rc = wf_vfs_check_reserved(((wf_file *)f)->id, &reserved);
  *out = reserved;
  return rc;
}

static int fileControl(sqlite3_file *base, int op, void *arg) {
  wf_file *f = (wf_file *)base;
  int *flag = arg;
  switch (op) {
    case SQLITE_FCNTL_LOCKSTATE: *flag = f->level; return SQLITE_OK;
    case SQLITE_FCNTL_LAST_ERRNO: *flag = wf_vfs_last_error(); return SQLITE_OK;
    case SQLITE_FCNTL_VFSNAME: *(char **)arg = sqlite3_mprintf("wasmfix"); return SQLITE_OK;
    case SQLITE_FCNTL_HAS_MOVED: *flag = wf_vfs_has_moved(f->id); return SQLITE_OK;
    case SQLITE_FCNTL_SIZE_HINT:
    case SQLITE_FCNTL_CHUNK_SIZE: return SQLITE_OK; /* hints */
    case SQLITE_FCNTL_PERSIST_WAL:
      if (*flag < 0) *flag = f->persistWal;
      else f->persistWal = *flag != 0;
      return SQLITE_OK;
    case SQLITE_FCNTL_POWERSAFE_OVERWRITE:
      if (*flag < 0) *flag = (f->characteristics & SQLITE_IOCAP_POWERSAFE_OVERWRITE) != 0;
      else if (*flag) f->characteristics |= SQLITE_IOCAP_POWERSAFE_OVERWRITE;
      else f->characteristics &= ~SQLITE_IOCAP_POWERSAFE_OVERWRITE;
      return SQLITE_OK;
    default: return SQLITE_NOTFOUND;
  }
}

static int fileSectorSize(sqlite3_file *f) {
  (void)f;
  return SECTOR_BYTES;
}

static int fileCharacteristics(sqlite3_file *f) { return ((wf_file *)f)->characteristics; }

static int fileShmMap(sqlite3_file *f, int region, int bytes, int extend, void volatile **out) {
  void *address = 0;
  int rc = wf_vfs_shm_map(((wf_file *)f)->id, region, bytes, extend, &address);
  *out = address;
  return rc;
}

static int fileShmLock(sqlite3_file *f, int offset, int slots, int flags) {
  return wf_vfs_shm_lock(((wf_file *)f)->id, offset, slots, flags);
}

static void fileShmBarrier(sqlite3_file *f) { wf_vfs_shm_barrier(((wf_file *)f)->id); }

static int fileShmUnmap(sqlite3_file *f, int deleteFlag) { return wf_vfs_shm_unmap(((wf_file *)f)->id, deleteFlag); }

static const sqlite3_io_methods methods = {
  2, fileClose, fileRead, fileWrite, fileTruncate, fileSync, fileSize, fileLock, fileUnlock, fileCheckReserved,
  fileControl, fileSectorSize, fileCharacteristics, fileShmMap, fileShmLock, fileShmBarrier, fileShmUnmap, 0, 0,
};

static int vfsOpen(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags, int *outFlags) {
  wf_file *f = (wf_file *)base;
  int32_t granted = flags, characteristics = 0, id;
  (void)vfs;
  memset(f, 0, sizeof(*f));
  id = wf_vfs_open(name, flags, &granted, &characteristics);
  if (id <= 0) return id ? -id : SQLITE_CANTOPEN;
  f->id = id;
  f->readAt = -1;
  f->characteristics = characteristics;
  if ((flags & SQLITE_OPEN_MAIN_DB) && name && !sqlite3_uri_boolean(name, "psow", 1)) {
    f->characteristics &= ~SQLITE_IOCAP_POWERSAFE_OVERWRITE;
  }
#ifndef SQLITE_ENABLE_WAL2NOCKSUM /* which writes the page first */
  f->isWal = (flags & SQLITE_OPEN_WAL) != 0;
#endif
  f->base.pMethods = &methods;
  if (outFlags) *outFlags = granted;
  return SQLITE_OK;
}

static int vfsDelete(sqlite3_vfs *vfs, const char *name, int syncDirectory) {
  (void)vfs;
  return wf_vfs_delete(name, syncDirectory);
}

static int vfsAccess(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
  int32_t result = 0;
  int rc = wf_vfs_access(name, flags, &result);
  (void)vfs;
  *out = result;
  return rc;
}

static int vfsFullPathname(sqlite3_vfs *vfs, const char *name, int bytes, char *out) {
  (void)vfs;
  return wf_vfs_full_path(name, bytes, out);
}

static int vfsRandomness(sqlite3_vfs *vfs, int bytes, char *out) {
  (void)vfs;
  return wf_randomness(bytes, out);
}

static int vfsSleep(sqlite3_vfs *vfs, int microseconds) {
  (void)vfs;
  wf_sleep(microseconds);
  return microseconds;
}

/* Milliseconds of the Julian day: 2440587.5 days lie before 1970. */
static int vfsCurrentTimeInt64(sqlite3_vfs *vfs, sqlite3_int64 *out) {
  (void)vfs;
  *out = (sqlite3_int64)wf_now() + 210866760000000LL;
  return SQLITE_OK;
}

static int vfsCurrentTime(sqlite3_vfs *vfs, double *out) {
  sqlite3_int64 ms = 0;
  vfsCurrentTimeInt64(vfs, &ms);
  *out = (double)ms / 86400000.0;
  return SQLITE_OK;
}

static int vfsGetLastError(sqlite3_vfs *vfs, int bytes, char *out) {
  (void)vfs, (void)bytes, (void)out;
  return wf_vfs_last_error();
}

/* wasi-libc knows no time zone; the build maps localtime_r here. */
struct tm *wf_localtime_r(const time_t *clock, struct tm *out);
struct tm *wf_localtime_r(const time_t *clock, struct tm *out) {
  int32_t f[9];
  if (wf_local_time((double)*clock, f)) return 0;
  memset(out, 0, sizeof(*out));
  out->tm_sec = f[0];
  out->tm_min = f[1];
  out->tm_hour = f[2];
  out->tm_mday = f[3];
  out->tm_mon = f[4];
  out->tm_year = f[5];
  out->tm_wday = f[6];
  out->tm_yday = f[7];
  out->tm_isdst = f[8];
  return out;
}

static sqlite3_vfs vfs = {
  .iVersion = 2,
  .szOsFile = sizeof(wf_file),
  .mxPathname = MAX_PATH_BYTES,
  .zName = "wasmfix",
  .xOpen = vfsOpen,
  .xDelete = vfsDelete,
  .xAccess = vfsAccess,
  .xFullPathname = vfsFullPathname,
  .xRandomness = vfsRandomness,
  .xSleep = vfsSleep,
  .xCurrentTime = vfsCurrentTime,
  .xGetLastError = vfsGetLastError,
  .xCurrentTimeInt64 = vfsCurrentTimeInt64,
};

/* The names that the unix and Windows builds register: URIs say `vfs=unix`. */
static sqlite3_vfs unixVfs, win32Vfs;

int sqlite3_os_init(void) {
  int rc;
  unixVfs = vfs;
  unixVfs.zName = "unix";
  win32Vfs = vfs;
  win32Vfs.zName = "win32";
  rc = sqlite3_vfs_register(&vfs, 1);
  if (rc == SQLITE_OK) rc = sqlite3_vfs_register(&unixVfs, 0);
  if (rc == SQLITE_OK) rc = sqlite3_vfs_register(&win32Vfs, 0);
  return rc;
}

int sqlite3_os_end(void) { return SQLITE_OK; }
