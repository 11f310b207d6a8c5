// `node cli.js start|stop INDEX [BEDROCK [MODE [FOLDER]]]`: what this release does to zero-sqlite3's entry point.

import process from 'node:process';
import * as release from './release.js';

const [action, ...rest] = process.argv.slice(2);
process.stdout.write(release[action](...rest));
