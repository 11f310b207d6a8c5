'use strict';
/**
 * POSIX locks that native SQLite holds on a database (Linux only).
 *
 * The engine cannot take such locks (Node has no fcntl), so native cannot see us.
 * But we see it: /proc/locks lists the locks of all processes in our pid namespace.
 *
 * It names a file by the device of its *superblock* and the inode. stat() may say
 * another device: btrfs has one for each subvolume, overlay one for each layer (if
 * they are of different file systems). proc_pid_mountinfo(5) has the superblock's.
 * There, an inode number may occur more than once; so we look at the file
 * descriptors of the lock's process, too.
 */
const fs = require('fs');

/** The lock bytes of a database (sqlite.org/fileformat2.html#the_lock_byte_page). */
const LOCK_BYTES = [0x40000000, 0x40000000 + 511];
/** The lock bytes of the WAL index, the dead-man switch included. */
const SHM_BYTES = [120, 128];

/** @typedef {{ dev: bigint, ino: bigint, device: string, mounted: string, bytes: number[] }} LockedFile */

/** A device as stat() has it, as /proc/locks writes it: `major:minor` in hex. @param {bigint} dev */
function device(dev) {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return inHex(major, minor);
}

/** @param {bigint} major @param {bigint} minor */
function inHex(major, minor) {
  return [major, minor].map((n) => n.toString(16).padStart(2, '0')).join(':');
}

/**
 * The device of the superblock that a file is in; '' if it cannot be told.
 * @param {string} name absolute path without links
 * @param {string} mountinfo content of /proc/self/mountinfo
 */
function superblock(name, mountinfo) {
  let longest = '';
  let found = '';
  for (const line of mountinfo.split('\n')) {
    const [, , numbers, , escaped] = line.split(' ');
    if (escaped === undefined) continue;
    const at = escaped.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));
    // Of several mounts on one point the last one counts.
    if (at.length < longest.length || !(at === '/' || name === at || name.startsWith(`${at}/`))) continue;
    longest = at;
    const [major, minor] = numbers.split(':');
    found = inHex(BigInt(major), BigInt(minor));
  }
  return found;
}

/**
 * @param {string} name
 * @param {string} mountinfo
 * @param {number[]} bytes
 * @returns {LockedFile[]} none if there is no such file
 */
function locked(name, mountinfo, bytes) {
  const stat = fs.statSync(name, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return [];
  const { dev } = stat;
  // Node reads it as a signed number; overlay sets the highest bit (xino).
  const ino = BigInt.asUintN(64, stat.ino);
  return [{ dev, ino, device: device(dev), mounted: superblock(Buffer.from(name).toString('latin1'), mountinfo), bytes }];
}

/**
 * Whether a process has the file open. If it does not let us look, it may have.
 * @param {string} pid
 * @param {LockedFile} file
 */
function mayHaveOpen(pid, file) {
  let descriptors;
  try {
    descriptors = fs.readdirSync(`/proc/${pid}/fd`);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT';
  }
  return descriptors.some((descriptor) => {
    try {
      const { dev, ino } = fs.statSync(`/proc/${pid}/fd/${descriptor}`, { bigint: true });
      return dev === file.dev && BigInt.asUintN(64, ino) === file.ino;
    } catch (error) {
      return /** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT';
    }
  });
}

/** @param {string} name */
function readText(name) {
  try {
    return fs.readFileSync(name, 'latin1');
  } catch {
    return ''; // not for us to read here
  }
}

/**
 * The process that holds native locks on the database or its WAL index, or null.
 * @param {string} database absolute path without links
 * @returns {number | null}
 */
function foreignLocks(database) {
  if (process.platform !== 'linux') return null;
  const text = readText('/proc/locks');
  if (!text.includes('POSIX')) return null;
  const mountinfo = readText('/proc/self/mountinfo');
  const files = [...locked(database, mountinfo, LOCK_BYTES), ...locked(`${database}-shm`, mountinfo, SHM_BYTES)];
  for (const line of text.split('\n')) {
    const [, kind, , , pid, id, start, end] = line.trim().split(/\s+/);
    if (kind !== 'POSIX') continue;
    for (const file of files) {
      const { ino, bytes } = file;
      if (Number(start) > bytes[1] || (end !== 'EOF' && Number(end) < bytes[0])) continue;
      const same = id === `${file.device}:${ino}` && (file.mounted === '' || file.mounted === file.device);
      const similar = id === `${file.device}:${ino}` || id === `${file.mounted}:${ino}`;
      if (same || (similar && mayHaveOpen(pid, file))) return Number(pid);
    }
  }
  return null;
}

module.exports = { foreignLocks };
