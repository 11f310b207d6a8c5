'use strict';
/**
 * Which container this process is in, and which run of it (Linux).
 *
 * A container that was killed and started again has a new pid namespace, from which
 * nobody can look into the old one. But a container does not run twice at a time:
 * an owner of an earlier run of the same container is dead.
 *
 * *Container*: its writable layer, the `upperdir` of the overlay that is its root.
 * A path alone is not enough: two nodes of a cluster on one machine may each have a
 * `…/snapshots/42/fs`. It, or the source of /etc/hostname (docker, podman and the
 * kubelet mount it), must hold one of the 64 hexadecimal digits that runtimes give.
 *
 * *Run*: when the file system on /dev was made, which runtimes make anew at each
 * start. Whoever makes a pid namespace inside the container (`unshare -p`) still
 * sees this one. If he mounts another over it, or over /proc, we do not judge.
 *
 * Anything else, such as containers of kubelet, which it makes anew instead of
 * starting them again, has no name here: nothing is known of them.
 */
const fs = require('fs');
const crypto = require('crypto');

const RUNTIME_ID = /\/[0-9a-f]{64}\//;

/** @typedef {{ root: string, at: string, type: string, options: string[] }} Mount */

/** proc_pid_mountinfo(5). @param {string} text @returns {Mount[]} */
function mounts(text) {
  return text.split('\n').filter(Boolean).map((line) => {
    const [own, rest] = line.split(' - ');
    const [, , , root, at] = own.split(' ');
    const [type, , options] = rest.split(' ');
    return { root, at, type, options: (options ?? '').split(',') };
  });
}

/** @param {string} text @param {number} digits */
function digest(text, digits) {
  return crypto.createHash('sha256').update(text).digest('hex').slice(0, digits);
}

/**
 * `<container>.<run>`, 12 and 8 hexadecimal digits, or '' if they cannot be told for sure.
 * @param {string} mountinfo content of /proc/self/mountinfo
 * @param {bigint} begun when the file system on /dev was made, nanoseconds; 0 if that is not known
 */
function nameOf(mountinfo, begun) {
  const all = mounts(mountinfo);
  /** @param {string} at @param {string} type */
  const only = (at, type) => {
    const there = all.filter((mount) => mount.at === at);
    return there.length === 1 && there[0].type === type && there[0].root === '/' ? there[0] : null;
  };
  const layer = only('/', 'overlay')?.options.find((option) => option.startsWith('upperdir='));
  if (layer === undefined || begun === 0n || !only('/dev', 'tmpfs') || !only('/proc', 'proc')) return '';
  const host = all.find((mount) => mount.at === '/etc/hostname')?.root ?? '';
  if (!RUNTIME_ID.test(layer) && !RUNTIME_ID.test(host)) return '';
  return `${digest(`${layer}\n${host}`, 12)}.${digest(`${begun}`, 8)}`;
}

/** When the file system on /dev was made; 0 if the kernel does not tell. */
function beginning() {
  const { birthtimeNs, ctimeNs } = fs.statSync('/dev', { bigint: true });
  // Where there is no time of birth, Node may give that of the last change.
  return birthtimeNs === ctimeNs ? 0n : birthtimeNs;
}

/** The name of this process's container and run, or ''. */
function container() {
  try {
    return nameOf(fs.readFileSync('/proc/self/mountinfo', 'utf8'), beginning());
  } catch {
    return '';
  }
}

module.exports = { container, nameOf };
