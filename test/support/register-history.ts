/**
 * What clients saw of one block that many of them write and read at a time, and whether one order of
 * all that explains it: each operation takes effect in an instant between its call and its answer.
 *
 * Every write has a value of its own, so the question is easy (Gibbons and Korach, "Testing shared
 * memories", SIAM J. Comput. 26(4), 1997, section 5): a write and the reads of its value make a cluster,
 * whose zone lies between the first answer and the last call in it. Where an answer comes before a call
 * the value was there from the one to the other (`forward`): no other value's zone may overlap a forward
 * one, and none that is not forward may lie inside it.
 *
 *   lost write        w(1) ok … r ── 0          the zone of 0 reaches over that of 1
 *   resurrected       w(1) … w(2) ok, r 2 … r 1 … r 2
 *
 * A write of unknown outcome takes effect at any time after its call, or never. One that was in doubt and is
 * sent again while nobody has its answer can take effect twice, before and after `againMs`: writes that are
 * outstanding together take effect in any order, and it is outstanding all the while. It counts as two.
 */
export interface WriteCall {
  readonly value: number;
  readonly calledMs: number;
  /** When it was answered OK; Infinity while it is out, and where nobody knows. */
  answeredMs: number;
  /** It was answered that it was not executed. */
  refused: boolean;
  /** When it came to the disk for the second time; Infinity where it did not. */
  againMs: number;
}

interface ReadSeen {
  readonly value: number;
  readonly calledMs: number;
  readonly answeredMs: number;
}

interface Zone {
  readonly value: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly forward: boolean;
}

export class RegisterHistory {
  readonly #writes = new Map<number, WriteCall>();
  readonly #reads: ReadSeen[] = [];

  /** @param initial what the block holds before any call */
  constructor(initial: number) {
    this.#writes.set(initial, {
      value: initial,
      calledMs: -Infinity,
      answeredMs: -Infinity,
      refused: false,
      againMs: Infinity,
    });
  }

  write(value: number, calledMs: number): WriteCall {
    const call: WriteCall = { value, calledMs, answeredMs: Infinity, refused: false, againMs: Infinity };
    this.#writes.set(value, call);
    return call;
  }

  read(value: number, calledMs: number, answeredMs: number): void {
    this.#reads.push({ value, calledMs, answeredMs });
  }

  /** What is wrong, null where one order explains all. */
  fault(): string | null {
    const clusters = new Map<number, ReadSeen[]>();
    for (const read of this.#reads) {
      const write = this.#writes.get(read.value);
      const what = `a read at ${read.calledMs.toFixed(0)} ms saw ${String(read.value)}`;
      if (write === undefined) return `${what}, which nobody wrote`;
      if (write.refused) return `${what}, whose write was answered as not executed`;
      if (read.answeredMs < write.calledMs) return `${what} before it was written`;
      const cluster = clusters.get(read.value);
      if (cluster === undefined) clusters.set(read.value, [read]);
      else cluster.push(read);
    }
    return overlap(this.#zones(clusters));
  }

  #zones(clusters: ReadonlyMap<number, readonly ReadSeen[]>): Zone[] {
    const zones: Zone[] = [];
    for (const write of [...this.#writes.values()].flatMap(effectsOf)) {
      // Of a write of two effects, a read at work when it came again may have seen either: it tells nothing.
      const reads = (clusters.get(write.value) ?? []).filter(
        ({ calledMs, answeredMs }) => calledMs >= write.seenFromMs && answeredMs <= write.seenUntilMs,
      );
      // Never seen and never answered: it may as well not have happened.
      if (reads.length === 0 && write.answeredMs === Infinity) continue;
      let firstAnswerMs = write.answeredMs;
      let lastCallMs = write.calledMs;
      for (const { calledMs, answeredMs } of reads) {
        firstAnswerMs = Math.min(firstAnswerMs, answeredMs);
        lastCallMs = Math.max(lastCallMs, calledMs);
      }
      zones.push({
        value: write.value,
        fromMs: Math.min(firstAnswerMs, lastCallMs),
        toMs: Math.max(firstAnswerMs, lastCallMs),
        forward: firstAnswerMs < lastCallMs,
      });
    }
    return zones;
  }
}

/** What a write did once, between `calledMs` and `answeredMs`, and which reads of its value are of that. */
interface Effect {
  readonly value: number;
  readonly calledMs: number;
  readonly answeredMs: number;
  readonly seenFromMs: number;
  readonly seenUntilMs: number;
}

function effectsOf({ value, calledMs, answeredMs, againMs }: WriteCall): Effect[] {
  const whole = { value, calledMs, answeredMs, seenFromMs: -Infinity, seenUntilMs: Infinity };
  if (againMs === Infinity) return [whole];
  return [
    { ...whole, answeredMs: againMs, seenUntilMs: againMs },
    { ...whole, calledMs: againMs, seenFromMs: againMs },
  ];
}

function overlap(zones: readonly Zone[]): string | null {
  const forward = zones.filter((zone) => zone.forward).sort((a, b) => a.fromMs - b.fromMs);
  for (const [i, zone] of forward.entries()) {
    const next = forward[i + 1];
    if (next !== undefined && next.fromMs < zone.toMs) return told(zone, next);
  }
  for (const zone of forward) {
    const inside = zones.find((other) => !other.forward && other.fromMs > zone.fromMs && other.toMs < zone.toMs);
    if (inside !== undefined) return told(zone, inside);
  }
  return null;
}

function told(zone: Zone, other: Zone): string {
  const text = ({ value, fromMs, toMs }: Zone): string =>
    `${String(value)} (${fromMs.toFixed(0)} to ${toMs.toFixed(0)} ms)`;
  return `the block held ${text(zone)}, and ${text(other)} took effect within`;
}
