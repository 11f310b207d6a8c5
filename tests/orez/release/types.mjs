export const JOURNAL_MODE = {native: 'wal2', wasm: 'wal2'};
export const PRAGMAS = {busy_timeout: '30000', synchronous: 'normal'};
export const BACKUP = '.orez-backup';
