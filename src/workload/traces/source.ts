/** Where a trace's bytes come from: the one file here that opens files. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { pipeline } from 'node:stream';
import { SluiceError } from '../../core/model/errors.js';

const CHUNK_BYTES = 256 * 1024;

/**
 * The content of a file, unpacked where it is gzip (told by its first bytes, not its name).
 * @throws SluiceError NOT_FOUND, PERMISSION_DENIED, UNSUPPORTED (zstd), INVALID_ARGUMENT (damaged gzip)
 */
export async function* traceBytes(path: string): AsyncGenerator<Uint8Array> {
  const magic = await firstBytes(path);
  if (magic.length >= 4 && magic[0] === 0x28 && magic[1] === 0xb5 && magic[2] === 0x2f && magic[3] === 0xfd) {
    throw new SluiceError('UNSUPPORTED', `${path} is packed with zstd; unpack it first (zstd -d) or pack it with gzip`);
  }
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  const packed = magic.length >= 2 && magic[0] === 0x1f && magic[1] === 0x8b;
  // The callback form destroys both ends; the error itself comes out of the loop below.
  const stream = packed ? pipeline(file, createGunzip({ chunkSize: CHUNK_BYTES }), () => undefined) : file;
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    throw fileError(path, error);
  } finally {
    file.destroy();
  }
}

async function firstBytes(path: string): Promise<Uint8Array> {
  try {
    const handle = await open(path, 'r');
    try {
      const bytes = new Uint8Array(4);
      const { bytesRead } = await handle.read(bytes, 0, 4, 0);
      return bytes.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileError(path, error);
  }
}

function fileError(path: string, error: unknown): SluiceError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT') return new SluiceError('NOT_FOUND', `trace file ${path} does not exist`, { field: 'trace' });
  if (code === 'EISDIR') return new SluiceError('INVALID_ARGUMENT', `trace file must be a file, ${path} is a folder`);
  if (code === 'EACCES') return new SluiceError('PERMISSION_DENIED', `trace file ${path} may not be read`);
  if (code.startsWith('Z_')) {
    return new SluiceError('INVALID_ARGUMENT', `${path}: damaged gzip data (${(error as Error).message})`, {
      cause: error,
    });
  }
  return SluiceError.from(error);
}
