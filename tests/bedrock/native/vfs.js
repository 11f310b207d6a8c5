// The file system of vfs.c, as an Emscripten library: each function of the object becomes _NAME in the built file, and
// what follows a $ becomes a variable.

'use strict'

addToLibrary({
  $_shmRegistry: {},
  // file name -> Map(file -> lock level): in this process, seen by no other
  $_fileLocks: {},
  nodejs_max_path_length: function () {
    return process.platform == 'win32' ? 260 : 4096
  },
  nodejs_open: function (filePath, flags, mode) {
    const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = fs.constants
    let how = flags & SQLITE_OPEN_READWRITE ? O_RDWR : O_RDONLY
    if (flags & SQLITE_OPEN_CREATE) how |= O_CREAT
    if (flags & SQLITE_OPEN_EXCLUSIVE) how |= O_EXCL
    try {
      return fs.openSync(UTF8ToString(filePath), how, mode)
    } catch {
      return -1
    }
  },
  nodejsAccess: function (vfs, filePath, flags, outResult) {
    const { F_OK, R_OK, W_OK } = fs.constants
    const wanted = flags == SQLITE_ACCESS_READWRITE ? R_OK | W_OK : flags == SQLITE_ACCESS_READ ? R_OK : F_OK
    let allowed = 1
    try {
      fs.accessSync(UTF8ToString(filePath), wanted)
    } catch {
      allowed = 0
    }
    setValue(outResult, allowed, 'i32')
    return SQLITE_OK
  },
  nodejsFullPathname: function (vfs, relPath, sizeFullPath, outFullPath) {
    const full = path.resolve(UTF8ToString(relPath))
    stringToUTF8(full, outFullPath, sizeFullPath)
    return full.length < sizeFullPath ? SQLITE_OK : SQLITE_CANTOPEN
  },
  nodejsDelete: function (vfs, filePath, dirSync) {
    try {
      fs.unlinkSync(UTF8ToString(filePath))
    } catch (error) {
      if (error.code != 'ENOENT') return SQLITE_IOERR_DELETE
    }
    return SQLITE_OK
  },
  nodejsRandomness: function (vfs, bytes, outBuffer) {
    crypto.randomFillSync(HEAPU8.subarray(outBuffer, outBuffer + bytes))
    return bytes
  },
  nodejsSleep: function (vfs, nMicro) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.max(1, nMicro / 1000))
    return nMicro
  },
  nodejsClose__deps: ['nodejsUnlock'],
  nodejsClose: function (fi) {
    _nodejsUnlock(fi, SQLITE_LOCK_NONE)
    try {
      fs.closeSync(_fd(fi))
    } catch {
      return SQLITE_IOERR_CLOSE
    }
    return SQLITE_OK
  },
  nodejsRead: function (fi, outBuffer, bytes, offset) {
    const buf = HEAPU8.subarray(outBuffer, outBuffer + bytes)
    let bytesRead
    try {
//#if 0.16.4
      bytesRead = fs.readSync(_fd(fi), buf, 0, bytes, _safeInt(offset))
//#else
      bytesRead = fs.readSync(_fd(fi), buf, 0, bytes, offset)
//#endif
    } catch {
      return SQLITE_IOERR_READ
    }
    if (bytesRead == bytes) return SQLITE_OK
    buf.fill(0, bytesRead)
    return SQLITE_IOERR_SHORT_READ
  },
  nodejsWrite: function (fi, buffer, bytes, offset) {
    try {
      const buf = HEAPU8.subarray(buffer, buffer + bytes)
      const bytesWritten = fs.writeSync(_fd(fi), buf, 0, bytes, _safeInt(offset))
      return bytesWritten == bytes ? SQLITE_OK : SQLITE_IOERR_WRITE
    } catch {
      return SQLITE_IOERR_WRITE
    }
  },
  nodejsTruncate: function (fi, size) {
    try {
      fs.ftruncateSync(_fd(fi), _safeInt(size))
    } catch {
      return SQLITE_IOERR_TRUNCATE
    }
    return SQLITE_OK
  },
  nodejsSync: function (fi, flags) {
    try {
      fs.fsyncSync(_fd(fi))
    } catch {
      return SQLITE_IOERR_FSYNC
    }
    return SQLITE_OK
  },
  nodejsFileSize: function (fi, outSize) {
    try {
      setValue(outSize, fs.fstatSync(_fd(fi)).size, 'i64')
    } catch {
      return SQLITE_IOERR_FSTAT
    }
    return SQLITE_OK
  },
  nodejsLock__deps: ['$_fileLocks'],
  nodejsLock: function (fi, level) {
    const holders = (_fileLocks[_path(fi)] ??= new Map())
    const others = [...holders].filter(([other]) => other !== fi).map(([, held]) => held)
    if (level >= SQLITE_LOCK_RESERVED && others.some((held) => held >= SQLITE_LOCK_RESERVED)) return SQLITE_BUSY
    if (level >= SQLITE_LOCK_EXCLUSIVE && others.some((held) => held >= SQLITE_LOCK_SHARED)) return SQLITE_BUSY
    holders.set(fi, level)
    _setLocked(fi, level > SQLITE_LOCK_NONE)
    return SQLITE_OK
  },
  nodejsUnlock__deps: ['$_fileLocks'],
  nodejsUnlock: function (fi, level) {
    const holders = _fileLocks[_path(fi)]
    if (level != SQLITE_LOCK_NONE) {
      holders?.set(fi, level)
      return SQLITE_OK
    }
    holders?.delete(fi)
    _setLocked(fi, false)
    return SQLITE_OK
  },
  nodejsCheckReservedLock__deps: ['$_fileLocks'],
  nodejsCheckReservedLock: function (fi, outResult) {
    const holders = [...(_fileLocks[_path(fi)] ?? [])]
    const reserved = holders.some(([other, held]) => other !== fi && held >= SQLITE_LOCK_RESERVED)
    setValue(outResult, reserved ? 1 : 0, 'i32')
    return SQLITE_OK
  },
  // The WAL index is memory of this process.
  nodejsShmMap__deps: ['$_shmRegistry'],
  nodejsShmMap: function (fi, pgno, pgsz, isWrite, ppOut) {
    const regions = (_shmRegistry[_path(fi)] ??= {})
    if (!(pgno in regions) && isWrite) {
      regions[pgno] = _malloc(pgsz)
      HEAPU8.fill(0, regions[pgno], regions[pgno] + pgsz)
    }
    setValue(ppOut, regions[pgno] ?? 0, '*')
    return SQLITE_OK
  },
  nodejsShmLock: function (fi, offset, n, flags) {
    return SQLITE_OK
  },
  nodejsShmBarrier: function (fi) {},
  nodejsShmUnmap__deps: ['$_shmRegistry'],
  nodejsShmUnmap: function (fi, deleteFlag) {
    const filePath = _path(fi)
    if (deleteFlag && _shmRegistry[filePath]) {
      for (const region of Object.values(_shmRegistry[filePath])) _free(region)
      delete _shmRegistry[filePath]
    }
    return SQLITE_OK
  },
})
