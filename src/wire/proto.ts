/** The contract in proto/, loaded once, with the conversions that the generated types in gen/ state. */
import { fileURLToPath } from 'node:url';
import protoLoader from '@grpc/proto-loader';

/** Where the .proto files lie, from src/wire and from dist/wire alike. */
export const PROTO_DIR = fileURLToPath(new URL('../../proto', import.meta.url));

export const PROTO_FILES = ['io', 'policy', 'device', 'usage', 'disk'].map((name) => `sluice/v1/${name}.proto`);

/** Numbers for 64-bit fields: exact below 2^53, which every field's allowed range is. */
export const LOADER_OPTIONS: protoLoader.Options = {
  longs: Number,
  enums: Number,
  defaults: true,
  oneofs: true,
  includeDirs: [PROTO_DIR],
};

let loaded: protoLoader.PackageDefinition | undefined;

export function packageDefinition(): protoLoader.PackageDefinition {
  loaded ??= protoLoader.loadSync(PROTO_FILES, LOADER_OPTIONS);
  return loaded;
}
