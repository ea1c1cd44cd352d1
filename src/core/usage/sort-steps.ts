/**
 * A merge sort in small steps, so that the order of 100,000 names does not hold the event loop: short
 * runs by the engine's own sort, then merged, each run and as many merged numbers being a step.
 */

/** What a step sorts or merges: some 2 ms where a comparison is one of strings. */
const RUN = 1_024;

/** @returns the numbers in order; `numbers` itself is of no use afterwards */
export function* sortInSteps(
  numbers: Int32Array<ArrayBuffer>,
  compare: (a: number, b: number) => number,
): Generator<null, Int32Array<ArrayBuffer>> {
  for (let from = 0; from < numbers.length; from += RUN) {
    if (from > 0) yield null;
    numbers.subarray(from, from + RUN).sort(compare);
  }
  let [source, target] = [numbers, new Int32Array(numbers.length > RUN ? numbers.length : 0)];
  for (let width = RUN; width < numbers.length; width *= 2) {
    for (let from = 0; from < numbers.length; from += 2 * width) {
      yield* merge(source, target, from, from + width, from + 2 * width, compare);
    }
    [source, target] = [target, source];
  }
  return source;
}

/** [from, middle) and [middle, end) of source, each in order, into target. Of equals the first stays first. */
function* merge(
  source: Int32Array,
  target: Int32Array,
  from: number,
  middle: number,
  end: number,
  compare: (a: number, b: number) => number,
): Generator<null, void> {
  const leftEnd = Math.min(middle, source.length);
  const rightEnd = Math.min(end, source.length);
  let left = from;
  let right = leftEnd;
  for (let at = from; at < rightEnd; at++) {
    const takeLeft = right >= rightEnd || (left < leftEnd && compare(source[left]!, source[right]!) <= 0);
    target[at] = takeLeft ? source[left++]! : source[right++]!;
    if (at % RUN === RUN - 1) yield null;
  }
}
