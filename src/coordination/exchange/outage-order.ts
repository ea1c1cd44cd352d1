/**
 * The order of one host by itself: while it runs on its outage quota the device's own algorithm
 * orders what waits here, so that shares hold among the tags of this host. It starts without a past.
 */
import { SluiceError } from '../../core/model/errors.js';
import type { DeviceSettings } from '../../core/model/device.js';
import type { RequestView } from '../../core/model/request.js';
import type { Heads, SchedulingAlgorithm } from '../../core/scheduling/algorithm.js';
import { ALGORITHMS } from '../../core/scheduling/registry.js';
import type { FlowView, GatedRequest, SharesOf } from '../../core/ports.js';

interface Known {
  readonly flow: FlowView;
  leaf: number;
  /** Requests of it, waiting or at the device, that the algorithm knows of. */
  held: number;
}

export class OutageOrder implements Heads {
  /** What a request that this order knows carries as its gateEpoch. */
  readonly mark: number;
  readonly #algorithm: SchedulingAlgorithm;
  readonly #known = new Map<string, Known>();
  readonly #byLeaf: (Known | undefined)[] = [];

  constructor(mark: number, settings: DeviceSettings, sharesOf: SharesOf) {
    this.mark = mark;
    this.#algorithm = ALGORITHMS[settings.scheduler]({ settings, sharesOf, heads: this });
  }

  head(leaf: number): RequestView {
    const head = this.#byLeaf[leaf]?.flow.head;
    if (head == null) throw new Error(`leaf ${String(leaf)} has nothing waiting`);
    return head;
  }

  /** @throws SluiceError QUEUE_FULL where a bound on tags is met; the request is not known then */
  arrived(flow: FlowView, request: GatedRequest, nowNs: number): void {
    let known = this.#known.get(flow.tag);
    if (known === undefined) {
      const leaf = this.#algorithm.open(flow.tag, nowNs);
      known = { flow, leaf, held: 0 };
      this.#known.set(flow.tag, known);
      this.#byLeaf[leaf] = known;
    }
    known.held += 1;
    request.gateEpoch = this.mark;
    this.#algorithm.arrived(known.leaf, request, nowNs);
  }

  /**
   * What waits in these flows arrives, oldest first.
   * @returns flows of which the rest did not, for a bound on tags
   */
  takeAll(flows: readonly FlowView[], nowNs: number): Map<FlowView, SluiceError> {
    const waiting: { flow: FlowView; request: GatedRequest }[] = [];
    for (const flow of flows) for (const request of flow.queued()) waiting.push({ flow, request });
    waiting.sort((a, b) => a.request.sequence - b.request.sequence);
    const full = new Map<FlowView, SluiceError>();
    for (const { flow, request } of waiting) {
      try {
        if (!full.has(flow)) this.arrived(flow, request, nowNs);
      } catch (error) {
        full.set(flow, SluiceError.from(error));
      }
    }
    return full;
  }

  /** The flow whose head goes next, charged; null where nothing that this order knows waits. */
  next(nowNs: number): FlowView | null {
    const next = this.#algorithm.next(nowNs);
    return next.kind === 'grant' ? this.#byLeaf[next.leaf]!.flow : null;
  }

  cancelled(flow: FlowView, request: GatedRequest, nowNs: number): void {
    const leaf = this.#release(flow, request);
    if (leaf >= 0) this.#algorithm.cancelled(leaf, request, nowNs);
  }

  finished(flow: FlowView, request: GatedRequest, latencyNs: number, nowNs: number): void {
    const leaf = this.#release(flow, request);
    if (leaf >= 0) this.#algorithm.finished(leaf, request, latencyNs, nowNs);
  }

  handBack(flow: FlowView, request: GatedRequest, nowNs: number): void {
    const leaf = this.#release(flow, request);
    if (leaf >= 0) this.#algorithm.handBack(leaf, request, nowNs);
  }

  sharesChanged(tag: string, nowNs: number): void {
    this.#algorithm.sharesChanged(tag, nowNs);
  }

  /** One request of the flow less; its leaf, or -1 where this order does not know the request. */
  #release(flow: FlowView, request: GatedRequest): number {
    if (request.gateEpoch !== this.mark) return -1;
    const known = this.#known.get(flow.tag)!;
    known.held -= 1;
    if (known.held === 0) {
      this.#known.delete(flow.tag);
      this.#byLeaf[known.leaf] = undefined;
    }
    return known.leaf;
  }
}
