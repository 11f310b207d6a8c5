// `node formatters.mjs NAME MODULE < SOURCE`: JavaScript as a minifier or a formatter leaves it.

import process from 'node:process';
import {text} from 'node:stream/consumers';

const [name, url] = process.argv.slice(2);
const source = await text(process.stdin);
const tool = await import(url);

const formatters = {
  terser: async () => (await tool.minify(source, {toplevel: true, mangle: true, compress: {passes: 2}, module: /^export /m.test(source)})).code,
  prettier: () => tool.format(source, {parser: 'babel', semi: false, singleQuote: false, printWidth: 40, tabWidth: 8}),
};
process.stdout.write(await formatters[name]());
