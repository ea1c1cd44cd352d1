/** How long work takes, and how long at a time it keeps the event loop from others meanwhile. */

export interface Held<T> {
  readonly value: T;
  readonly ms: number;
  /** The longest time between two turns of the loop. */
  readonly heldMs: number;
}

export async function heldBy<T>(work: () => Promise<T>): Promise<Held<T>> {
  let heldMs = 0;
  let last = performance.now();
  let watching = true;
  const watch = (): void => {
    const now = performance.now();
    heldMs = Math.max(heldMs, now - last);
    last = now;
    if (watching) setImmediate(watch);
  };
  setImmediate(watch);
  const start = performance.now();
  const value = await work();
  const ms = performance.now() - start;
  await new Promise((resolve) => setImmediate(resolve));
  watching = false;
  return { value, ms, heldMs };
}
