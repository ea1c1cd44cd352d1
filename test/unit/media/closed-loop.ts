/** A closed loop at a medium: `depth` requests outstanding, the next one sent as one ends. Model time only. */
import { NONE, type MediaModel } from '../../../src/core/media/media-model.js';
import type { Op } from '../../../src/core/model/request.js';
import { NS_PER_S } from '../../../src/core/model/units.js';

export interface Aim {
  readonly op: Op;
  readonly offset: number;
  readonly lengthBytes: number;
  readonly fua?: boolean;
}

export interface Served extends Aim {
  readonly startNs: number;
  readonly endNs: number;
}

/** Runs until `count` have ended; in order of their end. */
export function closedLoop(medium: MediaModel, depth: number, count: number, next: (i: number) => Aim): Served[] {
  const aims: Aim[] = [];
  const starts: number[] = [];
  const served: Served[] = [];
  let sent = 0;
  const send = (slot: number, atNs: number): void => {
    const aim = next(sent++);
    aims[slot] = aim;
    starts[slot] = atNs;
    medium.submit(slot, aim.op, aim.offset, aim.lengthBytes, aim.fua ?? false, atNs);
  };
  for (let slot = 0; slot < depth; slot++) send(slot, 0);
  while (served.length < count) {
    const atNs = medium.nextNs;
    const slot = medium.advance();
    if (slot === NONE) continue;
    served.push({ ...aims[slot]!, startNs: starts[slot]!, endNs: atNs });
    send(slot, atNs);
  }
  return served;
}

/** Requests a second after the first `warmUp` have ended. */
export function rate(served: readonly Served[], warmUp = 0): number {
  const spanNs = served[served.length - 1]!.endNs - (warmUp === 0 ? 0 : served[warmUp - 1]!.endNs);
  return ((served.length - warmUp) / spanNs) * NS_PER_S;
}

export function meanLatencyNs(served: readonly Served[]): number {
  return served.reduce((sum, { startNs, endNs }) => sum + endNs - startNs, 0) / served.length;
}
