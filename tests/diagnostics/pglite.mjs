// A PGlite behind a socket: `node pglite.mjs FOLDER PORT`, FOLDER has the packages. Says `ready`; ends with its stdin.

import {createRequire} from 'node:module';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';

const [folder, port] = process.argv.slice(2);
const require = createRequire(pathToFileURL(join(folder, 'package.json')));
const {PGlite} = require('@electric-sql/pglite');
const {PGLiteSocketServer} = require('@electric-sql/pglite-socket');

const db = await PGlite.create();
const server = new PGLiteSocketServer({db, port: Number(port), host: '127.0.0.1'});
await server.start();
console.log('ready');
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
