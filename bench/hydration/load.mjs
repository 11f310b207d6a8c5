// Zero's own modules for a view-syncer, from the package that is installed in a project.

import {createRequire} from 'node:module';
import path from 'node:path';
import process from 'node:process';
import {pathToFileURL} from 'node:url';

// The syncer's entry point is imported for what it loads; this variable keeps it from starting.
process.env.SINGLE_PROCESS = '1';

const MODULES = {
  replica: [
    'zqlite/src/db.js',
    'zero-cache/src/db/create.js',
    'zero-cache/src/db/pg-to-lite.js',
    'zero-cache/src/types/lite.js',
    'zero-cache/src/services/replicator/schema/column-metadata.js',
    'zero-cache/src/services/replicator/schema/replication-state.js',
    'zero-cache/src/services/change-source/common/replica-schema.js',
  ],
  syncer: [
    'zero-cache/src/server/syncer.js',
    'zero-cache/src/server/priority-op.js',
    'zero-cache/src/server/inspector-delegate.js',
    'zero-cache/src/services/view-syncer/view-syncer.js',
    'zero-cache/src/services/view-syncer/pipeline-driver.js',
    'zero-cache/src/services/view-syncer/snapshotter.js',
    'zero-cache/src/services/view-syncer/drain-coordinator.js',
    'zero-cache/src/services/view-syncer/connection-context-manager.js',
    'zero-cache/src/services/view-syncer/schema/init.js',
    'zero-cache/src/services/analyze.js',
    'zero-cache/src/types/pg.js',
    'zero-cache/src/types/subscription.js',
    'zero-cache/src/db/lite-tables.js',
    'zqlite/src/database-storage.js',
    'zqlite/src/db.js',
    'shared/src/bigint-json.js',
    'zql/src/builder/debug-delegate.js',
  ],
};

/** @param {keyof typeof MODULES} part */
export async function zero(project, part) {
  const root = path.join(path.resolve(project), 'node_modules', '@rocicorp', 'zero');
  const loaded = [];
  for (const name of MODULES[part]) loaded.push(await import(pathToFileURL(path.join(root, 'out', name)).href));
  const logger = createRequire(path.join(root, 'package.json')).resolve('@rocicorp/logger');
  const {LogContext} = await import(pathToFileURL(logger).href);
  const sink = {log: (level, _context, ...args) => level === 'error' && console.error(...args)};
  return Object.assign({lc: new LogContext('error', {}, sink)}, ...loaded);
}
