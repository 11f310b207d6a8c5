/*
** The VFS of the test fixture: SQLite's file system, done in JavaScript by the functions nodejs… of vfs.js, and the
** little that Emscripten's C library would bring besides.
*/
#include <string.h>
#include <sys/time.h>

#include "sqlite3.h"

/* emcc takes what nobody defines for JavaScript; zig wants to be told. */
#define IMPORT(name) __attribute__((import_module("env"), import_name(#name)))

/* vfs-pre.js reads fd, isLocked and path at 4, 8 and 12. */
typedef struct NodeJsFile {
  sqlite3_file base;
  int fd;
  int isLocked;
  const char *path;
} NodeJsFile;

IMPORT(nodejsClose) int nodejsClose(sqlite3_file *);
IMPORT(nodejsRead) int nodejsRead(sqlite3_file *, void *, int, sqlite_int64);
IMPORT(nodejsWrite) int nodejsWrite(sqlite3_file *, const void *, int, sqlite_int64);
IMPORT(nodejsTruncate) int nodejsTruncate(sqlite3_file *, sqlite_int64);
IMPORT(nodejsSync) int nodejsSync(sqlite3_file *, int);
IMPORT(nodejsFileSize) int nodejsFileSize(sqlite3_file *, sqlite_int64 *);
IMPORT(nodejsLock) int nodejsLock(sqlite3_file *, int);
IMPORT(nodejsUnlock) int nodejsUnlock(sqlite3_file *, int);
IMPORT(nodejsCheckReservedLock) int nodejsCheckReservedLock(sqlite3_file *, int *);
IMPORT(nodejsShmMap) int nodejsShmMap(sqlite3_file *, int, int, int, void volatile **);
IMPORT(nodejsShmLock) int nodejsShmLock(sqlite3_file *, int, int, int);
IMPORT(nodejsShmBarrier) void nodejsShmBarrier(sqlite3_file *);
IMPORT(nodejsShmUnmap) int nodejsShmUnmap(sqlite3_file *, int);
IMPORT(nodejsDelete) int nodejsDelete(sqlite3_vfs *, const char *, int);
IMPORT(nodejsAccess) int nodejsAccess(sqlite3_vfs *, const char *, int, int *);
IMPORT(nodejsFullPathname) int nodejsFullPathname(sqlite3_vfs *, const char *, int, char *);
IMPORT(nodejsRandomness) int nodejsRandomness(sqlite3_vfs *, int, char *);
IMPORT(nodejsSleep) int nodejsSleep(sqlite3_vfs *, int);
IMPORT(nodejs_open) int nodejs_open(const char *, int, int);
IMPORT(nodejs_max_path_length) int nodejs_max_path_length(void);
IMPORT(emscripten_date_now) double emscripten_date_now(void);

static int nodejsFileControl(sqlite3_file *file, int op, void *arg) { return SQLITE_NOTFOUND; }
static int nodejsSectorSize(sqlite3_file *file) { return 0; }
static int nodejsDeviceCharacteristics(sqlite3_file *file) { return 0; }

static const sqlite3_io_methods io = {
  .iVersion = 2,
  .xClose = nodejsClose,
  .xRead = nodejsRead,
  .xWrite = nodejsWrite,
  .xTruncate = nodejsTruncate,
  .xSync = nodejsSync,
  .xFileSize = nodejsFileSize,
  .xLock = nodejsLock,
  .xUnlock = nodejsUnlock,
  .xCheckReservedLock = nodejsCheckReservedLock,
  .xFileControl = nodejsFileControl,
  .xSectorSize = nodejsSectorSize,
  .xDeviceCharacteristics = nodejsDeviceCharacteristics,
  .xShmMap = nodejsShmMap,
  .xShmLock = nodejsShmLock,
  .xShmBarrier = nodejsShmBarrier,
  .xShmUnmap = nodejsShmUnmap,
};

/* Temporary files have no name here: the build keeps them in memory (SQLITE_TEMP_STORE=3). */
static int nodejsOpen(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *outFlags) {
  NodeJsFile *p = (NodeJsFile *)file;
  memset(p, 0, sizeof *p);
  if (!name) return SQLITE_IOERR;
  p->fd = nodejs_open(name, flags, 0600);
  if (p->fd < 0) return SQLITE_CANTOPEN;
  p->path = name;
  p->base.pMethods = &io;
  if (outFlags) *outFlags = flags;
  return SQLITE_OK;
}

static int nodejsCurrentTimeInt64(sqlite3_vfs *vfs, sqlite3_int64 *now) {
  *now = 210866760000000 + (sqlite3_int64)emscripten_date_now(); /* milliseconds of the Julian day of 1970 */
  return SQLITE_OK;
}

int sqlite3_os_init(void) {
  static sqlite3_vfs vfs = {
    .iVersion = 2,
    .szOsFile = sizeof(NodeJsFile),
    .zName = "nodejs",
    .xOpen = nodejsOpen,
    .xDelete = nodejsDelete,
    .xAccess = nodejsAccess,
    .xFullPathname = nodejsFullPathname,
    .xRandomness = nodejsRandomness,
    .xSleep = nodejsSleep,
    .xCurrentTimeInt64 = nodejsCurrentTimeInt64,
  };
  vfs.mxPathname = nodejs_max_path_length();
  return sqlite3_vfs_register(&vfs, 1);
}

int sqlite3_os_end(void) { return SQLITE_OK; }
