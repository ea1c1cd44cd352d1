/** What every gate keeps, whoever makes it. */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/clock/virtual.js';
import {
  DEFAULT_SETTINGS,
  patchSettings,
  type DeviceSettings,
  type DeviceSettingsPatch,
} from '../../src/core/model/device.js';
import { OPS } from '../../src/core/model/request.js';
import { NS_PER_MS } from '../../src/core/model/units.js';
import { Flow } from '../../src/core/flow.js';
import { PendingIo } from '../../src/core/pending-io.js';
import type { Clock, Gate, SharesOf } from '../../src/core/ports.js';

export interface GateMaker {
  (clock: Clock, settings: DeviceSettings, sharesOf: SharesOf): Gate;
}

export interface GateFlags {
  /** Lets what the gate does outside its calls (an exchange, say) come to rest. */
  readonly settle: (clock: VirtualClock) => Promise<void>;
  /** How long after its cause a grant may come; 0: within the call that made it possible. */
  readonly delayNs: number;
}

/** Stands where the dispatcher does: flows, what was granted in which order, and who is at the device. */
class Stand {
  readonly clock = new VirtualClock();
  readonly shares = new Map<string, number>();
  readonly flows = new Map<string, Flow>();
  readonly granted: { tag: string; io: PendingIo; atNs: number }[] = [];
  readonly gate: Gate;
  readonly settings: DeviceSettings;
  #sequence = 0;

  constructor(make: GateMaker, patch: DeviceSettingsPatch) {
    this.settings = patchSettings(DEFAULT_SETTINGS, patch);
    this.gate = make(this.clock, this.settings, (tag) => ({ shares: this.shares.get(tag) ?? 100, selfShares: 100 }));
    this.gate.onGranted((view, atNs) => {
      const flow = this.flows.get(view.tag)!;
      const io = flow.head!;
      flow.remove(io, 0);
      flow.outstanding += 1;
      this.granted.push({ tag: flow.tag, io, atNs });
    });
  }

  arrive(tag: string, count = 1, cost = 1): void {
    let flow = this.flows.get(tag);
    if (flow === undefined) this.flows.set(tag, (flow = new Flow(tag, { record: () => undefined })));
    for (let i = 0; i < count; i++) {
      const io = new PendingIo(OPS.READ, 0, 4096, null, false, 0, 0, 0, { completed: () => undefined });
      io.cost = cost;
      io.arrivedNs = this.clock.nowNs();
      io.sequence = this.#sequence++;
      flow.append(io, 0);
      this.gate.arrived(flow, io);
    }
  }

  /** The oldest granted request of those at the device comes back. */
  finish(index = 0): void {
    const [entry] = this.atDevice.splice(index, 1);
    entry!.flow.outstanding -= 1;
    this.gate.finished(entry!.flow, entry!.io, this.clock.nowNs(), NS_PER_MS);
  }

  #taken = 0;
  readonly #atDevice: { flow: Flow; io: PendingIo }[] = [];
  get atDevice(): { flow: Flow; io: PendingIo }[] {
    for (; this.#taken < this.granted.length; this.#taken++) {
      const { tag, io } = this.granted[this.#taken]!;
      this.#atDevice.push({ flow: this.flows.get(tag)!, io });
    }
    return this.#atDevice;
  }

  count(tag: string, from = 0): number {
    return this.granted.slice(from).filter((grant) => grant.tag === tag).length;
  }
}

export function gateConformance(name: string, make: GateMaker, flags: GateFlags): void {
  const { settle } = flags;
  const serve = async (stand: Stand, requests: number): Promise<void> => {
    for (let i = 0; i < requests; i++) {
      stand.finish();
      await settle(stand.clock);
    }
  };

  describe(`gate: ${name}`, () => {
    test('grants at once while slots are free, never more than the depth', async () => {
      const stand = new Stand(make, { depth: 3 });
      stand.arrive('a', 10);
      await settle(stand.clock);
      expect(stand.granted).toHaveLength(3);
      expect(stand.gate.outstanding).toBe(3);
      for (let i = 0; i < 7; i++) {
        stand.finish();
        await settle(stand.clock);
        expect(stand.gate.outstanding).toBe(3);
      }
      await serve(stand, 3);
      expect(stand.granted).toHaveLength(10);
      expect(stand.gate.outstanding).toBe(0);
      stand.gate.close();
    });

    test('grants the oldest request of a flow first', async () => {
      const stand = new Stand(make, { depth: 1 });
      stand.arrive('a', 5);
      await settle(stand.clock);
      await serve(stand, 5);
      expect(stand.granted.map(({ io }) => io.sequence)).toEqual([0, 1, 2, 3, 4]);
      stand.gate.close();
    });

    test('divides by shares, whatever the backlog, and by new shares once they change', async () => {
      const stand = new Stand(make, { depth: 1 });
      stand.shares.set('a', 300);
      stand.arrive('b', 400);
      stand.arrive('a', 200);
      await settle(stand.clock);
      await serve(stand, 80);
      expect(Math.abs(stand.count('a') - 60)).toBeLessThanOrEqual(2);
      const from = stand.granted.length;
      stand.shares.set('a', 100);
      stand.gate.sharesChanged('a');
      await settle(stand.clock);
      await serve(stand, 80);
      expect(Math.abs(stand.count('a', from) - 40)).toBeLessThanOrEqual(2);
      stand.gate.close();
    });

    test('divides within a tag, then among its siblings', async () => {
      const stand = new Stand(make, { depth: 2 });
      stand.shares.set('acme/db', 300);
      for (const tag of ['acme/db', 'acme/log', 'other']) stand.arrive(tag, 300);
      await settle(stand.clock);
      await serve(stand, 160);
      const [db, log, other] = ['acme/db', 'acme/log', 'other'].map((tag) => stand.count(tag)) as [
        number,
        number,
        number,
      ];
      expect(Math.abs(db + log - other)).toBeLessThanOrEqual(4);
      expect(Math.abs(db - 3 * log)).toBeLessThanOrEqual(8);
      stand.gate.close();
    });

    test('charges nothing for what is cancelled', async () => {
      const stand = new Stand(make, { depth: 1 });
      stand.arrive('a', 101, 8);
      stand.arrive('b', 100, 8);
      await settle(stand.clock);
      const flow = stand.flows.get('a')!;
      for (let i = 0; i < 60; i++) {
        const io = flow.tail!;
        flow.remove(io, 0);
        stand.gate.cancelled(flow, io);
      }
      await settle(stand.clock);
      await serve(stand, 60);
      expect(Math.abs(stand.count('a') - stand.count('b'))).toBeLessThanOrEqual(2);
      stand.gate.close();
    });

    test('a grant handed back frees its slot and is not paid for', async () => {
      const stand = new Stand(make, { depth: 1 });
      stand.arrive('a', 50);
      await settle(stand.clock);
      for (let i = 0; i < 20; i++) {
        const { flow, io } = stand.atDevice.shift()!;
        flow.outstanding -= 1;
        stand.gate.handBack(flow, io);
        await settle(stand.clock);
      }
      expect(stand.gate.outstanding).toBe(1);
      stand.arrive('b', 50);
      await settle(stand.clock);
      const from = stand.granted.length;
      await serve(stand, 20);
      // Had the twenty been paid for, b would now be owed as many.
      expect(Math.abs(stand.count('a', from) - stand.count('b', from))).toBeLessThanOrEqual(3);
      stand.gate.close();
    });

    test('another depth acts on what waits: more at once, or fewer as they come back', async () => {
      const stand = new Stand(make, { depth: 2 });
      stand.arrive('a', 30);
      await settle(stand.clock);
      stand.gate.configure({ ...stand.settings, depth: 6 });
      await settle(stand.clock);
      expect(stand.gate.outstanding).toBe(6);
      stand.gate.configure({ ...stand.settings, depth: 1 });
      await serve(stand, 5);
      expect(stand.granted).toHaveLength(6);
      await serve(stand, 1);
      expect(stand.granted).toHaveLength(7);
      stand.gate.close();
    });

    test('another scheduler takes over what waits, in order, and loses nothing', async () => {
      const stand = new Stand(make, { depth: 2, scheduler: 'fair' });
      for (let i = 0; i < 20; i++) {
        stand.arrive('a');
        // Over hosts fifo is as sharp as the network is even.
        stand.clock.runFor(flags.delayNs);
        stand.arrive('b/x', 2);
        stand.clock.runFor(flags.delayNs);
      }
      await settle(stand.clock);
      let last = 0;
      for (const scheduler of ['fifo', 'stride', 'fair', 'fifo'] as const) {
        stand.gate.configure({ ...stand.settings, scheduler });
        last = stand.granted.length;
        await serve(stand, 10);
      }
      const rest = stand.granted.slice(last).map(({ io }) => io.sequence);
      expect(rest).toEqual([...rest].sort((x, y) => x - y));
      await serve(stand, 20);
      expect(stand.granted).toHaveLength(60);
      expect(new Set(stand.granted.map(({ io }) => io.sequence)).size).toBe(60);
      expect(stand.gate.outstanding).toBe(0);
      stand.gate.close();
    });

    test('says since when others were owed first', async () => {
      const stand = new Stand(make, { depth: 1 });
      stand.arrive('x');
      await settle(stand.clock);
      stand.clock.runFor(NS_PER_MS);
      stand.arrive('a', 2);
      stand.arrive('b', 2);
      expect(stand.flows.get('b')!.passedOverNs).toBe(-1);
      stand.clock.runFor(NS_PER_MS);
      const freedNs = stand.clock.nowNs();
      stand.finish();
      await settle(stand.clock);
      const first = stand.granted.at(-1)!.tag;
      const other = stand.flows.get(first === 'a' ? 'b' : 'a')!;
      expect(other.passedOverNs).toBeGreaterThanOrEqual(freedNs);
      expect(other.passedOverNs).toBeLessThanOrEqual(freedNs + flags.delayNs);
      stand.gate.close();
    });
  });
}
