import type { Rng } from '../../core/ports.js';

/** 0..length-1 in an order drawn from rng: Fisher and Yates's shuffle. */
export function shuffled(length: number, rng: Rng): Uint32Array {
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  for (let i = length - 1; i > 0; i--) {
    const j = rng.below(i + 1);
    const moved = order[i]!;
    order[i] = order[j]!;
    order[j] = moved;
  }
  return order;
}
