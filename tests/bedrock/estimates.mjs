// Estimates of Zero's cost model, one by one: `node estimates.mjs PROJECT REPLICA`. One line of JSON on stdout.

import process from 'node:process';
import {MODULES, estimates} from '../../demo/hydrate.mjs';
import {logContext, zero} from '../../demo/zero.mjs';

const [project, replica] = process.argv.slice(2);
const z = await zero(project, ...MODULES);
const lc = await logContext(project);
const db = new z.Database(lc, replica);
const specs = z.computeZqlSpecs(lc, db, {includeBackfillingColumns: false});
process.stdout.write(JSON.stringify(estimates(z, db, specs)));
db.close();
