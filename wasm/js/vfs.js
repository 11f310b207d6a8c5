'use strict';
/**
 * Files: SQLite's VFS on node:fs.
 *
 * Follows os_unix.c where it can: the same modes, the same fallback to
 * read-only, symbolic links resolved, temporary files unlinked as soon as they
 * are open (on Windows when they are closed), the folder synced after a journal
 * is created or deleted. Deviations: no mmap; a WAL index in this instance's
 * memory; locks as in locks.js.
 *
 * After a call was interrupted (engine.js, `suspect`), the calls around it go on
 * for a while. Nothing that they want to change reaches a file.
 *
 * Offsets and sizes are numbers. Beyond 2^53 they would not be exact, so they
 * are refused.
 */
const fs = require('fs');
const os = require('os');
const path = require('path');
const crypto = require('crypto');
const { codes } = require('./errors');
const { giveTo } = require('./beside');
const { FileNodes } = require('./locks');

const WINDOWS = process.platform === 'win32';
const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = fs.constants;

const OPEN = {
  readonly: 0x1, readwrite: 0x2, create: 0x4, deleteOnClose: 0x8, exclusive: 0x10, uri: 0x40, mainDb: 0x100, mainJournal: 0x800,
  superJournal: 0x4000, wal: 0x80000,
};
const ACCESS_READWRITE = 1;
const SYNC_DATAONLY = 0x10;
const IOCAP = { undeletableWhenOpen: 0x800, powersafeOverwrite: 0x1000 };
const MAX_SYMLINKS = 200;
const DEFAULT_MODE = 0o644;

/** @param {unknown} error */
function errorCode(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code;
}

class OpenFile {
  /**
   * @param {number} fd
   * @param {string} name
   * @param {number} flags as granted
   */
  constructor(fd, name, flags) {
    this.fd = fd;
    this.name = name;
    this.flags = flags;
    /** @type {import('./locks').FileNode | null} of main databases */
    this.node = null;
    /** The folder has an entry that is not on disk yet. */
    this.syncFolder = false;
    this.deleteAtClose = false;
  }
}

class Vfs {
  /** @param {import('./engine').Engine} engine */
  constructor(engine) {
    this.engine = engine;
    this.lastErrno = 0;
    /** @type {(OpenFile | null)[]} index 0 is never used */
    this.files = [null];
    this.nodes = new FileNodes(engine);
  }

  /** @param {number} id @returns {OpenFile} */
  file(id) {
    return /** @type {OpenFile} */ (this.files[id]);
  }

  /**
   * Runs `body`; an error of the file system becomes `code`.
   * @param {number} code
   * @param {() => number} body
   */
  attempt(code, body) {
    try {
      return body();
    } catch (error) {
      return this.failed(error, code);
    }
  }

  /** @param {unknown} error @param {number} code */
  failed(error, code) {
    const { errno } = /** @type {NodeJS.ErrnoException} */ (error);
    if (typeof errno === 'number') this.lastErrno = Math.abs(errno);
    return code;
  }

  /**
   * Closes all files and gives up all locks, as the end of the process would. A
   * full stack ends it with a RangeError; then it has to be called again.
   */
  abandon() {
    const { files } = this;
    for (let i = 1; i < files.length; i++) {
      const file = files[i];
      if (file === null) continue;
      try {
        fs.closeSync(file.fd);
        files[i] = null;
        if (file.deleteAtClose) fs.unlinkSync(file.name);
      } catch (error) {
        if (error instanceof RangeError) throw error;
        files[i] = null;
      }
    }
    this.nodes.abandon();
    this.files = [null];
  }

  /** @param {string} name @param {number} flags @returns {OpenFile} */
  openTemporary(name, flags) {
    const temporary = name === '' ? path.join(temporaryFolder(), `etilqs_${crypto.randomBytes(8).toString('hex')}`) : name;
    const fd = fs.openSync(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    const file = new OpenFile(fd, temporary, flags);
    if (WINDOWS) file.deleteAtClose = true;
    else fs.unlinkSync(temporary);
    return file;
  }

  /** @param {string} name @param {number} flags @returns {OpenFile} */
  openNamed(name, flags) {
    const { mode, owner } = this.creationMode(name, flags);
    let how = flags & OPEN.readwrite ? O_RDWR : O_RDONLY;
    if (flags & OPEN.create) how |= O_CREAT;
    if (flags & OPEN.exclusive) how |= O_EXCL;
    let granted = flags;
    let fd;
    const isNew = owner !== null && !fs.existsSync(name);
    try {
      fd = fs.openSync(name, how | O_NOFOLLOW, mode);
    } catch (error) {
      const code = errorCode(error);
      if (!(flags & OPEN.readwrite) || code === 'EISDIR') throw error;
      if (code === 'EACCES' && flags & OPEN.create && flags & (OPEN.mainJournal | OPEN.superJournal | OPEN.wal) && !fs.existsSync(name)) {
        throw Object.assign(new Error('the folder is read-only'), { sqlite: codes.READONLY_DIRECTORY, cause: error });
      }
      granted = (flags & ~(OPEN.readwrite | OPEN.create)) | OPEN.readonly;
      fd = fs.openSync(name, O_RDONLY | O_NOFOLLOW);
    }
    if (isNew && owner !== null) giveTo(fd, owner);
    const file = new OpenFile(fd, name, granted);
    if (flags & OPEN.create && flags & (OPEN.mainJournal | OPEN.superJournal | OPEN.wal)) file.syncFolder = true;
    return file;
  }

  /**
   * A journal or WAL gets the mode and the owner of its database.
   * @param {string} name
   * @param {number} flags
   * @returns {{ mode: number, owner: fs.Stats | null }}
   */
  creationMode(name, flags) {
    if (flags & OPEN.deleteOnClose) return { mode: 0o600, owner: null };
    if (!(flags & (OPEN.wal | OPEN.mainJournal))) return { mode: DEFAULT_MODE, owner: null };
    const dash = name.lastIndexOf('-');
    try {
      const stat = fs.statSync(name.slice(0, dash));
      return { mode: stat.mode & 0o777, owner: stat };
    } catch {
      return { mode: DEFAULT_MODE, owner: null };
    }
  }

  /**
   * @param {number} nameAt
   * @param {number} flags
   * @param {number} outFlags
   * @param {number} outCharacteristics
   */
  open(nameAt, flags, outFlags, outCharacteristics) {
    const { engine } = this;
    if (engine.suspect !== null) return -codes.CANTOPEN;
    const name = engine.cString(nameAt);
    let file;
    try {
      file = flags & OPEN.deleteOnClose || name === '' ? this.openTemporary(name, flags) : this.openNamed(name, flags);
      if (flags & OPEN.mainDb) file.node = this.nodes.attach(file);
    } catch (error) {
      const known = /** @type {{ sqlite?: number }} */ (error).sqlite;
      return -this.failed(error, known ?? codes.CANTOPEN);
    }
    let id = this.files.indexOf(null, 1);
    if (id < 0) id = this.files.length;
    this.files[id] = file;
    engine.i32[outFlags >> 2] = file.flags;
    engine.i32[outCharacteristics >> 2] = IOCAP.powersafeOverwrite | (WINDOWS ? IOCAP.undeletableWhenOpen : 0);
    return id;
  }

  /** @param {number} id */
  close(id) {
    const file = this.file(id);
    this.files[id] = null;
    return this.attempt(codes.IOERR_CLOSE, () => {
      if (file.node !== null) this.nodes.detach(file, file.node);
      fs.closeSync(file.fd);
      if (file.deleteAtClose) fs.unlinkSync(file.name);
      return 0;
    });
  }

  /** @param {number} id @param {number} to @param {number} bytes @param {number} offset */
  read(id, to, bytes, offset) {
    const { engine } = this;
    if (!Number.isSafeInteger(offset + bytes)) return codes.IOERR_READ;
    if (engine.i32.length === 0) engine.refresh();
    let done = 0;
    try {
      const { fd } = this.file(id);
      while (done < bytes) {
        const n = fs.readSync(fd, engine.u8, to + done, bytes - done, offset + done);
        if (n === 0) break;
        done += n;
      }
    } catch (error) {
      const code = errorCode(error);
      return this.failed(error, code === 'EIO' || code === 'ERANGE' || code === 'ENXIO' ? codes.IOERR_CORRUPTFS : codes.IOERR_READ);
    }
    if (done === bytes) return 0;
    engine.u8.fill(0, to + done, to + bytes);
    return codes.IOERR_SHORT_READ;
  }

  /** @param {number} id @param {number} from @param {number} bytes @param {number} offset */
  write(id, from, bytes, offset) {
    const { engine } = this;
    if (!Number.isSafeInteger(offset + bytes) || engine.suspect !== null) return codes.IOERR_WRITE;
    if (engine.i32.length === 0) engine.refresh();
    try {
      const { fd } = this.file(id);
      for (let done = 0; done < bytes; ) done += fs.writeSync(fd, engine.u8, from + done, bytes - done, offset + done);
      return 0;
    } catch (error) {
      const code = errorCode(error);
      this.keepWal(id);
      return this.failed(error, code === 'ENOSPC' || code === 'EDQUOT' ? codes.FULL : codes.IOERR_WRITE);
    }
  }

  /** @param {number} id @param {number} size */
  truncate(id, size) {
    if (!Number.isSafeInteger(size) || this.engine.suspect !== null) return codes.IOERR_TRUNCATE;
    const file = this.file(id);
    if (size === 0 && file.flags & OPEN.wal && !this.nodes.mayEmpty(file.name)) return codes.IOERR_TRUNCATE;
    try {
      fs.ftruncateSync(file.fd, size);
      return 0;
    } catch (error) {
      this.keepWal(id);
      return this.failed(error, codes.IOERR_TRUNCATE);
    }
  }

  /**
   * A checkpoint into this database failed. In wal2 mode sqlite3WalClose() deletes
   * both WALs even so, if its first pass succeeded and the second did not, and with
   * them commits that are nowhere else. So delete() refuses until a sync succeeds.
   * @param {number} id
   */
  keepWal(id) {
    const { node } = this.file(id);
    if (node !== null) node.failed = true;
  }

  /** @param {number} id @param {number} flags */
  sync(id, flags) {
    const file = this.file(id);
    return this.attempt(codes.IOERR_FSYNC, () => {
      this.keepWal(id);
      if (flags & SYNC_DATAONLY) fs.fdatasyncSync(file.fd);
      else fs.fsyncSync(file.fd);
      if (file.node !== null) file.node.failed = false;
      if (file.syncFolder) {
        file.syncFolder = false;
        try {
          syncFolderOf(file.name);
        } catch {
          // As in os_unix.c: not every file system can sync a folder.
        }
      }
      return 0;
    });
  }

  /** @param {number} id @param {number} out */
  size(id, out) {
    return this.attempt(codes.IOERR_FSTAT, () => {
      const { size } = fs.fstatSync(this.file(id).fd);
      if (!Number.isSafeInteger(size)) return codes.IOERR_FSTAT;
      this.engine.fresh();
      this.engine.f64[out >> 3] = size;
      return 0;
    });
  }

  /** @param {number} id whether another file has its name now */
  hasMoved(id) {
    const file = this.file(id);
    try {
      const there = fs.statSync(file.name, { bigint: true });
      const here = fs.fstatSync(file.fd, { bigint: true });
      return there.ino === here.ino && there.dev === here.dev ? 0 : 1;
    } catch {
      return 1;
    }
  }

  /** @param {number} nameAt @param {number} syncFolder */
  delete(nameAt, syncFolder) {
    if (this.engine.suspect !== null) return codes.IOERR_DELETE;
    const name = this.engine.cString(nameAt);
    if (this.nodes.mustKeep(name)) return codes.IOERR_DELETE;
    try {
      fs.unlinkSync(name);
    } catch (error) {
      return this.failed(error, errorCode(error) === 'ENOENT' ? codes.IOERR_DELETE_NOENT : codes.IOERR_DELETE);
    }
    return syncFolder ? this.attempt(codes.IOERR_DIR_FSYNC, () => syncFolderOf(name)) : 0;
  }

  /** @param {number} nameAt @param {number} flags @param {number} out */
  access(nameAt, flags, out) {
    const name = this.engine.cString(nameAt);
    let result = 0;
    try {
      if (flags === ACCESS_READWRITE) {
        fs.accessSync(name, fs.constants.R_OK | fs.constants.W_OK);
        result = 1;
      } else {
        // An empty file does not count, as in os_unix.c: an empty journal is none.
        const stat = fs.statSync(name, { throwIfNoEntry: false });
        result = stat !== undefined && (!stat.isFile() || stat.size > 0) ? 1 : 0;
      }
    } catch {
      result = 0;
    }
    this.engine.i32[out >> 2] = result;
    return 0;
  }

  /** @param {number} nameAt @param {number} bytes @param {number} out */
  fullPath(nameAt, bytes, out) {
    const { engine } = this;
    let full;
    let links = 0;
    try {
      full = resolveLinks(engine.cString(nameAt), () => {
        links++;
      });
    } catch (error) {
      return this.failed(error, codes.CANTOPEN);
    }
    if (engine.byteLength(full) + 1 > bytes || links >= MAX_SYMLINKS) return codes.CANTOPEN;
    const n = engine.writeText(full, out, bytes - 1);
    engine.u8[out + n] = 0;
    return links > 0 ? codes.OK_SYMLINK : 0;
  }

  imports() {
    const { nodes } = this;
    /** @param {(...args: number[]) => number} method @param {number} code if it throws after all */
    const safe = (method, code) => (/** @type {number[]} */ ...args) => {
      this.engine.fresh();
      try {
        return method(...args);
      } catch (error) {
        // A full stack, in the midst of a lock.
        if (error instanceof RangeError) throw error;
        return this.failed(error, code);
      }
    };
    /** @param {number} id */
    const nodeOf = (id) => /** @type {import('./locks').FileNode} */ (this.file(id).node);
    return {
      vfs_open: safe((name, flags, outFlags, out) => this.open(name, flags, outFlags, out), -codes.CANTOPEN),
      vfs_close: (/** @type {number} */ id) => this.close(id),
      vfs_read: (/** @type {number} */ id, /** @type {number} */ to, /** @type {number} */ n, /** @type {number} */ at) => this.read(id, to, n, at),
      vfs_write: (/** @type {number} */ id, /** @type {number} */ from, /** @type {number} */ n, /** @type {number} */ at) => this.write(id, from, n, at),
      vfs_truncate: (/** @type {number} */ id, /** @type {number} */ size) => this.truncate(id, size),
      vfs_sync: (/** @type {number} */ id, /** @type {number} */ flags) => this.sync(id, flags),
      vfs_size: (/** @type {number} */ id, /** @type {number} */ out) => this.size(id, out),
      vfs_lock: safe((id, level) => nodes.lock(nodeOf(id), this.file(id), level), codes.IOERR_LOCK),
      vfs_unlock: safe((id, level) => nodes.unlock(nodeOf(id), this.file(id), level), codes.IOERR_UNLOCK),
      vfs_check_reserved: safe((id, out) => {
        this.engine.i32[out >> 2] = nodes.isReserved(nodeOf(id)) ? 1 : 0;
        return 0;
      }, codes.IOERR_CHECKRESERVEDLOCK),
      vfs_has_moved: safe((id) => this.hasMoved(id), 0),
      vfs_shm_map: safe((id, region, _bytes, extend, out) => nodes.shmMap(nodeOf(id), this.file(id), region, extend !== 0, out), codes.IOERR_SHMMAP),
      // Without safe(), which costs what the lock does; shmLock() lets nothing out.
      vfs_shm_lock: (/** @type {number} */ id, /** @type {number} */ offset, /** @type {number} */ slots, /** @type {number} */ flags) => {
        this.engine.fresh();
        return nodes.shmLock(nodeOf(id), this.file(id), offset, slots, flags);
      },
      vfs_shm_barrier: () => {},
      vfs_shm_unmap: safe((id, deleteFlag) => nodes.shmUnmap(nodeOf(id), this.file(id), deleteFlag !== 0), 0),
      vfs_delete: safe((name, sync) => this.delete(name, sync), codes.IOERR_DELETE),
      vfs_access: safe((name, flags, out) => this.access(name, flags, out), codes.IOERR_ACCESS),
      vfs_full_path: safe((name, bytes, out) => this.fullPath(name, bytes, out), codes.CANTOPEN),
      vfs_last_error: () => this.lastErrno,
    };
  }
}

/** @param {string} name */
function isFolder(name) {
  try {
    return fs.statSync(name).isDirectory();
  } catch {
    return false;
  }
}

/** @param {string} name @returns {0} */
function syncFolderOf(name) {
  if (WINDOWS) return 0; // cannot be opened there, and need not be
  let fd;
  try {
    fd = fs.openSync(path.dirname(name), O_RDONLY);
  } catch {
    return 0; // as in os_unix.c: a folder may be writable, but not readable
  }
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
  return 0;
}

/** Where temporary files go (sqlite.org/tempfiles.html#temporary_file_storage_locations). */
function temporaryFolder() {
  if (WINDOWS) return os.tmpdir();
  for (const folder of [process.env.SQLITE_TMPDIR, process.env.TMPDIR, '/var/tmp', '/usr/tmp', '/tmp', '.']) {
    if (!folder || !isFolder(folder)) continue;
    try {
      fs.accessSync(folder, fs.constants.W_OK | fs.constants.X_OK);
      return folder;
    } catch {
      // the next one
    }
  }
  throw Object.assign(new Error('no folder for temporary files'), { sqlite: codes.IOERR_GETTEMPPATH });
}

/**
 * An absolute path without symbolic links. What does not exist is kept as it is.
 * @param {string} name
 * @param {() => void} onLink
 * @returns {string}
 */
function resolveLinks(name, onLink) {
  // Not path.resolve(): after a link to a folder, `..` is that folder's parent.
  const absolute = WINDOWS ? path.resolve(name) : path.isAbsolute(name) ? name : `${process.cwd()}/${name}`;
  const { root } = path.parse(absolute);
  let done = root;
  const rest = absolute.slice(root.length).split(path.sep).filter((part) => part !== '');
  let links = 0;
  while (rest.length > 0) {
    const part = /** @type {string} */ (rest.shift());
    if (part === '.') continue;
    if (part === '..') {
      done = path.dirname(done);
      continue;
    }
    const next = path.join(done, part);
    const target = readLink(next);
    if (target === null) {
      done = next;
      continue;
    }
    onLink();
    if (++links > MAX_SYMLINKS) throw new Error('too many symbolic links');
    if (path.isAbsolute(target)) done = path.parse(target).root;
    rest.unshift(...target.split(WINDOWS ? /[\\/]/ : '/').filter((step) => step !== ''));
  }
  return done;
}

/** @param {string} name @returns {string | null} */
function readLink(name) {
  try {
    if (!fs.lstatSync(name, { throwIfNoEntry: false })?.isSymbolicLink()) return null;
  } catch {
    return null; // below something that is no folder, or may not be entered: opening it will tell
  }
  return fs.readlinkSync(name);
}

module.exports = { Vfs, OpenFile };
