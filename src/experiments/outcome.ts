/** What came of a figure: its results, and its claims held against what is expected of them. */
import type { Claim, Figure, Results, Verdict } from './experiment.js';

export interface ClaimResult {
  readonly claim: Claim;
  readonly verdict: Verdict;
  /** False in either direction: an expected claim that fails, or one known not to hold that does. */
  readonly asExpected: boolean;
}

export interface FigureResult {
  readonly figure: Figure;
  readonly results: Results;
  readonly claims: readonly ClaimResult[];
}

export function judge(figure: Figure, results: Results): FigureResult {
  const claims = figure.claims.map((claim): ClaimResult => {
    const verdict = claim.judge(results);
    return { claim, verdict, asExpected: verdict.holds === (claim.expected.kind === 'reproduced') };
  });
  return { figure, results, claims };
}

/** The result in words, as report and command print it. */
export function wording({ claim, verdict, asExpected }: ClaimResult): string {
  const result = verdict.holds ? 'reproduced' : 'not reproduced';
  return asExpected ? result : `${result}, where ${claim.expected.kind} was expected`;
}
