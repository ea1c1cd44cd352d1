/**
 * A session over two model hosts of one disk, with streams cut, hosts crashing, draining and
 * forgetting at random. After every event, from any seed:
 *   each request is answered exactly once
 *   answered OK: executed; answered with an error other than OUTCOME_UNKNOWN: never executed
 *   nothing is executed after its answer, OUTCOME_UNKNOWN apart: an old write never lands on a new one
 *   on a host that remembers the session nothing is executed twice
 *   FLUSH answered OK: every write answered before it was issued is durable, or the caller was told
 *   credit is never exceeded, no id used twice at a time (the model host throws)
 * A failure names its seed: SLUICE_SEED=n runs that one alone.
 */
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../src/clock/virtual.js';
import { Lane } from '../../../src/client/lane.js';
import { changesDevice, type IoReply } from '../../../src/client/request.js';
import { Session } from '../../../src/client/session.js';
import { codeName, type Code } from '../../../src/core/model/errors.js';
import { OPS, type Op } from '../../../src/core/model/request.js';
import { KIB, NS_PER_MS, NS_PER_S } from '../../../src/core/model/units.js';
import { SeededRng } from '../../../src/core/rng.js';
import { OPTIONS } from '../../unit/client/fake-network.js';
import { ModelHost, type Disk, type Memory, type WireRequest } from './model-host.js';
import { ModelNetwork } from './model-network.js';

const RUN_S = 60;
const SEEDS = 150;

interface Issued {
  readonly op: Op;
  readonly id: number;
  readonly atNs: number;
  answer: Code | null;
  answeredNs: number;
  readonly executions: Memory[];
  /** Running hosts that executed it. */
  readonly hostIds: Set<string>;
  durable: boolean;
  /** The caller knows that it may not be durable. */
  told: boolean;
}

class World implements Disk {
  readonly clock = new VirtualClock(0);
  readonly requests: Issued[] = [];
  readonly hosts: ModelHost[];
  readonly network: ModelNetwork;
  readonly session: Session;
  private readonly rng: SeededRng;
  private readonly byId = new Map<number, Issued>();
  /** Executed on a running host and not flushed there yet. */
  private readonly volatile = new Map<string, Set<Issued>>();
  private turn: (() => void)[] = [];
  private readonly lanes: Lane[] = [];

  constructor(seed: number, resendWrites: 'fenced' | 'never') {
    this.rng = new SeededRng(seed);
    this.hosts = ['a', 'b'].map((address) => new ModelHost(address, this.clock, new SeededRng(this.rng.word()), this));
    this.network = new ModelNetwork(this.clock, new SeededRng(this.rng.word()), this.hosts);
    this.network.settle = () => this.settle();
    for (const host of this.hosts) host.onIdle = (stream) => this.network.pipeOf(stream)?.endedByHost();
    const maxOutageMs = 8_000;
    const nothing = (): void => undefined;
    this.session = new Session(
      { ...OPTIONS, addresses: ['a', 'b'], resendWrites, maxOutageMs, maxOutageNs: maxOutageMs * NS_PER_MS },
      {
        network: this.network,
        clock: this.clock,
        rng: this.rng.fork('client'),
        defer: (fn) => this.turn.push(fn),
        raise: (error) => {
          throw error;
        },
        sessionId: new Uint8Array(16).fill(1),
      },
      { welcomed: nothing, leaving: nothing, lost: nothing, dialFailed: nothing, outage: nothing },
    );
    this.session.start();
    const owner = { opened: nothing, refused: nothing, closed: nothing };
    for (const tag of ['acme/a', 'acme/b']) this.lanes.push(this.session.openLane('disk0', tag, owner));
    this.settle();
  }

  settle(): void {
    while (this.turn.length > 0) {
      const turn = this.turn;
      this.turn = [];
      for (const fn of turn) fn();
    }
  }

  /** Load and faults for RUN_S, then peace until everything is answered. */
  run(): void {
    const endNs = RUN_S * NS_PER_S;
    this.loadUntil(endNs);
    this.troubleUntil(endNs);
    this.clock.runUntil(endNs + 60 * NS_PER_S);
    this.settle();
    expect(this.session.pending).toBe(0);
    for (const each of this.requests) this.checkAnswered(each);
  }

  executed(request: WireRequest, host: ModelHost, session: Memory): void {
    const issued = this.byId.get(request.id)!;
    if (!changesDevice(issued.op)) return;
    if (issued.executions.includes(session)) {
      throw new Error(`request ${String(request.id)} is executed twice on ${host.hostId}, which knew it`);
    }
    issued.executions.push(session);
    issued.hostIds.add(host.hostId);
    if (issued.answer !== null && issued.answer !== 'OUTCOME_UNKNOWN') {
      throw new Error(
        `request ${String(request.id)}, answered ${issued.answer}, is executed on ${host.hostId} after that`,
      );
    }
    let unflushed = this.volatile.get(host.hostId);
    if (unflushed === undefined) this.volatile.set(host.hostId, (unflushed = new Set()));
    unflushed.add(issued);
  }

  flushed(host: ModelHost): void {
    for (const issued of this.volatile.get(host.hostId) ?? []) issued.durable = true;
    this.volatile.delete(host.hostId);
  }

  private loadUntil(endNs: number): void {
    if (this.clock.nowNs() >= endNs) return;
    for (let i = this.rng.below(6); i > 0; i--) this.issueOne();
    this.settle();
    this.clock.after((1 + this.rng.below(200)) * NS_PER_MS, () => this.loadUntil(endNs));
  }

  private issueOne(): void {
    const pick = this.rng.below(10);
    const op =
      pick < 3 ? OPS.READ : pick < 7 ? OPS.WRITE : pick < 8 ? OPS.FLUSH : pick < 9 ? OPS.TRIM : OPS.WRITE_ZEROES;
    const lane = this.lanes[this.rng.below(this.lanes.length)]!;
    const length = op === OPS.FLUSH ? 0 : 4 * KIB * (1 + this.rng.below(4));
    const data = op === OPS.WRITE ? new Uint8Array(length) : null;
    const timeoutUs = this.rng.below(8) === 0 ? 1 + this.rng.below(2_000_000) : 0;
    const token = this.requests.length;
    let id: number;
    try {
      id = this.session.issue(lane, op, 0, length, data, false, timeoutUs, '', this, token);
    } catch {
      // In an outage nothing is taken: nothing is owed.
      return;
    }
    const atNs = this.clock.nowNs();
    const none = { executions: [], hostIds: new Set<string>(), durable: false, told: false };
    const issued: Issued = { op, id, atNs, answer: null, answeredNs: 0, ...none };
    this.requests.push(issued);
    this.byId.set(id, issued);
    if (this.rng.below(20) === 0) this.network.later(this.rng.below(3_000), () => this.session.cancel(id));
  }

  replied(token: number, reply: IoReply): void {
    const issued = this.requests[token]!;
    if (issued.answer !== null) throw new Error(`request ${String(issued.id)} is answered twice`);
    issued.answer = codeName(reply.code);
    issued.answeredNs = this.clock.nowNs();
    if (issued.op === OPS.FLUSH) this.checkFlush(issued);
  }

  private checkFlush(flush: Issued): void {
    for (const write of this.requests) {
      if (!changesDevice(write.op) || write.answer !== 'OK' || write.durable || write.told) continue;
      if (flush.answer === 'OUTCOME_UNKNOWN') write.told = true;
      else if (flush.answer === 'OK' && write.answeredNs < flush.atNs) {
        throw new Error(`FLUSH ${String(flush.id)} is answered OK; write ${String(write.id)} before it is not durable`);
      }
    }
  }

  private checkAnswered(issued: Issued): void {
    const name = `request ${String(issued.id)} (op ${String(issued.op)})`;
    if (issued.answer === null) throw new Error(`${name} is not answered`);
    if (!changesDevice(issued.op)) return;
    const times = issued.executions.length;
    if (issued.answer === 'OK' && times === 0) throw new Error(`${name} is answered OK and was never executed`);
    if (issued.answer !== 'OK' && issued.answer !== 'OUTCOME_UNKNOWN' && times > 0) {
      throw new Error(`${name} is answered ${issued.answer} and was executed`);
    }
  }

  private troubleUntil(endNs: number): void {
    this.clock.after(this.rng.below(4_000) * NS_PER_MS, () => {
      if (this.clock.nowNs() >= endNs) return;
      const host = this.hosts[this.rng.below(this.hosts.length)]!;
      if (host.up) this.trouble(host);
      this.settle();
      this.troubleUntil(endNs);
    });
  }

  private trouble(host: ModelHost): void {
    switch (this.rng.below(5)) {
      case 0:
        host.crash();
        this.network.cut(host);
        this.network.later(this.rng.below(6_000), () => (host.up = true));
        break;
      case 1:
        this.drain(host);
        break;
      case 2:
        host.forget();
        break;
      default:
        this.network.cut(host);
    }
  }

  private drain(host: ModelHost): void {
    host.draining = true;
    for (const stream of host.streams) {
      if (!stream.ended) stream.sayGoAway();
    }
    this.network.later(500 + this.rng.below(4_000), () => {
      if (!host.draining) return;
      host.crash();
      this.network.cut(host);
      this.network.later(this.rng.below(2_000), () => (host.up = true));
    });
  }
}

const only = process.env['SLUICE_SEED'];
const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(only)];

describe('streams cut at random', () => {
  it.each(['fenced', 'never'] as const)(
    'each request is answered once and rightly, resendWrites %s',
    (resendWrites) => {
      const seen = new Map<string, number>();
      for (const seed of seeds) {
        const world = new World(seed, resendWrites);
        try {
          world.run();
        } catch (error) {
          const replay = `SLUICE_SEED=${String(seed)} npx vitest run test/fault/client/cuts.test.ts`;
          throw new Error(`seed ${String(seed)}: ${String(error)}; replay: ${replay}`, { cause: error });
        }
        for (const { op, answer, hostIds } of world.requests) {
          const key = `${String(op)} ${answer!}${hostIds.size > 1 ? ' on several hosts' : ''}`;
          seen.set(key, (seen.get(key) ?? 0) + 1);
        }
      }
      if (only !== undefined) return;
      // The histories went where the rules are.
      for (const key of [
        '1 OK',
        '2 OK',
        '2 OUTCOME_UNKNOWN',
        '3 OK',
        '3 OUTCOME_UNKNOWN',
        '2 CANCELLED',
        '2 QUEUE_FULL',
      ]) {
        expect(seen.get(key) ?? 0, key).toBeGreaterThan(20);
      }
      const several = seen.get('2 OK on several hosts') ?? 0;
      if (resendWrites === 'fenced') expect(several).toBeGreaterThan(20);
      else expect(several).toBe(0);
    },
  );
});
