// What the later releases of orez do at start and stop, written from the facts: a file is shimmed if it says so in a
// comment; the original is kept beside it and put back when orez stops, or starts in native mode.

import fs from 'node:fs';
import {generateCjsShim} from './shim-template.js';
import {BACKUP} from './types.js';

const read = file => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '');
const isShimmed = index => read(index).includes('orez sqlite shim');
const modeOf = index => (isShimmed(index) && /\/\/ mode: (native|wasm),/.exec(read(index))?.[1]) || null;

export function start(index, bedrockPath, mode = 'wasm') {
  if (!fs.existsSync(index)) return 'failed: no entry point';
  if (mode === 'native') {
    if (!isShimmed(index)) return 'left alone';
    return restore(index) ? 'restored' : 'failed: no backup';
  }
  if (modeOf(index) === 'wasm') return 'left alone';
  if (!fs.existsSync(index + BACKUP)) {
    if (isShimmed(index)) return 'failed: shimmed, and no backup';
    fs.writeFileSync(index + BACKUP, read(index));
  }
  fs.writeFileSync(index, generateCjsShim({mode: 'wasm', bedrockPath}));
  return 'shimmed';
}

export function stop(index) {
  return restore(index) ? 'restored' : 'left alone';
}

function restore(index) {
  if (!fs.existsSync(index + BACKUP)) return false;
  fs.writeFileSync(index, read(index + BACKUP));
  fs.rmSync(index + BACKUP);
  return true;
}
