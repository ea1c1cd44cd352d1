/**
 * The gate of a device that this process alone serves: the algorithm and the slots are here, and a
 * grant is given inside the call that made it possible.
 */
import { ALGORITHMS } from '../../core/scheduling/registry.js';
import type { AlgorithmFactory, Heads, SchedulingAlgorithm } from '../../core/scheduling/algorithm.js';
import type { DeviceSettings } from '../../core/model/device.js';
import type { Clock, FlowView, Gate, GatedRequest, GrantHandler, SharesOf, Timer } from '../../core/ports.js';

export class LocalGate implements Gate, Heads {
  readonly #clock: Clock;
  readonly #sharesOf: SharesOf;
  readonly #plugIn: AlgorithmFactory | null;
  #settings: DeviceSettings;
  #algorithm: SchedulingAlgorithm;
  /** Which algorithm is the present one: rises when the scheduler is exchanged under load. */
  #epoch = 0;
  /** By leaf number of the present algorithm. */
  #flows: (FlowView | undefined)[] = [];
  #handler: GrantHandler | null = null;
  #outstanding = 0;
  /** Flows whose head came up since the last grant. */
  #fresh: FlowView[] = [];
  #pumping = false;
  #nowNs = 0;
  #retry: Timer | null = null;

  /** @param plugIn used in place of the algorithm that the settings name: one that no device may be set to */
  constructor(clock: Clock, settings: DeviceSettings, sharesOf: SharesOf, plugIn: AlgorithmFactory | null = null) {
    this.#clock = clock;
    this.#sharesOf = sharesOf;
    this.#plugIn = plugIn;
    this.#settings = settings;
    this.#algorithm = this.#make();
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  onGranted(handler: GrantHandler): void {
    this.#handler = handler;
  }

  /** Never called: what this gate refuses, it refuses as it arrives. */
  onRefused(): void {
    return;
  }

  head(leaf: number): GatedRequest {
    const head = this.#flows[leaf]?.head;
    if (head == null) throw new Error(`leaf ${String(leaf)} has nothing waiting`);
    return head;
  }

  arrived(flow: FlowView, request: GatedRequest): void {
    const nowNs = this.#advance(request.arrivedNs);
    this.#admit(flow, request, nowNs);
    if (flow.backlog === 1) this.#markFresh(flow);
    this.#pump(nowNs);
  }

  cancelled(flow: FlowView, request: GatedRequest): void {
    const nowNs = this.#advance(this.#clock.nowNs());
    if (this.#held(flow, request)) this.#algorithm.cancelled(flow.gateIndex, request, nowNs);
    this.#forgetIdle(flow);
    if (flow.head !== null) this.#markFresh(flow);
    this.#pump(nowNs);
  }

  finished(flow: FlowView, request: GatedRequest, atNs: number, latencyNs: number): void {
    const nowNs = this.#advance(atNs);
    this.#outstanding -= 1;
    if (this.#held(flow, request)) this.#algorithm.finished(flow.gateIndex, request, latencyNs, nowNs);
    this.#forgetIdle(flow);
    this.#pump(nowNs);
  }

  handBack(flow: FlowView, request: GatedRequest): void {
    const nowNs = this.#advance(this.#clock.nowNs());
    this.#outstanding -= 1;
    if (this.#held(flow, request)) this.#algorithm.handBack(flow.gateIndex, request, nowNs);
    this.#forgetIdle(flow);
    this.#pump(nowNs);
  }

  sharesChanged(tag: string): void {
    this.#algorithm.sharesChanged(tag, this.#advance(this.#clock.nowNs()));
  }

  configure(settings: DeviceSettings): void {
    const exchange = settings.scheduler !== this.#settings.scheduler;
    this.#settings = settings;
    if (exchange) this.#exchange();
    else this.#algorithm.configure(settings);
    this.#pump(this.#advance(this.#clock.nowNs()));
  }

  close(): void {
    this.#retry?.cancel();
    this.#retry = null;
  }

  #make(): SchedulingAlgorithm {
    const make = this.#plugIn ?? ALGORITHMS[this.#settings.scheduler];
    return make({ settings: this.#settings, sharesOf: this.#sharesOf, heads: this });
  }

  /** Time as the algorithm sees it never runs back, though completions may be told a little late. */
  #advance(atNs: number): number {
    if (atNs > this.#nowNs) this.#nowNs = atNs;
    return this.#nowNs;
  }

  #admit(flow: FlowView, request: GatedRequest, nowNs: number): void {
    if (flow.gateEpoch !== this.#epoch || flow.gateHeld === 0) {
      flow.gateIndex = this.#algorithm.open(flow.tag, nowNs, flow.gateEpoch === this.#epoch ? flow.gateIndex : -1);
      flow.gateEpoch = this.#epoch;
      flow.gateHeld = 0;
      this.#flows[flow.gateIndex] = flow;
    }
    flow.gateHeld += 1;
    request.gateEpoch = this.#epoch;
    this.#algorithm.arrived(flow.gateIndex, request, nowNs);
  }

  /** Whether the present algorithm knows the request; from here on it no longer counts. */
  #held(flow: FlowView, request: GatedRequest): boolean {
    if (request.gateEpoch !== this.#epoch) return false;
    flow.gateHeld -= 1;
    return true;
  }

  /**
   * A leaf that the algorithm may forget keeps no flow alive. Its number may be another flow's by
   * now: requests that an earlier algorithm granted come back after the present one forgot the leaf.
   */
  #forgetIdle(flow: FlowView): void {
    if (flow.gateHeld === 0 && this.#flows[flow.gateIndex] === flow) this.#flows[flow.gateIndex] = undefined;
  }

  /**
   * Another algorithm takes over what waits, in order of arrival. What is outstanding keeps its
   * slot but is unknown to the new one: it was charged by the old.
   */
  #exchange(): void {
    const waiting: { flow: FlowView; request: GatedRequest }[] = [];
    for (const flow of new Set(this.#flows)) {
      if (flow?.gateEpoch !== this.#epoch) continue;
      for (const request of flow.queued()) waiting.push({ flow, request });
    }
    waiting.sort((a, b) => a.request.sequence - b.request.sequence);
    this.#epoch += 1;
    this.#flows = [];
    this.#algorithm = this.#make();
    for (const { flow, request } of waiting) this.#admit(flow, request, this.#nowNs);
  }

  #markFresh(flow: FlowView): void {
    if (flow.fresh) return;
    flow.fresh = true;
    this.#fresh.push(flow);
  }

  /**
   * Those whose head came up before this grant are passed over by it: from now on they wait because
   * of shares. (The granted one too, at the very time of its grant: a share of nothing.)
   */
  #passOver(atNs: number): void {
    const fresh = this.#fresh;
    for (let flow = fresh.pop(); flow !== undefined; flow = fresh.pop()) {
      flow.fresh = false;
      if (flow.passedOverNs < 0) flow.passedOverNs = atNs;
    }
  }

  /**
   * Grants while slots are free. A device that completes inside submit brings us back here: that
   * call returns at once and this loop goes on, so that the stack stays flat.
   */
  #pump(atNs: number): void {
    if (this.#pumping) return;
    const handler = this.#handler;
    if (handler === null) throw new Error('a gate needs onGranted before anything else');
    this.#pumping = true;
    try {
      while (this.#outstanding < this.#settings.depth) {
        const next = this.#algorithm.next(this.#nowNs);
        if (next.kind === 'idle') break;
        if (next.kind === 'wait') {
          this.#retryAt(next.untilNs);
          break;
        }
        const flow = this.#flows[next.leaf]!;
        this.#outstanding += 1;
        this.#passOver(atNs);
        handler(flow, atNs, 0);
        if (flow.head !== null) this.#markFresh(flow);
      }
    } finally {
      this.#pumping = false;
    }
  }

  #retryAt(untilNs: number): void {
    this.#retry?.cancel();
    this.#retry = this.#clock.after(Math.max(0, untilNs - this.#clock.nowNs()), () => {
      this.#retry = null;
      this.#pump(this.#advance(this.#clock.nowNs()));
    });
  }
}
