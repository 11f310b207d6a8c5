'use strict';
/**
 * POSIX locks that native SQLite holds on a database (Linux only).
 *
 * The engine cannot take such locks (Node has no fcntl), so native cannot see us.
 * But we see it: /proc/locks lists all locks of the machine.
 */
const fs = require('fs');

/** The lock bytes of a database (sqlite.org/fileformat2.html#the_lock_byte_page). */
const PENDING_BYTE = 0x40000000;
const LOCK_BYTES = 512;
/** The lock bytes of the WAL index, the dead-man switch included. */
const SHM_BYTES = [120, 128];

/** As /proc/locks writes it: `major:minor:inode`, hex and decimal. @param {string} name */
function identity(name) {
  const stat = fs.statSync(name, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return '';
  const { dev, ino } = stat;
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  const hex = (/** @type {bigint} */ n) => n.toString(16).padStart(2, '0');
  return `${hex(major)}:${hex(minor)}:${ino}`;
}

/**
 * The process that holds native locks on the database or its WAL index, or null.
 * @param {string} database absolute path
 * @returns {number | null}
 */
function foreignLocks(database) {
  if (process.platform !== 'linux') return null;
  let text;
  try {
    text = fs.readFileSync('/proc/locks', 'latin1');
  } catch {
    return null; // not for us to read here
  }
  if (!text.includes('POSIX')) return null;
  const files = [
    { id: identity(database), from: PENDING_BYTE, to: PENDING_BYTE + LOCK_BYTES },
    { id: identity(`${database}-shm`), from: SHM_BYTES[0], to: SHM_BYTES[1] },
  ];
  for (const line of text.split('\n')) {
    const [, kind, , , pid, id, start, end] = line.trim().split(/\s+/);
    if (kind !== 'POSIX') continue;
    const file = files.find((one) => one.id !== '' && one.id === id);
    if (file && Number(start) <= file.to && (end === 'EOF' || Number(end) >= file.from)) return Number(pid);
  }
  return null;
}

module.exports = { foreignLocks };
