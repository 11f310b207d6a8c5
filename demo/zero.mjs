// Zero's own modules, taken from the package that is installed in a project.
//
// The package's `exports` hides the server half, so they are imported by file path, as zero-cache itself
// does. Nothing here replaces any of it.

import {createRequire} from 'node:module';
import path from 'node:path';
import {pathToFileURL} from 'node:url';

const MODULES = {
  api: 'zero/src/zero.js',
  queryInternals: 'zql/src/query/query-internals.js',
  db: 'zqlite/src/db.js',
  databaseStorage: 'zqlite/src/database-storage.js',
  costModel: 'zqlite/src/sqlite-cost-model.js',
  tableSource: 'zqlite/src/table-source.js',
  liteTables: 'zero-cache/src/db/lite-tables.js',
  create: 'zero-cache/src/db/create.js',
  pgToLite: 'zero-cache/src/db/pg-to-lite.js',
  lite: 'zero-cache/src/types/lite.js',
  columnMetadata: 'zero-cache/src/services/replicator/schema/column-metadata.js',
  replicationState: 'zero-cache/src/services/replicator/schema/replication-state.js',
  replicaSchema: 'zero-cache/src/services/change-source/common/replica-schema.js',
  analyze: 'zero-cache/src/services/analyze.js',
  debug: 'zql/src/builder/debug-delegate.js',
  snapshotter: 'zero-cache/src/services/view-syncer/snapshotter.js',
  pipelineDriver: 'zero-cache/src/services/view-syncer/pipeline-driver.js',
  viewSyncer: 'zero-cache/src/services/view-syncer/view-syncer.js',
  inspector: 'zero-cache/src/server/inspector-delegate.js',
};

/**
 * @param {string} project a folder with node_modules/@rocicorp/zero
 * @param {...keyof typeof MODULES} names
 */
export async function zero(project, ...names) {
  const root = path.join(path.resolve(project), 'node_modules', '@rocicorp', 'zero');
  const load = name => import(pathToFileURL(path.join(root, 'out', MODULES[name])).href);
  const loaded = await Promise.all(names.map(load));
  return Object.assign({}, ...loaded);
}

/** The driver that Zero gets: resolved from Zero's own folder, so it is the very same module. */
export function driver(project) {
  const root = path.join(path.resolve(project), 'node_modules', '@rocicorp', 'zero', 'package.json');
  return createRequire(root)('@rocicorp/zero-sqlite3');
}

/** A logger that keeps quiet, and says on stderr what Zero calls an error. */
export async function logContext(project) {
  const root = path.join(path.resolve(project), 'node_modules', '@rocicorp', 'zero', 'package.json');
  const {LogContext} = await import(pathToFileURL(createRequire(root).resolve('@rocicorp/logger')).href);
  const sink = {log: (level, _context, ...args) => level === 'error' && console.error(...args)};
  return new LogContext('error', {}, sink);
}

export const LOG_CONFIG = {
  format: 'text',
  level: 'error',
  ivmSampling: 0,
  slowRowThreshold: 0,
  slowHydrateThreshold: 60_000,
};
