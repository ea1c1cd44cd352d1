/**
 * A question that is asked again at its own pace: the newest answer, and how it stands. Another
 * question lets go of the answer; one that fails keeps it and is asked again. Time is passed in.
 */

/** `idle`: nothing is asked. `loading`: for the first time. `failed`: the last time; an answer may be there from before. */
export type FeedState = 'idle' | 'loading' | 'shown' | 'failed';

/** @param before the answer of the last time, null where there is none */
export type Load<T> = (before: T | null, nowMs: number) => Promise<T>;

const RETRY_MS = 5_000;

export class Feed<T> {
  state: FeedState = 'idle';
  error: Error | null = null;
  value: T | null = null;
  private readonly changed: () => void;
  private key = '';
  private load: Load<T> | null = null;
  private paceMs = 0;
  private askedMs = 0;
  private underWay = false;

  constructor(changed: () => void) {
    this.changed = changed;
  }

  /** @param key what makes the question another one */
  ask(key: string, paceMs: number, load: Load<T>, nowMs: number): void {
    if (this.load !== null && key === this.key) return;
    this.key = key;
    this.load = load;
    this.paceMs = paceMs;
    this.state = 'loading';
    this.error = null;
    this.value = null;
    void this.run(load, nowMs);
    this.changed();
  }

  stop(): void {
    if (this.load === null) return;
    this.load = null;
    this.state = 'idle';
    this.error = null;
    this.value = null;
    this.changed();
  }

  /** The service's clock says nowMs: it may have been far from what it was taken for. */
  tick(nowMs: number): void {
    const { load } = this;
    if (load === null || this.underWay) return;
    const everyMs = this.state === 'failed' ? Math.min(RETRY_MS, this.paceMs) : this.paceMs;
    if (Math.abs(nowMs - this.askedMs) >= everyMs) void this.run(load, nowMs);
  }

  private async run(load: Load<T>, nowMs: number): Promise<void> {
    this.askedMs = nowMs;
    this.underWay = true;
    let value = this.value;
    let error: Error | null = null;
    try {
      value = await load(value, nowMs);
    } catch (reason) {
      error = reason as Error;
    }
    // Something else is asked by now.
    if (load !== this.load) return;
    this.underWay = false;
    this.value = value;
    this.error = error;
    this.state = error === null ? 'shown' : 'failed';
    this.changed();
  }
}
