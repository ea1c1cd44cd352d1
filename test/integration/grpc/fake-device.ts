/** Served devices under a test's hand: answer at once, keep queued, or keep at the device. */
import { DEFAULT_SETTINGS, type DeviceRecord } from '../../../src/core/model/device.js';
import type { Code, ErrorCode } from '../../../src/core/model/errors.js';
import { OPS } from '../../../src/core/model/request.js';
import type { PendingIo } from '../../../src/core/pending-io.js';
import type { ServedDevice, ServedDevices, ServedState } from '../../../src/core/ports.js';

export class FakeDevice implements ServedDevice {
  readonly name: string;
  readonly record: DeviceRecord;
  state: ServedState = 'ready';
  stateMessage = '';
  sizeBytes = 2 ** 30;
  blockBytes = 512;
  readOnly = false;
  /** What becomes of a request on arrival. */
  mode: 'serve' | 'queue' | 'hold' = 'serve';
  refused: { code: ErrorCode; message: string } | null = null;
  readonly submitted: PendingIo[] = [];
  readonly tags: string[] = [];
  /** How many were ever executed. */
  executed = 0;

  constructor(name: string) {
    this.name = name;
    this.record = {
      name,
      target: { binding: name },
      settings: DEFAULT_SETTINGS,
      draining: false,
      etag: 'e1',
      revision: 1,
    };
  }

  get queued(): number {
    return this.submitted.filter((io) => io.state === 'queued').length;
  }

  get outstanding(): number {
    return this.submitted.filter((io) => io.state === 'outstanding').length;
  }

  refusal(): { code: ErrorCode; message: string } | null {
    return this.refused;
  }

  submit(io: PendingIo, tag: string): void {
    this.submitted.push(io);
    this.tags.push(tag);
    io.state = this.mode === 'queue' ? 'queued' : 'outstanding';
    if (this.mode === 'serve') this.finish(io);
  }

  cancel(io: PendingIo): boolean {
    if (io.state !== 'queued') return false;
    this.#complete(io, 'CANCELLED', 'cancelled while queued');
    return true;
  }

  /** Ends a request that is held or queued. */
  finish(io: PendingIo, code: Code = 'OK', message = ''): void {
    this.executed += 1;
    if (io.op === OPS.READ && code === 'OK') io.data = new Uint8Array(io.lengthBytes).fill(io.id & 0xff);
    io.charged = 1;
    io.serviceNs = 7_000;
    io.shareNs = 3_999;
    this.#complete(io, code, message);
  }

  finishAll(): void {
    for (const io of this.submitted) if (io.state !== 'completed') this.finish(io);
  }

  #complete(io: PendingIo, code: Code, message: string): void {
    io.state = 'completed';
    io.code = code;
    io.message = message;
    io.sink.completed(io);
  }
}

export class FakeDevices implements ServedDevices {
  readonly #devices: Map<string, FakeDevice>;

  constructor(...devices: FakeDevice[]) {
    this.#devices = new Map(devices.map((device) => [device.name, device]));
  }

  get(name: string): FakeDevice | undefined {
    return this.#devices.get(name);
  }

  list(): readonly FakeDevice[] {
    return [...this.#devices.values()];
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }
}
