/**
 * A scheduler that is fair on average and coarse: it lets a tag have up to `run` requests in a row,
 * and charges them as one. What the sharp bound is there to catch.
 */
import type {
  AlgorithmContext,
  AlgorithmFactory,
  Heads,
  Next,
  SchedulingAlgorithm,
} from '../../../src/core/scheduling/algorithm.js';
import type { DeviceSettings } from '../../../src/core/model/device.js';
import type { RequestView } from '../../../src/core/model/request.js';

export function inRuns(make: AlgorithmFactory, run: number): AlgorithmFactory {
  return (context) => new InRuns(make, run, context);
}

class InRuns implements SchedulingAlgorithm, Heads {
  private readonly inner: SchedulingAlgorithm;
  private readonly run: number;
  private readonly queues = new Map<number, RequestView[]>();
  private current = -1;
  private left = 0;

  constructor(make: AlgorithmFactory, run: number, context: AlgorithmContext) {
    this.run = run;
    this.inner = make({ ...context, heads: this });
  }

  /** To the scheduler inside, a run is one request. */
  head(leaf: number): RequestView {
    const first = this.queue(leaf).slice(0, this.run);
    return { ...first[0]!, cost: first.reduce((sum, request) => sum + request.cost, 0) };
  }

  private queue(leaf: number): RequestView[] {
    let queue = this.queues.get(leaf);
    if (queue === undefined) this.queues.set(leaf, (queue = []));
    return queue;
  }

  open(tag: string, nowNs: number, last?: number): number {
    return this.inner.open(tag, nowNs, last);
  }

  arrived(leaf: number, request: RequestView, nowNs: number): void {
    const queue = this.queue(leaf);
    queue.push(request);
    if (queue.length === 1) this.inner.arrived(leaf, request, nowNs);
  }

  cancelled(leaf: number, request: RequestView, nowNs: number): void {
    const queue = this.queue(leaf);
    queue.splice(queue.indexOf(request), 1);
    if (queue.length === 0) this.inner.cancelled(leaf, request, nowNs);
  }

  next(nowNs: number): Next {
    if (this.left === 0 || this.queue(this.current).length === 0) {
      const answer = this.inner.next(nowNs);
      if (answer.kind !== 'grant') return answer;
      this.current = answer.leaf;
      this.left = this.run;
      const [head] = this.queue(this.current);
      this.inner.arrived(this.current, head!, nowNs);
      this.inner.finished(this.current, head!, 0, nowNs);
    }
    this.left -= 1;
    const queue = this.queue(this.current);
    const granted = queue.shift()!;
    if (queue.length === 0) this.inner.cancelled(this.current, granted, nowNs);
    return { kind: 'grant', leaf: this.current };
  }

  finished(): void {
    /* The scheduler inside was told when the run was granted. */
  }

  handBack(): void {
    throw new Error('nothing is handed back here');
  }

  sharesChanged(tag: string, nowNs: number): void {
    this.inner.sharesChanged(tag, nowNs);
  }

  configure(settings: DeviceSettings): void {
    this.inner.configure(settings);
  }
}
