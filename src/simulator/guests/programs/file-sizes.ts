/**
 * Sizes of files by filebench's gamma distribution, rounded up to whole pages, as they take up a disk: few
 * sizes, so that one number drawn and a walk along their distribution give one.
 */
import type { Rng } from '../../../core/ports.js';
import { FILEBENCH } from '../parameters.js';

/** Most that one file takes up on the disk: the 0.0025 % that would be longer are cut, and appends that would pass it. */
export const FILE_BYTES_MAX = 128 * 1_024;

/** By pages less one: the part of all files that has no more. */
const NO_MORE = Float64Array.from({ length: FILE_BYTES_MAX / FILEBENCH.pageBytes }, (_, i) =>
  gammaDistribution(
    FILEBENCH.gammaShape,
    ((i + 1) * FILEBENCH.pageBytes * FILEBENCH.gammaShape) / FILEBENCH.fileBytesMean,
  ),
);
NO_MORE[NO_MORE.length - 1] = 1;

/** How long one file is, drawn: whole pages, in bytes, at most FILE_BYTES_MAX. */
export function fileBytes(rng: Rng): number {
  const u = rng.next();
  let i = 0;
  while (u >= NO_MORE[i]!) i++;
  return (i + 1) * FILEBENCH.pageBytes;
}

/** P(shape, x), the regularized incomplete gamma function. */
function gammaDistribution(shape: number, x: number): number {
  // Gamma(shape) divides both: at 100, where P is 1 to all digits for shapes such as these, it is found by the way.
  return incompleteGamma(shape, x) / incompleteGamma(shape, 100);
}

/** The lower incomplete gamma function: x^a e^-x (1/a + x/(a (a+1)) + ...), NIST Digital Library 8.7.1. */
function incompleteGamma(a: number, x: number): number {
  let term = 1 / a;
  let sum = 0;
  for (let n = 1; term > sum * Number.EPSILON || n <= x; n++) {
    sum += term;
    term *= x / (a + n);
  }
  return sum * x ** a * Math.exp(-x);
}
