/** IoService: streams and single requests, with the frames' own codec. */
import type { MethodDefinition, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { SluiceError } from '../../core/model/errors.js';
import type { Clock, ServedDevices } from '../../core/ports.js';
import { decodeClientFrame } from '../../wire/client-frame-reader.js';
import type { IoServiceHandlers } from '../../wire/gen/sluice/v1/IoService.js';
import { Scratch } from '../../wire/protobuf.js';
import { packageDefinition } from '../../wire/proto.js';
import { encodeServerFrame, type ServerFrameMessage } from '../../wire/server-frame.js';
import type { Calls } from './calls.js';
import type { IoLimits } from './limits.js';
import type { IncomingFrame, StreamCall } from './outbox.js';
import { StreamSession } from './session.js';
import { SessionMemory } from './session-memory.js';
import { toServiceError } from './status.js';
import { submit } from './submit.js';

/** Never throws: grpc-js would end the stream with INTERNAL and say nothing of what is wrong. */
function readFrame(bytes: Buffer): IncomingFrame {
  try {
    return { frame: decodeClientFrame(bytes), bytes: bytes.length, malformed: '' };
  } catch (error) {
    return { frame: null, bytes: bytes.length, malformed: SluiceError.from(error).message };
  }
}

const scratch = new Scratch();

/** grpc-js copies what it is given, behind its own header, before it returns. */
function writeFrame(frame: ServerFrameMessage): Buffer {
  return encodeServerFrame(frame, scratch);
}

export interface IoServiceParts {
  readonly devices: ServedDevices;
  readonly clock: Clock;
  readonly hostId: string;
  readonly limits: IoLimits;
  readonly calls: Calls;
}

export class IoService {
  readonly #parts: IoServiceParts;
  readonly #memory: SessionMemory;
  readonly #sessions = new Set<StreamSession>();
  #refusal: SluiceError | null = null;
  #allEnded: (() => void) | null = null;

  constructor(parts: IoServiceParts) {
    this.#parts = parts;
    this.#memory = new SessionMemory(parts.clock);
  }

  /** Streams that are open. */
  get streams(): number {
    return this.#sessions.size;
  }

  get definition(): ServiceDefinition {
    const service = packageDefinition()['sluice.v1.IoService'] as ServiceDefinition;
    const stream = service.Stream as MethodDefinition<IncomingFrame, ServerFrameMessage>;
    return {
      ...service,
      Stream: { ...stream, requestDeserialize: readFrame, responseSerialize: writeFrame },
    };
  }

  get handlers(): UntypedServiceImplementation {
    const { devices, limits, calls } = this.#parts;
    const Submit: IoServiceHandlers['Submit'] = (call, callback) => {
      try {
        calls.begin();
      } catch (error) {
        callback(toServiceError(error));
        return;
      }
      submit(call, callback, devices, limits.maxIoBytes, () => calls.finished());
    };
    return { Submit, Stream: (call: StreamCall) => this.#stream(call) };
  }

  /** Says GoAway to all streams and refuses new ones. Resolves when the last has ended. */
  drain(error: SluiceError, graceMs: number): Promise<void> {
    this.#refusal = error;
    const done =
      this.#sessions.size === 0 ? Promise.resolve() : new Promise<void>((resolve) => (this.#allEnded = resolve));
    for (const session of [...this.#sessions]) session.leave(error.message, graceMs);
    return done;
  }

  /** Takes back what is queued on all streams. */
  cancelQueued(): void {
    for (const session of this.#sessions) session.cancelQueued();
  }

  /** Ends all streams with the error and forgets all sessions. */
  close(error: SluiceError): void {
    this.#refusal ??= error;
    for (const session of [...this.#sessions]) session.fail(error);
    this.#memory.close();
  }

  #stream(call: StreamCall): void {
    const { maxStreams } = this.#parts.limits;
    if (this.#sessions.size >= maxStreams) {
      const message = `at most max_streams (${String(maxStreams)}) streams may be open`;
      call.emit('error', toServiceError(new SluiceError('QUEUE_FULL', message)));
      return;
    }
    if (this.#refusal !== null) {
      call.emit('error', toServiceError(this.#refusal));
      return;
    }
    const ended = (session: StreamSession): void => {
      this.#sessions.delete(session);
      if (this.#sessions.size === 0) this.#allEnded?.();
    };
    this.#sessions.add(new StreamSession(call, { ...this.#parts, memory: this.#memory, ended }));
  }
}
