/** Since when others were owed first: flows whose head came up since the last grant that is known of here. */
import type { FlowView } from '../../core/ports.js';

export class PassedOver {
  readonly #fresh: FlowView[] = [];

  /** The flow has a new head. */
  headCame(flow: FlowView): void {
    if (flow.fresh) return;
    flow.fresh = true;
    this.#fresh.push(flow);
  }

  /** Something was granted, here or to another host: whoever had a head before waits because of shares from now on. */
  by(nowNs: number): void {
    const fresh = this.#fresh;
    for (const flow of fresh) {
      flow.fresh = false;
      if (flow.passedOverNs < 0) flow.passedOverNs = nowNs;
    }
    fresh.length = 0;
  }
}
