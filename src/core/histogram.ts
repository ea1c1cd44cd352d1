/**
 * Log-linear buckets for latencies in nanoseconds: each power of two is cut into 16 equal parts, so
 * histograms of any origin merge by adding counts, bucket by bucket.
 *
 * Error: values below 32 ns are exact. Above, a bucket [lo, lo + w) has w <= lo / 16 and is reported
 * as its middle, so what is reported is off by less than 1/32 of the value. Values of 2^42 ns (73
 * minutes) and more count in the last bucket.
 *
 * The scheme is that of HdrHistogram (Gil Tene), with the number of buckets fixed.
 */
const SUB_BITS = 4;
const SUB = 1 << SUB_BITS;
const VALUE_BITS = 42;
const VALUE_END = 2 ** VALUE_BITS;

export const BUCKETS = (VALUE_BITS - SUB_BITS + 1) * SUB;

/** The bucket of a latency; what is not above 0 counts in the first. */
export function bucketOf(ns: number): number {
  if (!(ns >= 1)) return 0;
  if (ns < 0x8000_0000) return smallBucket(ns | 0);
  if (ns >= VALUE_END) return BUCKETS - 1;
  // The top 16 bits or more are kept, of which the bucket is made of the first five.
  return smallBucket((ns / 0x1_0000) | 0) + 16 * SUB;
}

function smallBucket(value: number): number {
  if (value < SUB) return value;
  const exponent = 31 - Math.clz32(value);
  return ((exponent - SUB_BITS) << SUB_BITS) + (value >>> (exponent - SUB_BITS));
}

/** The middle of a bucket's whole values, nanoseconds. */
export function bucketNs(bucket: number): number {
  if (bucket < SUB) return bucket;
  const width = 2 ** ((bucket >> SUB_BITS) - 1);
  return ((bucket & (SUB - 1)) + SUB) * width + (width - 1) / 2;
}
