'use strict';
const path = require('node:path');

module.exports = {
  'what a file descriptor needs is asked before anything is opened'(Database, dir, log) {
    for (const [filename, options] of [[-1, {}], [1.5, {}], [2 ** 31, {}], [NaN, {}], [3, {}], [3, { journalFd: -1 }], [3, { journalFd: 'x' }], [3, { journalFd: null }], [':memory:', { journalFd: 3 }], [undefined, { journalFd: 3 }]]) {
      log.call(`${String(filename)} ${JSON.stringify(options)}`, () => new Database(filename, options).name);
    }
  },
  'an entry point for one platform'(Database, dir, log) {
    const own = require(path.join(log.packageDir, 'lib', `${process.platform}-${process.arch}.js`));
    const db = new own(path.join(dir, 'a.db'));
    log.call('opens', () => [db.name, db.prepare('SELECT 1 AS a').all(), own.name, own.SqliteError === Database.SqliteError]);
    log.call('throws its own', () => db.exec('SELEC'));
    log.call('takes no nativeBinding', () => new own(':memory:', { nativeBinding: null }));
    log('is another class', own === Database);
    db.close();
  },
  'another binding'(Database, dir, log) {
    log.call('the prebuilt one', () => new Database(':memory:', { nativeBinding: path.join(log.packageDir, 'prebuilds', `${process.platform}-${process.arch}.node`) }).prepare('SELECT 1 AS a').get());
    log.call('without its suffix', () => new Database(':memory:', { nativeBinding: path.join(log.packageDir, 'prebuilds', `${process.platform}-${process.arch}`) }).prepare('SELECT 1 AS a').get());
    log.call('an object', () => new Database(':memory:', { nativeBinding: {} }));
    for (const wrong of [5, true, Symbol('s'), () => 1]) log.call(`wrong ${typeof wrong}`, () => new Database(':memory:', { nativeBinding: wrong }));
    for (const none of [null, undefined]) log.call('none', () => new Database(':memory:', { nativeBinding: none }).open);
  },
  'a database has no name before it is open'(Database, dir, log) {
    log.call('called', () => Database(':memory:').name);
    log.call('a subclass', () => new (class Mine extends Database {})(':memory:').constructor.name);
    log.call('readonly', () => new Database(path.join(dir, 'none.db'), { readonly: true }));
    log.call('a buffer', () => new Database(new Database(':memory:').serialize(), { readonly: true }).readonly);
    log.call('no database', () => new Database(Buffer.from('x'.repeat(2000))).prepare('SELECT * FROM sqlite_schema').all());
    log.call('empty', () => new Database(Buffer.alloc(0)).prepare('SELECT * FROM sqlite_schema').all());
  },
};
