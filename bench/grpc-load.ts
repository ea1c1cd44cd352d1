/** A raw grpc-js client with proto-loader: as many requests as credit allows, a fixed number a frame. */
import { credentials, loadPackageDefinition, type ClientDuplexStream } from '@grpc/grpc-js';
import type { ProtoGrpcType } from '../src/wire/gen/io.js';
import type { ClientFrame } from '../src/wire/gen/sluice/v1/ClientFrame.js';
import type { IoRequest } from '../src/wire/gen/sluice/v1/IoRequest.js';
import type { IoServiceClient } from '../src/wire/gen/sluice/v1/IoService.js';
import type { ServerFrame__Output } from '../src/wire/gen/sluice/v1/ServerFrame.js';
import { packageDefinition } from '../src/wire/proto.js';
import type { Timed } from './report.js';

export interface Load {
  readonly requests: number;
  readonly perFrame: number;
  /** Most requests out at once. */
  readonly window: number;
  /** The request with this id. */
  readonly request: (id: number) => IoRequest;
}

export class LoadClient {
  readonly #client: IoServiceClient;
  readonly #call: ClientDuplexStream<ClientFrame, ServerFrame__Output>;
  /** Requests sent and answered since the stream began; what credit counts from. */
  #sent = 0;
  #answered = 0;
  #credit: number;
  #pump: (frame: ServerFrame__Output) => void = () => undefined;

  /** @param credited whether the server gives credit (the service) or takes anything (the echo) */
  constructor(port: number, credited: boolean) {
    const types = loadPackageDefinition(packageDefinition()) as unknown as ProtoGrpcType;
    this.#client = new types.sluice.v1.IoService(`127.0.0.1:${String(port)}`, credentials.createInsecure());
    this.#call = this.#client.Stream();
    this.#credit = credited ? 0 : Infinity;
    this.#call.on('data', (frame: ServerFrame__Output) => {
      for (const credit of frame.credits) this.#credit = credit.requestsTotal;
      for (const reply of frame.replies) {
        if (reply.code !== 0) throw new Error(`request ${String(reply.id)}: ${String(reply.code)} ${reply.message}`);
      }
      this.#answered += frame.replies.length;
      this.#pump(frame);
    });
    this.#call.on('error', () => undefined);
    if (credited) this.#call.write({ hello: {}, open: [{ handle: 1, device: 'null0', tag: 'bench' }] });
  }

  run({ requests, perFrame, window, request }: Load): Promise<Timed> {
    return new Promise((resolve) => {
      const from = process.hrtime.bigint();
      const lastSent = this.#sent + requests;
      const lastAnswered = this.#answered + requests;
      this.#pump = () => {
        if (this.#answered >= lastAnswered) {
          this.#pump = () => undefined;
          resolve({ seconds: Number(process.hrtime.bigint() - from) / 1e9, operations: requests });
          return;
        }
        const allowed = Math.min(this.#credit, this.#answered + window, lastSent);
        while (this.#sent + perFrame <= allowed) {
          const batch: IoRequest[] = [];
          for (let i = 0; i < perFrame; i++) batch.push(request(this.#sent++));
          this.#call.write({ requests: batch });
        }
      };
      this.#pump(undefined as never);
    });
  }

  close(): void {
    this.#call.cancel();
    this.#client.close();
  }
}
