// Generates src/wire/gen from proto/. `node scripts/generate.mjs [FOLDER]` writes to FOLDER instead.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const outDir = process.argv[2] ?? join(root, 'src/wire/gen');
const loader = dirname(createRequire(import.meta.url).resolve('@grpc/proto-loader/package.json'));

// What is no longer in the contract must not live on in the generated types.
rmSync(outDir, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [
    join(loader, 'build/bin/proto-loader-gen-types.js'),
    '--longs=Number',
    '--enums=Number',
    '--defaults',
    '--oneofs',
    '--grpcLib=@grpc/grpc-js',
    '--importFileExtension=.js',
    `--outDir=${outDir}`,
    '-I',
    'proto',
    '--',
    ...['io', 'policy', 'device', 'usage', 'disk'].map((name) => `sluice/v1/${name}.proto`),
  ],
  { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
);
