#!/usr/bin/env node
'use strict';
// CommonJS, because libuv sizes its thread pool before the first ES module runs: every file
// operation of a device takes one of these threads.
process.env.UV_THREADPOOL_SIZE ??= '16';
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const main = join(__dirname, '..', 'dist', 'main.js');
if (!existsSync(main)) {
  process.stderr.write('sluice: not built yet; run: npm run build\n');
  process.exit(1);
}
import(pathToFileURL(main).href).catch((error) => {
  process.stderr.write(`sluice: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
