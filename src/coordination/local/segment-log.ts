/**
 * A log of records in segment files `NAME-000001.log`, `NAME-000002.log` … of a folder. Only the last
 * one is written to; old ones are dropped whole. What is written is on the disk (fdatasync) before a
 * write resolves, or, where it fails, is not in the log at all.
 */
import { open, readFile, readdir, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { frame, scanFrames } from './frames.js';

export interface LogRecord {
  readonly kind: number;
  readonly payload: Uint8Array;
  /** What dropBefore goes by; any number that rises in time. */
  readonly stamp: number;
}

export interface SegmentLogOptions {
  readonly folder: string;
  readonly name: string;
  readonly segmentBytesMax: number;
  /** A segment holds records of at most this span of stamps. */
  readonly stampSpanMax: number;
  /** Shown each record that is there, oldest first. @returns its stamp */
  readonly visit: (kind: number, payload: Buffer) => number;
  /** Told of what does not check: a line for people. */
  readonly report: (message: string) => void;
}

interface Segment {
  readonly index: number;
  readonly file: string;
  bytes: number;
  firstStamp: number;
  lastStamp: number;
}

export class SegmentLog {
  private readonly options: SegmentLogOptions;
  private readonly segments: Segment[] = [];
  /** Of the last segment. */
  private handle: FileHandle | null = null;
  /** Whether the file may be longer than what is in the log. */
  private overlong = false;

  private constructor(options: SegmentLogOptions) {
    this.options = options;
  }

  static async open(options: SegmentLogOptions): Promise<SegmentLog> {
    const log = new SegmentLog(options);
    const pattern = new RegExp(`^${options.name}-(\\d{6})\\.log$`);
    const found = (await readdir(options.folder)).flatMap((file) => {
      const index = pattern.exec(file)?.[1];
      return index === undefined ? [] : [{ file, index: Number(index) }];
    });
    found.sort((a, b) => a.index - b.index);
    for (const [i, { file, index }] of found.entries()) await log.read(file, index, i === found.length - 1);
    return log;
  }

  /** Of all segments. */
  get bytes(): number {
    return this.segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * All or none; one at a time.
   * @throws what the file system says
   */
  async write(records: readonly LogRecord[]): Promise<void> {
    if (records.length === 0) return;
    const bytes = Buffer.concat(records.map(({ kind, payload }) => frame(kind, payload)));
    const first = Math.min(...records.map(({ stamp }) => stamp));
    const last = Math.max(...records.map(({ stamp }) => stamp));
    const segment = await this.segmentFor(bytes.length, first);
    await this.append(segment, bytes);
    segment.firstStamp = Math.min(segment.firstStamp, first);
    segment.lastStamp = Math.max(segment.lastStamp, last);
  }

  /** Puts these in the place of all that was there. A crash meanwhile leaves what was there, or both, these after it. */
  async replace(records: readonly LogRecord[]): Promise<void> {
    const before = this.segments.length;
    await this.startSegment();
    await this.write(records);
    await this.drop(this.segments.slice(0, before));
  }

  /** Drops segments all of whose records are older; never the last. */
  async dropBefore(stamp: number): Promise<void> {
    await this.drop(this.segments.slice(0, -1).filter(({ lastStamp }) => lastStamp < stamp));
  }

  async close(): Promise<void> {
    const { handle } = this;
    this.handle = null;
    await handle?.close();
  }

  private async read(file: string, index: number, last: boolean): Promise<void> {
    const { folder, visit, report } = this.options;
    const path = join(folder, file);
    const bytes = await readFile(path);
    const segment: Segment = { index, file: path, bytes: bytes.length, firstStamp: Infinity, lastStamp: -Infinity };
    const { endByte, gaps } = scanFrames(bytes, (kind, payload) => {
      const stamp = visit(kind, payload);
      segment.firstStamp = Math.min(segment.firstStamp, stamp);
      segment.lastStamp = Math.max(segment.lastStamp, stamp);
    });
    for (const { fromByte, toByte } of gaps) {
      report(`${path}: bytes ${String(fromByte)} to ${String(toByte)} are damaged; the records in them are lost`);
    }
    const tail = bytes.length - endByte;
    if (tail > 0 && last) {
      report(`${path}: the last ${String(tail)} bytes are a record that was not written to its end; cut off`);
      const handle = await open(path, 'r+');
      await handle.truncate(endByte);
      await handle.close();
      segment.bytes = endByte;
    } else if (tail > 0) {
      report(`${path}: bytes ${String(endByte)} to ${String(bytes.length)} are damaged; the records in them are lost`);
    }
    this.segments.push(segment);
  }

  /** The segment to append to, a new one where the last is full or would span too long. */
  private async segmentFor(bytes: number, stamp: number): Promise<Segment> {
    const last = this.segments.at(-1);
    if (last === undefined) return this.startSegment();
    const full = last.bytes > 0 && last.bytes + bytes > this.options.segmentBytesMax;
    const spans = last.firstStamp !== Infinity && stamp - last.firstStamp > this.options.stampSpanMax;
    if (full || spans) return this.startSegment();
    this.handle ??= await open(last.file, 'r+');
    return last;
  }

  private async startSegment(): Promise<Segment> {
    const { folder, name } = this.options;
    const last = this.segments.at(-1);
    const index = (last?.index ?? 0) + 1;
    const file = join(folder, `${name}-${String(index).padStart(6, '0')}.log`);
    // Not 'x': one that could be made but not written to is there already.
    const handle = await open(file, 'w');
    await syncFolder(folder);
    await this.handle?.close();
    this.handle = handle;
    this.overlong = false;
    const segment = { index, file, bytes: 0, firstStamp: Infinity, lastStamp: -Infinity };
    this.segments.push(segment);
    return segment;
  }

  private async append(segment: Segment, bytes: Buffer): Promise<void> {
    const handle = this.handle!;
    if (this.overlong) await handle.truncate(segment.bytes);
    this.overlong = true;
    for (let done = 0; done < bytes.length;) {
      done += (await handle.write(bytes, done, bytes.length - done, segment.bytes + done)).bytesWritten;
    }
    await handle.datasync();
    this.overlong = false;
    segment.bytes += bytes.length;
  }

  private async drop(segments: readonly Segment[]): Promise<void> {
    for (const segment of segments) {
      await rm(segment.file, { force: true });
      this.segments.splice(this.segments.indexOf(segment), 1);
    }
  }
}

/** Makes names of new or renamed files last. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
