/** One listener a signal, however many requests hang on it: Node warns of more than a few, and each costs. */

/** Told when the signal fires. */
export interface AbortTarget {
  aborted(): void;
}

class Watch {
  readonly targets = new Set<AbortTarget>();
  readonly listener = (): void => {
    for (const target of [...this.targets]) target.aborted();
  };
}

const watches = new WeakMap<AbortSignal, Watch>();

/** Until `unwatchAbort` with the same target. */
export function watchAbort(signal: AbortSignal, target: AbortTarget): void {
  let watch = watches.get(signal);
  if (watch === undefined) watches.set(signal, (watch = new Watch()));
  if (watch.targets.size === 0) signal.addEventListener('abort', watch.listener, { once: true });
  watch.targets.add(target);
}

export function unwatchAbort(signal: AbortSignal, target: AbortTarget): void {
  const watch = watches.get(signal);
  if (watch === undefined) return;
  watch.targets.delete(target);
  if (watch.targets.size === 0) signal.removeEventListener('abort', watch.listener);
}
