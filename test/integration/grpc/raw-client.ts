/** A client with nothing of its own: grpc-js and proto-loader, frames in and out. */
import { Client, credentials, loadPackageDefinition, type ClientDuplexStream, type StatusObject } from '@grpc/grpc-js';
import type { ClientFrame } from '../../../src/wire/gen/sluice/v1/ClientFrame.js';
import type { IoReply__Output } from '../../../src/wire/gen/sluice/v1/IoReply.js';
import type { IoServiceClient } from '../../../src/wire/gen/sluice/v1/IoService.js';
import type { Opened__Output } from '../../../src/wire/gen/sluice/v1/Opened.js';
import type { ServerFrame__Output } from '../../../src/wire/gen/sluice/v1/ServerFrame.js';
import type { ProtoGrpcType as IoTypes } from '../../../src/wire/gen/io.js';
import type { ProtoGrpcType as PolicyTypes } from '../../../src/wire/gen/policy.js';
import type { ProtoGrpcType as DeviceTypes } from '../../../src/wire/gen/device.js';
import type { ProtoGrpcType as UsageTypes } from '../../../src/wire/gen/usage.js';
import type { ProtoGrpcType as DiskTypes } from '../../../src/wire/gen/disk.js';
import { packageDefinition } from '../../../src/wire/proto.js';

type Types = IoTypes['sluice']['v1'] &
  PolicyTypes['sluice']['v1'] &
  DeviceTypes['sluice']['v1'] &
  UsageTypes['sluice']['v1'] &
  DiskTypes['sluice']['v1'];

export function stubs(): Types {
  const types = loadPackageDefinition(packageDefinition()) as unknown as { sluice: { v1: Types } };
  return types.sluice.v1;
}

/** A connection of its own for each client: else grpc-js shares one among all of a process. */
export const OWN_CONNECTION = { 'grpc.use_local_subchannel_pool': 1, 'grpc.max_receive_message_length': -1 };

export function ioClient(address: string): IoServiceClient {
  return new (stubs().IoService)(address, credentials.createInsecure(), OWN_CONNECTION);
}

export class RawStream {
  readonly frames: ServerFrame__Output[] = [];
  readonly replies: IoReply__Output[] = [];
  readonly opened: Opened__Output[] = [];
  status: StatusObject | null = null;
  readonly client: Client;
  readonly call: ClientDuplexStream<ClientFrame, ServerFrame__Output>;
  #waiting: (() => void)[] = [];

  constructor(address: string) {
    const client = ioClient(address);
    this.client = client;
    this.call = client.Stream();
    this.call.on('data', (frame: ServerFrame__Output) => {
      this.frames.push(frame);
      this.replies.push(...frame.replies);
      this.opened.push(...frame.opened);
      this.#wake();
    });
    this.call.on('error', () => undefined);
    this.call.on('status', (status: StatusObject) => {
      this.status = status;
      this.#wake();
    });
  }

  send(frame: ClientFrame): void {
    this.call.write(frame);
  }

  /** Resolves when it holds; rejects where the stream ends before. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.status !== null) {
        throw new Error(`the stream ended: ${String(this.status.code)} ${this.status.details}`);
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Resolves with the replies once there are n in all. */
  async repliesOf(n: number): Promise<IoReply__Output[]> {
    await this.until(() => this.replies.length >= n);
    return this.replies;
  }

  async reply(id: number): Promise<IoReply__Output> {
    await this.until(() => this.replies.some((reply) => reply.id === id));
    return this.replies.find((reply) => reply.id === id)!;
  }

  async openedOf(n: number): Promise<Opened__Output[]> {
    await this.until(() => this.opened.length >= n);
    return this.opened;
  }

  async ended(): Promise<StatusObject> {
    while (this.status === null) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.status;
  }

  /** The last credit told for a handle. */
  credit(handle: number): { requestsTotal: number; bytesTotal: number } | undefined {
    return this.frames.flatMap((frame) => frame.credits).findLast((credit) => credit.handle === handle);
  }

  get goAway(): ServerFrame__Output['goAway'] {
    return this.frames.find((frame) => frame.goAway !== null)?.goAway ?? null;
  }

  [Symbol.dispose](): void {
    this.call.cancel();
    this.client.close();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
