/** Reads a trace out of memory, in chunks of any size, into plain records. */
import { OP_NAMES } from '../../../src/core/model/request.js';
import type { Op } from '../../../src/core/model/request.js';
import { TraceReader } from '../../../src/workload/traces/reader.js';
import type { ReaderOptions } from '../../../src/workload/traces/reader.js';

export interface PlainRecord {
  readonly ns: number;
  readonly device: string;
  readonly op: string;
  readonly offset: number;
  readonly bytes: number;
}

async function* chunked(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

export async function readTrace(
  content: string | Uint8Array,
  options: ReaderOptions = {},
  chunkBytes = 7,
): Promise<{ reader: TraceReader; records: PlainRecord[] }> {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
  const reader = new TraceReader('sample', options);
  const records: PlainRecord[] = [];
  for await (const batch of reader.batches(chunked(bytes, chunkBytes))) {
    for (let i = 0; i < batch.count; i++) {
      records.push({
        ns: batch.timeNs[i]!,
        device: reader.devices.names[batch.device[i]!]!,
        op: OP_NAMES[batch.op[i]! as Op],
        offset: batch.offset[i]!,
        bytes: batch.lengthBytes[i]!,
      });
    }
  }
  return { reader, records };
}
